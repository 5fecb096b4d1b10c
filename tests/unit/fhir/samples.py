"""Invented, valid resources the shape tests start from."""

from copy import deepcopy
from typing import Any

Json = dict[str, Any]

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"profile": ["https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient"]},
    "extension": [
        {
            "url": "https://relais.example/fhir/StructureDefinition/a",
            "extension": [{"url": "b", "valueDate": "2026-03-02"}],
        },
        {"url": "https://relais.example/fhir/StructureDefinition/c", "valueBoolean": False},
    ],
    "identifier": [
        {
            "use": "official",
            "type": {"coding": [{"system": "urn:oid:1.2.3", "code": "INS-NIR-TEST"}]},
            "system": "urn:oid:1.2.250.1.213.1.4.10",
            "value": "260058815400233",
        },
        {"use": "usual", "system": "urn:oid:1.2.250.1.999.1.1", "value": "IPP1"},
        {"use": "secondary", "system": "urn:oid:1.2.250.1.999.1.3", "value": "X9"},
    ],
    "active": True,
    "name": [{"use": "official", "family": "ESSAI", "given": ["CAMILLE", "LOU"]}],
    "telecom": [{"system": "phone", "value": "0100000000", "use": "home"}],
    "gender": "female",
    "birthDate": "1960-05",
    "deceasedDateTime": "2026-03-02T08:15:00+01:00",
    "address": [{"use": "home", "line": ["1 rue Inventée"], "city": "Essaiville"}],
    "multipleBirthInteger": 2,
    "contact": [{"name": {"family": "ESSAI"}, "gender": "male"}],
    "generalPractitioner": [{"reference": "Practitioner/m1", "display": "Dr Invente"}],
    "link": [{"other": {"reference": "Patient/p0"}, "type": "replaces"}],
}

ENCOUNTER: Json = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2026-03-02T08:15:00+01:00", "end": "2026-03-08"},
    "length": {"value": 6.5, "unit": "j", "system": "http://unitsofmeasure.org", "code": "d"},
    "location": [{"location": {"reference": "Location/l1"}, "status": "completed"}],
    "hospitalization": {"destination": {"reference": "Organization/o1"}},
}

DOCUMENT: Json = {
    "resourceType": "DocumentReference",
    "id": "d1",
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Hopital inventé"}],
    "status": "current",
    "date": "2026-03-02T08:15:00.123Z",
    "content": [
        {
            "attachment": {
                "contentType": "text/xml",
                "url": "Binary/b1",
                "size": 12,
                "hash": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
                "creation": "2026-03-02",
            }
        }
    ],
}

BUNDLE: Json = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "https://relais.example/fhir/Patient/p1",
            "resource": {"resourceType": "Patient", "id": "p1", "gender": "unknown"},
            "request": {"method": "PUT", "url": "Patient/p1"},
        }
    ],
}

CONDITION: Json = {
    "resourceType": "Condition",
    "id": "c1",
    "clinicalStatus": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": "active",
            }
        ]
    },
    "subject": {"reference": "Patient/p1"},
    "note": [{"text": "Ligne une\nligne deux"}],
}

ALL = (PATIENT, ENCOUNTER, DOCUMENT, BUNDLE, CONDITION)


def patient(**changes: Any) -> Json:
    """Return the sample Patient with elements replaced, or removed when None."""
    made = {**deepcopy(PATIENT), **changes}
    return {key: value for key, value in made.items() if value is not None}


def encounter(**changes: Any) -> Json:
    """Return the sample Encounter with elements replaced, or removed when None."""
    made = {**deepcopy(ENCOUNTER), **changes}
    return {key: value for key, value in made.items() if value is not None}
