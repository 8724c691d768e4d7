"""From an address and settings to a database."""

import os
import re

from dal.database.database import Database
from dal.database.settings import Settings
from dal.errors import ConfigurationError

# SQLAlchemy's way of naming a driver in a URL, which asyncpg refuses.
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")


def connect(
    dsn: str | None = None,
    *,
    min_size: int = 10,
    max_size: int = 30,
    acquire_timeout: float = 30.0,
    recycle_after: float = 3600.0,
    command_timeout: float = 30.0,
    application_name: str = "dal",
) -> Database:
    """Connect to PostgreSQL.

        async with dal.connect() as db: ...

        db = await dal.connect()        # and later: await db.close()

    Parameters:
        dsn: `postgresql://user:password@host:port/database`; None takes DATABASE_URL from the
            environment.
        min_size: connections opened at once.
        max_size: connections at the most.
        acquire_timeout: seconds that a call waits for a free connection.
        recycle_after: seconds after which connections are replaced by new ones.
        command_timeout: seconds that a statement may take.
        application_name: how this service is called in pg_stat_activity.

    Raises:
        ConfigurationError: a setting or the address is missing or wrong, or the server refuses the
            user.
        DatabaseUnavailableError: the server can't be reached.
    """
    address = dsn or os.environ.get("DATABASE_URL")
    if not address:
        raise ConfigurationError(
            "no database address; set DATABASE_URL=postgresql://user:password@host:5432/database"
            " or pass it to dal.connect"
        )
    settings = Settings.checked(
        min_size=min_size,
        max_size=max_size,
        acquire_timeout=acquire_timeout,
        recycle_after=recycle_after,
        command_timeout=command_timeout,
        application_name=application_name,
    )
    return Database(_DRIVER.sub(r"\1://", address), settings)
