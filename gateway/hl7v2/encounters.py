"""What every Encounter made of movements shares: profile, class, order of the elements.

Does not decide what a stay or a movement is (`hl7v2.movements`, `hl7v2.announced`).
"""

from gateway.core.contributions import Json
from gateway.hl7v2.classes import CareClass, class_coding, kind_coding, sector_tag

ENCOUNTER = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-encounter"
EXPECTED_DISCHARGE = (
    "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-estimated-discharge-date"
)


def set_class(encounter: Json, care: CareClass) -> None:
    """Write class, kind of contact and sector tag."""
    encounter["class"] = class_coding(care)
    kind = kind_coding(care)
    if kind is not None:
        said = encounter.get("type") or [{}]
        coding = [*(c for c in said[0].get("coding", ()) if c != kind), kind]
        encounter["type"] = [{**said[0], "coding": coding}]
    tag = sector_tag(care)
    if tag is not None:
        meta = encounter.get("meta", {})
        others = [item for item in meta.get("tag", ()) if item["system"] != tag["system"]]
        encounter["meta"] = {**meta, "tag": [*others, tag]}


_ORDER = {
    name: index
    for index, name in enumerate(
        (
            "resourceType",
            "id",
            "meta",
            "extension",
            "identifier",
            "status",
            "statusHistory",
            "class",
            "classHistory",
            "type",
            "serviceType",
            "priority",
            "subject",
            "episodeOfCare",
            "basedOn",
            "participant",
            "appointment",
            "period",
            "reasonCode",
            "account",
            "hospitalization",
            "location",
            "serviceProvider",
            "partOf",
        )
    )
}


def ordered(encounter: Json) -> Json:
    """Put elements in the order of FHIR, so that equal content has equal bytes."""
    if encounter.keys() <= _ORDER.keys():
        return {name: encounter[name] for name in _ORDER if name in encounter}
    return {key: encounter[key] for key in sorted(encounter, key=lambda name: _ORDER.get(name, 15))}
