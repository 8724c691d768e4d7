"""Cursors: as text and back, and what is none."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies as st

from dal import Cursor
from dal.errors import InvalidInputError

offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
ID = UUID("ada00000-0000-4000-8000-000000000000")

times = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=offsets)


kinds = st.none() | st.sampled_from(["message", "task"])


@hypothesis.given(st.builds(Cursor, times, st.uuids(), kinds))
def test_a_cursor_is_read_back_from_its_text(cursor: Cursor) -> None:
    text = str(cursor)
    assert Cursor.parse(text) == cursor
    assert Cursor.parse(text).time.tzinfo is UTC
    assert str(Cursor.parse(text)) == text
    assert set(text) <= set("0123456789abcdefghijklmnopqrstuvwxyz.-")


@hypothesis.given(st.from_regex(r"-?[0-9]{1,20}\.[0-9a-f]{32}", fullmatch=True) | st.text())
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except InvalidInputError:
        return
    assert Cursor.parse(str(cursor)) == cursor
    assert int(str(cursor).partition(".")[0]) == int(text.partition(".")[0])


@pytest.mark.parametrize("time", [datetime.min, datetime.max])
def test_the_ends_of_the_calendar(time: datetime) -> None:
    cursor = Cursor(time.replace(tzinfo=UTC), UUID(int=0))
    assert Cursor.parse(str(cursor)) == cursor


HEX = ID.hex


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        HEX,
        "1",
        "1.s3cr3t",
        f".{HEX}",
        f"1.{HEX[1:]}",
        f"1.{HEX}0",
        f"1.{'A' * 32}",
        f"1.{ID}",
        f"1..{HEX}",
        f"1.5.{HEX}",
        f"+1.{HEX}",
        f"--1.{HEX}",
        f" 1.{HEX}",
        f"1.{HEX}\n",
        f"1e3.{HEX}",
        f"Task.1.{HEX}",
        f"task..1.{HEX}",
        f"a.task.1.{HEX}",
        f"1_0.{HEX}",
        f"\N{ARABIC-INDIC DIGIT THREE}.{HEX}",
        f"nan.{HEX}",
        f"{10**17 * 9}.{HEX}",
        f"-{10**17}.{HEX}",
        f"{'9' * 5000}.{HEX}",
        f"1.{HEX}\0",
        f"1.{HEX[1:]}\ud800",
        None,
        1,
        [],
        f"1.{HEX}".encode(),
        Cursor(NOW, ID),
    ],
)
def test_a_malformed_cursor_is_refused_and_not_repeated(text: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Cursor.parse(text)
    assert caught.value.args == ("malformed cursor; pass the text of a record's cursor unchanged",)
    assert caught.value.__context__ is caught.value.__cause__ is None


WEST, EAST = timezone(timedelta(hours=-1)), timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("time", "id"),
    [
        (NOW.replace(tzinfo=None), ID),
        (datetime.max.replace(tzinfo=WEST), ID),  # in UTC, past the calendar's end
        (datetime.min.replace(tzinfo=EAST), ID),
        (NOW.isoformat(), ID),
        (NOW.date(), ID),
        (NOW.timestamp(), ID),
        (None, ID),
        (NOW, str(ID)),
        (NOW, 1),
        (NOW, None),
    ],
)
def test_a_cursor_needs_an_aware_time_and_a_uuid(time: Any, id: Any) -> None:
    with pytest.raises(InvalidInputError):
        Cursor(time, id)
