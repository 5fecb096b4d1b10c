"""Numbers of orders: two sides number one order, and a message may give one number alone.

A request is kept under the number of the placer; what a message says that gives the number of the
filler alone is kept under that one. As soon as any message gives both, whichever comes first, what
was said under the number of the filler counts for the request of the placer, and the other one
makes no resource. Nothing is edited: it follows from the set of contributions.
Two placers that give one number of the filler are never settled by a guess: nothing is joined.
Standard: HL7 v2.5 4.5.1.2 and 4.5.1.3 (ORC-2, ORC-3), table 0203 (PLAC, FILL).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.core.contributions import Claim, Contribution, Json, Target

#: Kind of the claims on a number of the filler; their value is `<system>|<number>`.
KIND = "order"
#: Content of a claim: said beside the number of the placer, or alone.
BESIDE, ALONE = "beside", "alone"
_REQUEST = "ServiceRequest"

Parts = Mapping[Target, list[Contribution]]


class Numbers(NamedTuple):
    """The numbers one message gives of an order, each `<system>|<number>`, empty when not given.

    Attributes:
        placer: of the side that orders.
        filler: of the side that does it.
    """

    placer: str
    filler: str


def numbers_of(request: Json) -> Numbers:
    """Return the numbers of a partial ServiceRequest."""
    found = {"PLAC": "", "FILL": ""}
    for item in request.get("identifier", ()):
        for coding in item.get("type", {}).get("coding", ()):
            if coding.get("code") in found:
                found[coding["code"]] = f"{item.get('system', '')}|{item.get('value', '')}"
    return Numbers(found["PLAC"], found["FILL"])


def claims_of(target: Target, parts: Iterable[Contribution]) -> tuple[Claim, ...]:
    """Claim the numbers of the filler that a request is known by, for the other end to find."""
    said = {
        (numbers.filler, BESIDE if numbers.placer else ALONE)
        for part in parts
        if (numbers := numbers_of(part.resource)).filler
    }
    beside = {(filler, word) for filler, word in said if word == BESIDE}
    # What was heard under the number of the filler is that request's own claim.
    return tuple(Claim(KIND, filler, target, word) for filler, word in sorted(beside or said))


def joined(parts: Parts) -> dict[Target, list[Contribution]]:
    """Return what counts for each request that is joined with another, on both ends.

    Args:
        parts: contributions by target, both ends of every number of a filler among them.

    Returns:
        For the request of the placer all that was said under either number; for the other one
        the same words as before, that make no resource. Empty for nearly every input.
    """
    beside: dict[str, set[Target]] = {}
    alone: dict[Target, str] = {}
    for target, found in parts.items():
        if target.type != _REQUEST:
            continue
        for part in found:
            placer, filler = numbers_of(part.resource)
            if filler and placer:
                beside.setdefault(filler, set()).add(target)
            elif filler:
                alone[target] = filler
    heard: dict[Target, list[Contribution]] = {}
    owners = {target for targets in beside.values() for target in targets}
    for target in sorted(alone.keys() - owners):
        named = beside.get(alone[target], set())
        if len(named) != 1:
            continue
        owner = next(iter(named))
        said = heard.setdefault(owner, list(parts[owner]))
        said += [_taken(part, owner) for part in parts[target]]
        heard[target] = [replace(part, annotates=True) for part in parts[target]]
    return heard


def near(claims: Iterable[Claim], parts: Mapping[Target, Sequence[Contribution]]) -> set[str]:
    """Return the numbers of fillers that requests are known by, or were known by before.

    Args:
        claims: that these requests hold so far.
        parts: their contributions, by target.
    """
    found = {claim.value for claim in claims if claim.kind == KIND}
    for target, said in parts.items():
        if target.type == _REQUEST:
            found |= {numbers_of(part.resource).filler for part in said}
    return found - {""}


def _taken(part: Contribution, owner: Target) -> Contribution:
    """Return a word under the number of the filler as one about the request of the placer."""
    return replace(part, target=owner, resource={**part.resource, "id": owner.id})
