"""Which of the server's processes serves a connection."""

import dal


async def pid(db: dal.Executor) -> int:
    """The process of the connection that a call takes."""
    [row] = await db.fetch("SELECT pg_backend_pid() AS pid")
    return int(row["pid"])
