"""What OpenTelemetry shows of a service's calls and pools; needs the extra `telemetry`.

    import dal.telemetry

    dal.telemetry.instrument()

Each call of a function, dal's own or one of a service's `Queries`, is then a client span and a
value of the histogram `db.client.operation.duration`; a stream is one for each page. Each open
`Database` gives the figures of its pool. Names and attributes are those of OpenTelemetry's
conventions for PostgreSQL. There is never a statement's text among them, nor a value, nor what
PostgreSQL's own error says.

A call costs TODO µs more with OpenTelemetry's SDK, and nothing where this is switched off.
"""

try:
    from dal.telemetry.switch import instrument, uninstrument
except ModuleNotFoundError as error:
    if not (error.name or "").startswith("opentelemetry"):
        raise
    raise ModuleNotFoundError(
        "dal.telemetry needs opentelemetry-api; install the extra telemetry:"
        " pip install 'dal-chat-memory[telemetry]'",
        name=error.name,
    ) from None

__all__ = ["instrument", "uninstrument"]
