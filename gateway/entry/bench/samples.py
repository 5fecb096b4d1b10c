"""Inputs to begin with: invented people of the synthetic region, rendered when first asked for."""

from functools import lru_cache

from gateway.core.messages import Channel
from gateway.entry.bench.inputs import channel_of
from gateway.hl7v2.reader import read
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region

#: Kinds of messages that are offered, in this order.
_OFFERED = (
    "ADT^A01", "ADT^A03", "ADT^A02", "ORM^O01", "SIU^S12", "MDM^T02", "CDA 11490-0", "CDA 34133-9",
)  # fmt: skip
_PATIENTS = 12


@lru_cache(maxsize=1)
def samples() -> dict[str, str]:
    """Return texts by kind of message; the same ones on every machine."""
    found: dict[str, bytes] = {}
    for event in events(Region(1, _PATIENTS), PERFECT):
        found.setdefault(event.label.message, event.body)
    ordered = [*(name for name in _OFFERED if name in found), *sorted(found.keys() - {*_OFFERED})]
    return {name: _text(found[name]) for name in ordered}


def _text(body: bytes) -> str:
    charset = "utf-8" if channel_of(body) is Channel.CDA else read(body).charset
    return body.decode(charset).replace("\r", "\n")
