"""A span and a duration for each call."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, StatusCode, Tracer, use_span

from dal.database.calls import Call, Watcher
from dal.errors import DalError
from dal.telemetry.attributes import server_attributes

# What the conventions advise, in seconds.
_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]


def recorder(tracer: Tracer, meter: Meter) -> Watcher:
    """A watcher that records each call; its span is current, so the driver's own are below it."""
    duration = meter.create_histogram(
        "db.client.operation.duration",
        unit="s",
        description="Duration of database client operations.",
        explicit_bucket_boundaries_advisory=_BUCKETS,
    )

    @contextmanager
    def record(call: Call) -> Iterator[None]:
        # The function is the operation: a statement may be several of SQL's.
        name = {"db.operation.name": call.query, "db.query.summary": call.query}
        attributes = server_attributes(call.db) | name
        start = time.time_ns()
        span = tracer.start_span(
            call.query, kind=SpanKind.CLIENT, attributes=attributes, start_time=start
        )
        with use_span(span):
            try:
                yield
            except BaseException as error:
                failed = _failed(error)
                span.set_attributes(failed)
                span.set_status(StatusCode.ERROR, _description(error))
                attributes |= failed
                raise
            finally:
                if call.rows is not None and not call.writes:
                    span.set_attribute("db.response.returned_rows", call.rows)
                duration.record(call.seconds, attributes)
                span.end(start + round(call.seconds * 1e9))

    return record


def _failed(error: BaseException) -> dict[str, str]:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    sqlstate = error.sqlstate if isinstance(error, DalError) else None
    return {"error.type": name} | ({"db.response.status_code": sqlstate} if sqlstate else {})


def _description(error: BaseException) -> str | None:
    # Other errors than dal's own may quote a value.
    return str(error) if isinstance(error, DalError) else None
