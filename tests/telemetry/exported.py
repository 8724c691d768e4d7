"""What OpenTelemetry's SDK has been given, kept in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import dal.telemetry


@dataclass
class Exported:
    """Spans and metrics, and the providers that make them."""

    tracer_provider: TracerProvider = field(default_factory=TracerProvider)
    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    def __post_init__(self) -> None:
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def instrument(self) -> None:
        dal.telemetry.instrument(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider
        )

    def spans(self) -> list[ReadableSpan]:
        """Those that have ended since they were last asked for."""
        spans = list(self.exporter.get_finished_spans())
        self.exporter.clear()
        return spans

    def metrics(self) -> dict[str, Metric]:
        """Each metric now, by its name."""
        data = self.reader.get_metrics_data()
        scopes = (
            [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
            if data
            else []
        )
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def texts(self) -> list[str]:
        """All that there is of the spans that have ended, and of the metrics now."""
        data = self.reader.get_metrics_data()
        return [*(span.to_json() for span in self.spans()), data.to_json() if data else ""]

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """The attributes and the value of each point of a metric; a duration's value is a count."""
        metric = self.metrics().get(name)
        points = metric.data.data_points if metric else []
        return [
            (dict(point.attributes or {}), getattr(point, "value", getattr(point, "count", None)))
            for point in points
        ]


@contextmanager
def exported() -> Iterator[Exported]:
    """Telemetry is on for the time of the block."""
    exported = Exported()
    exported.instrument()
    try:
        yield exported
    finally:
        dal.telemetry.uninstrument()
        exported.tracer_provider.shutdown()
        exported.meter_provider.shutdown()
