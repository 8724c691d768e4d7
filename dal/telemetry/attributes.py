"""Where a call runs, as attributes of OpenTelemetry's conventions."""

from typing import Any
from weakref import WeakKeyDictionary

import asyncpg

from dal.database import Database, Transaction
from dal.database.connection import is_lost

Attributes = dict[str, str | int]

_PORT = 5432  # left out, as the conventions have it

_cache: WeakKeyDictionary[Database, Attributes] = WeakKeyDictionary()


def server_attributes(db: object) -> Attributes:
    """The system, the database and the server, as far as they are known without a query.

    `db.namespace` is the database alone, because the schema isn't known. The server of a database
    with several hosts is known only in a transaction, that of an asyncpg pool never.

    Parameters:
        db: whatever a function can run on.
    """
    if isinstance(db, Database):
        if db not in _cache:
            name, hosts = db.address.parameters["dbname"], db.address.hosts
            _cache[db] = _attributes(name, hosts[0] if len(hosts) == 1 else None)
        return _cache[db]
    connection: Any = db._connection if isinstance(db, Transaction) else db
    if isinstance(connection, asyncpg.Connection) and not is_lost(connection):
        return _attributes(connection._params.database, connection._addr)
    return _attributes(None, None)


def _attributes(database: str | None, server: tuple[str, int] | str | None) -> Attributes:
    attributes: Attributes = {"db.system.name": "postgresql"}
    if database:
        attributes["db.namespace"] = database
    if isinstance(server, str):  # a socket
        attributes["server.address"] = server
    elif server:
        host, port = server
        is_socket = host.startswith("/")
        attributes["server.address"] = f"{host}/.s.PGSQL.{port}" if is_socket else host
        if port != _PORT and not is_socket:
            attributes["server.port"] = port
    return attributes
