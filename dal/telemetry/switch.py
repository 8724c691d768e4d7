"""Switches telemetry on and off."""

from opentelemetry import metrics, trace

from dal.database.calls import Watcher, watchers
from dal.telemetry import pools
from dal.telemetry.calls import recorder

_NAME = "dal"
_SCHEMA = "https://opentelemetry.io/schemas/1.33.0"  # from here on PostgreSQL's are stable

_recorders: list[Watcher] = []  # at most one


def instrument(
    *,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> None:
    """Record the calls and the pools of this process, until `uninstrument`.

    It may be called before the providers are set and before or after a database is connected.
    Called again, it records with the providers of the last call alone.

    Parameters:
        tracer_provider: makes the spans; None is OpenTelemetry's global one.
        meter_provider: makes the metrics; None is the global one.
    """
    uninstrument()
    tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider, schema_url=_SCHEMA)
    meter = metrics.get_meter(_NAME, meter_provider=meter_provider, schema_url=_SCHEMA)
    _recorders.append(recorder(tracer, meter))
    watchers.append(_recorders[0])
    pools.observe(meter)


def uninstrument() -> None:
    """Record nothing more; calls are then as they were before `instrument`."""
    while _recorders:
        watchers.remove(_recorders.pop())
    pools.observed.clear()
