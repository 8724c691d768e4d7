"""The metrics of each open pool, observed when a metric reader asks for them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, count
from threading import Event, Lock
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from dal.database import Database, PoolStats
from dal.database.registry import open_databases
from dal.errors import DatabaseUnavailableError
from dal.telemetry.attributes import server_attributes

observed = Event()
"""Whether pools are observed. OpenTelemetry has no way to remove an instrument."""

_names: WeakKeyDictionary[Database, str] = WeakKeyDictionary()
_naming = Lock()  # readers have threads of their own


def observe(meter: Meter) -> None:
    """Make the instruments, and observe the pools."""
    observed.set()
    meter.create_observable_up_down_counter(
        "db.client.connection.count",
        [
            _figure(lambda stats: stats.idle, "idle"),
            _figure(lambda stats: stats.in_use, "used"),
        ],
        unit="{connection}",
        description="The number of connections that are currently in state described by the"
        " `state` attribute.",
    )
    meter.create_observable_up_down_counter(
        "db.client.connection.max",
        [_figure(lambda stats: stats.max_size)],
        unit="{connection}",
        description="The maximum number of open connections allowed.",
    )
    meter.create_observable_up_down_counter(
        "db.client.connection.pending_requests",
        [_figure(lambda stats: stats.waiting)],
        unit="{request}",
        description="The number of current pending requests for an open connection.",
    )
    meter.create_observable_counter(
        "db.client.connection.timeouts",
        [_figure(lambda stats: stats.timeouts)],
        unit="{timeout}",
        description="The number of connection timeouts that have occurred trying to obtain a"
        " connection from the pool.",
    )


def _figure(
    of: Callable[[PoolStats], int], state: str | None = None
) -> Callable[[CallbackOptions], Iterator[Observation]]:
    """A callback that observes a figure of each pool."""

    def read(_: CallbackOptions) -> Iterator[Observation]:
        for db in open_databases() if observed.is_set() else ():
            with suppress(DatabaseUnavailableError):  # closed since
                attributes: dict[str, Any] = {"db.client.connection.pool.name": _name(db)}
                if state:
                    attributes["db.client.connection.state"] = state
                yield Observation(of(db.stats()), attributes)

    return read


def _name(db: Database) -> str:
    """A pool's own name: `host:port/database`, with a number if another pool has it already."""
    with _naming:
        if db not in _names:
            hosts = ",".join(f"{host}:{port}" for host, port in db.address.hosts)
            name = f"{hosts}/{server_attributes(db)['db.namespace']}"
            names = chain([name], (f"{name}#{number}" for number in count(2)))
            _names[db] = next(name for name in names if name not in _names.values())
        return _names[db]
