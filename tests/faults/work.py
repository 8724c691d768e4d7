"""Every public function, run on rows of ada's or on new ones, by itself or in a transaction."""

from typing import Any, Literal, TypeAlias
from uuid import UUID

import dal
from dal import NewMessage, NewTask, users
from tests.surface import FUNCTIONS, VALUES, arguments, call, fill, snapshot

Where: TypeAlias = Literal["pool", "transaction"]
Rows: TypeAlias = list[tuple[str, ...]]

OTHERS = [UUID(int=n) for n in (1, 2, 3)]
NEW = {
    "id": OTHERS[0],
    "messages": [
        NewMessage(role="user", content="Buy bread", metadata=None, id=own_id) for own_id in OTHERS
    ],
    "tasks": [NewTask(title="Bread", description=None, id=own_id) for own_id in OTHERS],
}


async def refilled(db: Any) -> Rows:
    """Ada's rows as they were at first, and nobody else's."""
    for user_id in ("ada", "bob"):
        await users.delete(db, user_id=user_id)
    await fill(db)
    return await snapshot(db)


async def perform(name: str, db: dal.Database, where: Where) -> None:
    """Run a function; where it creates a row, it is a new one."""
    values = arguments(FUNCTIONS[name], VALUES | NEW)
    if name == "users.ensure":
        values["user_id"] = "bob"
    if where == "pool":
        await call(FUNCTIONS[name], db, values)
    else:
        async with db.transaction() as transaction:
            await call(FUNCTIONS[name], transaction, values)
