"""The fold of an Account: whose dossier it is once it was moved from one patient to another.

A move says that what is in the dossier was recorded for the wrong patient. From then on every
patient that a move of this dossier names stands for the one that the latest move gives it to, so
that a message sent under the wrong patient afterwards does not bring the dossier back.
Standard: HL7 v2.5 3.3.44 (A44, move account information).
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.core.systems import FHIR_BASE
from gateway.fhir.fold import merge

#: Kind of the claim of a dossier that was moved; its value is the id of the Account.
MOVED = "moved"
#: On the contribution of a move: the patient the dossier was taken from. Never published.
MOVED_FROM = f"{FHIR_BASE}/StructureDefinition/account-moved-from"


class Moved(NamedTuple):
    """A dossier that was moved.

    Attributes:
        owner: id of the Patient it belongs to.
        members: ids of all Patients its moves name.
    """

    owner: str
    members: frozenset[str]


class AccountFold:
    """The rules of a dossier on top of the merge per element."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim the move, for the stays of the dossier to find."""
        moved = moved_of(parts)
        if moved is None:
            return ()
        content = json.dumps([moved.owner, *sorted(moved.members)])
        return (Claim(MOVED, target.id, target, content),)

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge per element, without the word of the move."""
        merged = merge(target, parts)
        if merged is None:
            return []
        kept = [item for item in merged.pop("extension", ()) if item.get("url") != MOVED_FROM]
        return [{**merged, "extension": kept} if kept else merged]


def moved_of(parts: Iterable[Contribution]) -> Moved | None:
    """Return who a dossier belongs to after its moves, None when there was none."""
    moves = [part for part in parts if _left(part)]
    if not moves:
        return None
    moves.sort(key=lambda part: (part.version, part.ordinal))
    members = {patient for part in moves for patient in (_left(part), _owner(part))}
    return Moved(_owner(moves[-1]), frozenset(members))


def read_moved(claim: Claim) -> Moved:
    """Return a move from its claim."""
    owner, *members = json.loads(claim.content)
    return Moved(owner, frozenset(members))


def _left(part: Contribution) -> str:
    return next(
        (
            item["valueReference"]["reference"].removeprefix("Patient/")
            for item in part.resource.get("extension", ())
            if item.get("url") == MOVED_FROM
        ),
        "",
    )


def _owner(part: Contribution) -> str:
    owner: str = part.resource["subject"][0]["reference"]
    return owner.removeprefix("Patient/")
