"""Sends spans to an OpenTelemetry collector over OTLP/HTTP; the extra `otel` brings its packages.

What is a span is said where things happen, by `core.tracing`. Nothing is imported here unless the
settings name a collector.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.core import tracing
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.tracing import Span, Told
from gateway.entry.settings_parts import OtelSettings

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer


class Telemetry:
    """The spans of one process on their way to a collector."""

    def __init__(self, settings: OtelSettings, role: str) -> None:
        """Make the sender; nothing is sent yet.

        Args:
            settings: name the collector.
            role: of this process, told with its spans.

        Raises:
            FatalError: the packages of the extra are missing (RLS-CFG-139).
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        except ImportError:
            raise FatalError([_missing()]) from None
        self._provider: TracerProvider = TracerProvider(
            resource=Resource.create(
                {"service.name": "relais", "service.version": __version__, "relais.role": role}
            ),
            sampler=ParentBased(TraceIdRatioBased(settings.ratio)),
            # The end of the gateway ends it.
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=settings.timeout_s)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    def start(self) -> None:
        """Gather spans from now on."""
        tracing.install(_Spans(self._provider.get_tracer("relais", __version__)))

    def stop(self) -> None:
        """Gather no more; send what is left, within the time-out. Waits: not for the loop."""
        tracing.install(None)
        self._provider.shutdown()


class _Spans:
    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    def start(
        self, name: str, parent: Span | None, links: Sequence[Span], told: dict[str, Told]
    ) -> Span:
        return _started(self._tracer, name, parent, links, told)


class _Gathered(Span):
    """A span that is gathered."""

    __slots__ = ("_is_dropped", "_span", "_tracer")

    def __init__(self, tracer: "Tracer", span: "OtelSpan") -> None:
        self._tracer, self._span = tracer, span
        self._is_dropped = False

    def child(self, name: str, **told: Told) -> Span:
        return _started(self._tracer, name, self, (), told)

    def tell(self, **told: Told) -> None:
        self._span.set_attributes(_named(told))

    def fail(self, code: str) -> None:
        from opentelemetry.trace import StatusCode

        self._span.set_status(StatusCode.ERROR, code)
        self.tell(code=code)

    def drop(self) -> None:
        # What never ends is never sent.
        self._is_dropped = True

    def end(self) -> None:
        # OpenTelemetry warns of a second end.
        if self._span.is_recording() and not self._is_dropped:
            self._span.end()

    @property
    def otel(self) -> "OtelSpan":
        """Return the span of the library."""
        return self._span


def _started(
    tracer: "Tracer", name: str, parent: Span | None, links: Sequence[Span], told: dict[str, Told]
) -> Span:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, set_span_in_context

    # An empty context: a span of another library on this thread is none of ours.
    inside = Context()
    if isinstance(parent, _Gathered):
        inside = set_span_in_context(parent.otel, inside)
    linked = [Link(one.otel.get_span_context()) for one in links if isinstance(one, _Gathered)]
    span = tracer.start_span(f"relais.{name}", inside, attributes=_named(told), links=linked)
    return _Gathered(tracer, span)


def _named(told: dict[str, Told]) -> dict[str, Any]:
    """Return values under our own names, those of HTTP under the names of the convention."""
    return {_HTTP.get(name, f"relais.{name}"): value for name, value in told.items()}


_HTTP = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}


def _missing() -> Issue:
    return Issue(
        code="RLS-CFG-139",
        severity=Severity.FATAL,
        where="otel.endpoint",
        what="A collector of spans is named, and the packages that send them are missing.",
        fix="Install them: pip install 'relais-gateway[otel]'. Or leave RELAIS_OTEL_ENDPOINT out.",
    )
