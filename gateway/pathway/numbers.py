"""Facts about one order that were told under the number of the filler alone.

Two sides number one order, and a message may give the number of the filler alone. As soon as a
message gives both, what was told under the number of the filler counts for the order of the
placer, from the later of the two receipts on: nothing that was found before is different. Two
placers that share a number of the filler are never settled by a guess: nothing is joined. The
resources are joined in the same way (`fhir.order_numbers`).
Spec: HL7 v2.5 4.5.1.2, 4.5.1.3 (ORC-2, ORC-3).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from gateway.core.events import family
from gateway.core.facts import Op, Received

#: Between an order and what was said of it, in the key of a fact.
_OF = "|"


class _Pair(NamedTuple):
    """The first word that gave both numbers of an order."""

    order: str
    request: str
    word: Received


def joined(received: Iterable[Received]) -> list[Received]:
    """Return assertions with those of each order under the number of its placer.

    What was told under the number of the filler stands beside, and ends when it is joined.

    Args:
        received: assertions about some persons; unchanged when no order has two numbers.
    """
    known = list(received)
    pairs = _pairs(known)
    if not pairs:
        return known
    have = {one.assertion.aid for one in known}
    more = (made for one in known for made in _moved(one, pairs))
    return [*known, *(one for one in more if one.assertion.aid not in have)]


def _pairs(received: Iterable[Received]) -> dict[str, _Pair]:
    """Return the order of each number of a filler that is given beside one of a placer."""
    found: dict[str, _Pair] = {}
    doubtful = set[str]()
    for one in received:
        said = one.assertion
        filler = str(said.attributes.get("filler", ""))
        if said.event != "REQ.NUMBERED" or not filler:
            continue
        order = said.key.partition(_OF)[0]
        known = found.get(filler)
        if known is not None and known.order != order:
            doubtful.add(filler)
        if known is None or _place(one) < _place(known.word):
            found[filler] = _Pair(order, str(said.attributes.get("request", "")), one)
    return {filler: pair for filler, pair in found.items() if filler not in doubtful}


def _place(one: Received) -> tuple[object, ...]:
    return one.at, one.order, one.assertion.aid


def _moved(one: Received, pairs: dict[str, _Pair]) -> Iterator[Received]:
    """Return a word as one about the order of the placer, and its end under its own number."""
    said = one.assertion
    base, _, part = said.key.partition(_OF)
    pair = pairs.get(base) if family(said.event) == "REQ" else None
    if pair is None or pair.order == base or said.aid.endswith(_OF):
        return
    later = max(one, pair.word, key=lambda word: (word.at, word.order))
    attributes = said.attributes
    if "request" in attributes:
        attributes = {**attributes, "request": pair.request}
    told = replace(
        said,
        aid=f"{said.aid}{_OF}{pair.order}",
        key=f"{pair.order}{_OF}{part}",
        attributes=attributes,
    )
    yield Received(told, later.at, later.order)
    if said.op is not Op.RETRACT:
        ended = replace(said, aid=f"{said.aid}{_OF}", op=Op.RETRACT, attributes={})
        yield Received(ended, later.at, later.order)
