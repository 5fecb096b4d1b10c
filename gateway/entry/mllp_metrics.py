"""Figures of the MLLP doors for Prometheus; labels come from closed sets only.

Does not serve them: the route /metrics does.
"""

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.core.messages import Outcome
from gateway.hl7v2.framing import Fault

_ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


class Port(StrEnum):
    """Which MLLP door."""

    PLAIN = "plain"
    TLS = "tls"


class Ending(StrEnum):
    """Why a connection ended."""

    #: The peer closed at a frame boundary.
    PEER = "peer"
    #: Connect and close without a byte, or an HTTP request: load-balancer probes.
    PROBE = "probe"
    IDLE = "idle"
    TRUNCATED = "truncated-frame"
    FRAME_LATE = "frame-deadline"
    ACK_LATE = "ack-deadline"
    ENDLESS = "endless-frame"
    NOISE = "noise"
    #: TLS hello on the plain port, plain bytes on the TLS port.
    WRONG_PORT = "wrong-port"
    TLS_REFUSED = "tls-refused"
    #: Closed to make room for a newer connection.
    EVICTED = "evicted"
    #: Refused: the limit is reached and no connection is idle.
    FULL = "full"
    STOPPED = "stopped"
    FAILED = "failed"


#: What became of a frame: an outcome of the pipeline or a fault of the stream.
FRAME_RESULTS = (*Outcome, *Fault, "failed")


class MllpMetrics:
    """The metric families of all MLLP doors of a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        port = ("port",)
        self.connections = Gauge(
            "relais_mllp_connections", "Open MLLP connections.", port, registry=registry
        )
        self.endings = Counter(
            "relais_mllp_connections_closed",
            "MLLP connections that ended, by reason.",
            ("port", "reason"),
            registry=registry,
        )
        self.frames = Counter(
            "relais_mllp_frames",
            "MLLP frames, by what became of them.",
            ("port", "result"),
            registry=registry,
        )
        self.noise = Counter(
            "relais_mllp_noise_bytes", "Bytes between MLLP frames.", port, registry=registry
        )
        self.pending = Gauge(
            "relais_mllp_pending_frame_seconds",
            "Age of the oldest frame that has begun and not ended.",
            port,
            registry=registry,
        )
        self.unanswered = Gauge(
            "relais_mllp_unanswered_frame_seconds",
            "Age of the oldest whole frame that waits for its answer.",
            port,
            registry=registry,
        )
        self.ack = Histogram(
            "relais_mllp_ack_seconds",
            "Time from the last byte of a frame to its answer.",
            port,
            buckets=_ACK_BUCKETS,
            registry=registry,
        )
        self.undelivered = Counter(
            "relais_mllp_ack_undelivered",
            "Answers whose sender had gone.",
            port,
            registry=registry,
        )

    def at(
        self, port: Port, pending: Callable[[], float], unanswered: Callable[[], float]
    ) -> "PortMetrics":
        """Return the figures of one door; the two callables are asked at each scrape."""
        self.pending.labels(port).set_function(pending)
        self.unanswered.labels(port).set_function(unanswered)
        return PortMetrics(self, port)


class PortMetrics:
    """The figures of one door, labels resolved once: they are touched for each frame."""

    __slots__ = ("_endings", "_frames", "ack", "connections", "noise", "undelivered")

    def __init__(self, metrics: MllpMetrics, port: Port) -> None:
        self.connections = metrics.connections.labels(port)
        self.noise = metrics.noise.labels(port)
        self.ack = metrics.ack.labels(port)
        self.undelivered = metrics.undelivered.labels(port)
        self._endings = {reason: metrics.endings.labels(port, reason) for reason in Ending}
        self._frames = {result: metrics.frames.labels(port, result) for result in FRAME_RESULTS}

    def ended(self, reason: Ending) -> None:
        """Count the end of a connection."""
        self._endings[reason].inc()

    def frame(self, result: str) -> None:
        """Count a frame."""
        self._frames[result].inc()
