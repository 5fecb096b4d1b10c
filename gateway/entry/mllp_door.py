"""What an MLLP connection may use of its listener, and the limits both keep.

Holds no behaviour: `entry.mllp` listens, `entry.mllp_connection` answers.
"""

import asyncio
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gateway.core.messages import Incident
from gateway.entry.doors import House
from gateway.entry.mllp_metrics import Ending, PortMetrics
from gateway.hl7v2.framing import Fault

if TYPE_CHECKING:
    from gateway.entry.mllp_connection import Connection


@dataclass(frozen=True, slots=True)
class MllpLimits:
    """What one MLLP door bears.

    Attributes:
        frame_bytes: largest frame; four times as much is drained before the connection closes.
        frame_s: time from the first byte of a frame to its last.
        ack_write_s: time the peer has to take an answer.
        idle_s: silence at a frame boundary with nothing to answer.
        peer_connections: connections of one address.
        connections: connections in all.
        noise_bytes: bytes without a frame before the connection closes.
        restarts: frames begun again without a whole one before the connection closes.
        end_grace_s: time the CR of an end block has to follow FS.
        handshake_s: time for the TLS handshake.
    """

    frame_bytes: int = 64 * 2**20
    frame_s: float = 120.0
    ack_write_s: float = 30.0
    idle_s: float = 86_400.0
    peer_connections: int = 64
    connections: int = 1024
    noise_bytes: int = 2**20
    restarts: int = 16
    end_grace_s: float = 0.05
    handshake_s: float = 10.0


class Door(Protocol):
    """What a connection needs of its listener."""

    house: House
    limits: MllpLimits
    metrics: PortMetrics
    tls: ssl.SSLContext | None
    is_draining: bool

    def admit(self, connection: "Connection") -> bool:
        """Count a new connection; False when there is no room."""
        ...

    def release(self, connection: "Connection") -> None:
        """Forget a connection that ended and has nothing left to answer."""
        ...

    def ended(self, connection: "Connection", reason: Ending, size: int) -> None:
        """Tell that the transport of a connection is gone."""
        ...

    def refused_tls(self, connection: "Connection", error: ssl.SSLError, data: bytes) -> Ending:
        """Judge a handshake that failed."""
        ...

    def undelivered(self, connection: "Connection", size: int) -> None:
        """Tell that an answer found nobody."""
        ...

    async def report(self, incident: Incident) -> None:
        """Keep an incident; never raises for a store that is away."""
        ...

    def hint(self, fault: Fault) -> dict[str, Any]:
        """Return what the operator should know about a fault."""
        ...

    def spawn(
        self, work: Coroutine[Any, Any, None], connection: "Connection"
    ) -> asyncio.Task[None]:
        """Run work of a connection; `Connection.failed` is told when it breaks."""
        ...
