"""Which fold serves which type, and the fold of a single input."""

from collections.abc import Mapping, Sequence

from gateway.core.contributions import Contribution, Json, Kind, Target
from gateway.fhir.accounts import AccountFold
from gateway.fhir.appointments import AppointmentFold
from gateway.fhir.fold import ElementFold, Fold
from gateway.fhir.masked import share_masks
from gateway.fhir.observations import ObservationFold, ReportFold
from gateway.fhir.order_numbers import joined
from gateway.fhir.patient import INS, PatientFold
from gateway.fhir.requests import RequestFold
from gateway.fhir.spoken import heard, listeners, spoken_of
from gateway.fhir.survivors import links_of
from gateway.fhir.versions import PLANNED, RECORDED, DocumentFold, VersionedFold
from gateway.fhir.writable import WRITABLE
from gateway.fhir.written_fold import WrittenFold
from gateway.hl7v2.movements import StayFold

_DEFAULT: Fold = ElementFold()
_SAID: Mapping[str, Fold] = {
    **{type_: VersionedFold() for type_ in (*PLANNED, *RECORDED)},
    "Patient": PatientFold(),
    "Account": AccountFold(),
    "Encounter": StayFold(),
    "ServiceRequest": VersionedFold(RequestFold()),
    "Appointment": VersionedFold(AppointmentFold()),
    "Observation": VersionedFold(ObservationFold()),
    "DiagnosticReport": VersionedFold(ReportFold()),
    "DocumentReference": DocumentFold(),
}
#: What is declared of a stay or a document counts until a hospital tells of it.
_DECLARED = ("Encounter", "DocumentReference")
#: Types with rules of their own; every other type is merged per element.
FOLDS: Mapping[str, Fold] = {
    **_SAID,
    **{type_: WrittenFold(_SAID.get(type_, _DEFAULT)) for type_ in (*WRITABLE, *_DECLARED)},
}


def fold_alone(contributions: Sequence[Contribution]) -> list[Json]:
    """Fold what one input says, or some, as if there were no other.

    Args:
        contributions: of one input; of some inputs that speak of each other's records.

    Returns:
        Its resources, in the order in which they are first spoken about.
    """
    parts: dict[Target, list[Contribution]] = {}
    for part in contributions:
        parts.setdefault(part.target, []).append(part)
    links = links_of(parts)
    if links:
        parts |= links.heard(parts)
    parts |= _heard(parts)
    parts |= joined(parts)
    folded: dict[Target, list[Json]] = {}
    for target, found in parts.items():
        if found[0].kind is Kind.ONCE:
            folded[target] = [found[0].resource]
        else:
            fold = FOLDS.get(target.type, _DEFAULT)
            made = fold.resources(target, found, ())
            folded[target] = links.applied(made) if links else made
    share_masks(parts, folded, lambda _: {})
    return [one for made in folded.values() for one in made]


def _heard(parts: Mapping[Target, list[Contribution]]) -> dict[Target, list[Contribution]]:
    """Return what counts for each Patient that bears an INS about which there is a word."""
    people = {target: found for target, found in parts.items() if target.type == "Patient"}
    if not any(spoken_of(part) for found in people.values() for part in found):
        return {}
    claims = [c for one, found in people.items() for c in FOLDS["Patient"].claims(one, found)]
    return {
        target: heard(target, people[target], [people[word] for word in sorted(words)])
        for target, words in listeners((c for c in claims if c.kind == INS), people).items()
    }
