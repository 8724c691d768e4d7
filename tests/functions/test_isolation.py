"""Nobody reads, changes or learns about another user's rows, through any public function.

The functions are those of tests/surface.py, so a new one is covered by itself.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from dal import Database
from dal.errors import NotFoundError
from tests.surface import (
    EXISTING,
    FUNCTIONS,
    VALUES,
    Function,
    call,
    fill,
    owners,
    settle,
    snapshot,
    variants,
)


class Refused(NamedTuple):
    """All that an error tells a caller."""

    error: type[NotFoundError]
    text: str


async def outcome(function: Function, db: Any, given: Mapping[str, Any]) -> Any:
    """What a caller gets to know from a call."""
    try:
        return await call(function, db, given)
    except NotFoundError as error:
        return Refused(type(error), str(error))


def test_the_surface_is_found() -> None:
    assert len(FUNCTIONS) >= 27
    assert {"users.erase", "messages.stream", "tasks.update"} <= FUNCTIONS.keys()


# Most of these would match ada, were an id ever taken for a pattern, or trimmed, or folded.
@pytest.mark.parametrize("stranger", ["bob", "%", "*", "_da", "ADA", "ada "])
async def test_another_user_with_all_of_adas_ids(db: Database, stranger: str) -> None:
    await fill(db)
    adas = await snapshot(db)
    assert len(adas) == 10
    for name, function in FUNCTIONS.items():
        for given in variants(function, VALUES | {"user_id": stranger}):
            await settle(db, stranger)
            found = await outcome(function, db, given)
            if EXISTING & given.keys():
                assert not found or isinstance(found, Refused), name
                unknown = given | dict.fromkeys(EXISTING & given.keys(), uuid4())
                assert found == await outcome(function, db, unknown), name
            else:
                assert owners(found) <= {stranger}, name
            assert [row for row in await snapshot(db) if row[1] == "ada"] == adas, name


@pytest.mark.parametrize("stranger", ["nobody", "%"])
async def test_an_unknown_user_finds_and_leaves_nothing(db: Database, stranger: str) -> None:
    await fill(db)
    before = await snapshot(db)
    for name, function in FUNCTIONS.items():
        if name != "users.ensure":
            for given in variants(function, VALUES | {"user_id": stranger}):
                found = await outcome(function, db, given)
                assert not found or isinstance(found, Refused), name
                assert await snapshot(db) == before, name
