"""Labels of a document that hides from somebody, on everything that it alone tells.

What a masked document says in its body is masked as it is: whoever may not open the letter must
not read its diagnoses one by one. What anything else tells as well stays as it is. CI-SIS volet
Transmission d'un document, MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX; FHIR R4
security-labels. Does not decide whom a label hides from (`fhir.compartment`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway.core.contributions import Contribution, Json, Target, TraceLine
from gateway.fhir.compartment import hides
from gateway.fhir.versions import speaking

DOCUMENT = "DocumentReference"
#: Who and where, not what the document says; the content goes with its document by itself.
_NOT_OF_THE_BODY = frozenset(
    {"Binary", "Location", "Organization", "Patient", "Practitioner", "PractitionerRole"}
)

#: Gives the labels of documents by their ids; of those that are not there, nothing.
Labels = Callable[[Iterable[str]], Mapping[str, Sequence[Json]]]


def labels_of(document: Json) -> tuple[Json, ...]:
    """Return the codings of a DocumentReference by which it hides from somebody."""
    told = (coding for one in document.get("securityLabel", ()) for coding in one.get("coding", ()))
    return tuple(coding for coding in told if hides(str(coding.get("code", ""))))


def share_masks(
    parts: Mapping[Target, Sequence[Contribution]],
    folded: dict[Target, list[Json]],
    stored: Labels,
) -> None:
    """Put the labels of documents on what they alone tell, and on their Provenance; in place.

    Args:
        parts: everything that is said about each target.
        folded: what was made of it, documents included.
        stored: gives the labels of documents that are not among them.
    """
    known: dict[str, Sequence[Json]] = {
        one["id"]: labels_of(one)
        for target, made in folded.items()
        if target.type == DOCUMENT
        for one in made
    }

    def labels(ids: Iterable[str]) -> Mapping[str, Sequence[Json]]:
        if lacking := [one for one in ids if one not in known]:
            known.update(dict.fromkeys(lacking, ()) | dict(stored(lacking)))
        return known

    for target, made in folded.items():
        if target.type == "Provenance":
            folded[target] = [with_labels_of_documents(one, labels) for one in made]
        elif made and target in parts:
            told = sorted(_tellers(target, parts[target]))
            if told and (shared := _shared([labels(told)[one] for one in told])):
                folded[target] = [_labelled(one, shared) for one in made]


def lines(parts: Iterable[Contribution]) -> list[TraceLine]:
    """Return where the labels come from that one input shares.

    Args:
        parts: contributions of the input, its Provenance included.
    """
    told = [part for part in parts if not part.annotates]
    known = {
        part.target.id: labels_of(part.resource) for part in told if part.target.type == DOCUMENT
    }
    found: dict[Target, str] = {}
    for part in told:
        if part.target.type == "Provenance":
            ids = about(part.resource)
        else:
            alone = part.told_in and part.target.type not in _NOT_OF_THE_BODY
            ids = [part.told_in] if alone and part.target != (DOCUMENT, part.told_in) else []
        if hidden := [one for one in ids if known.get(one)]:
            found[part.target] = hidden[0]
    spec = "CI-SIS volet Transmission d'un document, masks; FHIR R4 security-labels"
    return [
        TraceLine(
            f"{target.type}/{target.id}",
            "meta.security",
            f"{DOCUMENT}/{id_} securityLabel",
            "masks_of_the_document",
            spec,
        )
        for target, id_ in found.items()
    ]


def about(provenance: Json) -> list[str]:
    """Return the ids of the documents a Provenance is about."""
    named = (str(one.get("reference", "")) for one in provenance.get("target", ()))
    return [name.partition("/")[2] for name in named if name.startswith(f"{DOCUMENT}/")]


def with_labels_of_documents(provenance: Json, labels: Labels) -> Json:
    """Return a Provenance with the labels of every document it is about: it names what they made.

    Labels it had before go.
    """
    ids = about(provenance)
    if not ids:
        return provenance
    found = labels(ids)
    wanted = [label for id_ in ids for label in found.get(id_, ())]
    meta = {name: value for name, value in provenance.get("meta", {}).items() if name != "security"}
    rest = {name: value for name, value in provenance.items() if name != "meta"}
    return _labelled({**rest, **({"meta": meta} if meta else {})}, wanted)


def _tellers(target: Target, parts: Sequence[Contribution]) -> frozenset[str]:
    """Return the documents that alone tell of a target; empty when something else does as well."""
    if target.type in _NOT_OF_THE_BODY:
        return frozenset()
    found = frozenset(part.told_in for part in speaking(parts) if not part.annotates)
    itself = target.type == DOCUMENT and target.id in found
    return frozenset() if "" in found or itself else found


def _shared(labels: Sequence[Sequence[Json]]) -> list[Json]:
    """Return the labels that all documents have."""
    first, *others = labels
    return [label for label in first if all(label in more for more in others)]


def _labelled(resource: Json, labels: Iterable[Json]) -> Json:
    """Return a resource with more security labels, each once."""
    meta = resource.get("meta", {})
    found = list(meta.get("security", ()))
    for label in labels:
        if label not in found:
            found.append(label)
    return {**resource, "meta": {**meta, "security": found}} if found else resource
