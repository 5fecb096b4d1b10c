"""A code stands under HL7's system only when HL7's table has it."""

import orjson
import pytest

from gateway.core.systems import FHIR_BASE
from gateway.hl7v2.convert.tables import TABLES
from tests.conftest import ROOT
from tests.unit.hl7v2.compose import PV1, with_field
from tests.unit.hl7v2.test_convert_stay import convert

HL7 = "http://terminology.hl7.org/CodeSystem/v2-"
FR_CORE = "https://hl7.fr/ig/fhir/core/CodeSystem/"
OURS = f"{FHIR_BASE}/CodeSystem/"


def _of(name: str, segment: str, field: int, value: str) -> dict:
    base = PV1 if segment == "PV1" else segment
    found = convert(name, f"{segment}-{field}", **{segment: with_field(base, field, value)})[0]
    return (found.get("coding") or [found.get("valueCoding") or found])[0]


@pytest.mark.parametrize(
    ("converter", "segment", "field", "sent", "system", "code"),
    [
        pytest.param("admit_source_v2", "PV1", 14, "7", f"{HL7}0023", "7", id="HL7 has it"),
        pytest.param("admit_source_v2", "PV1", 14, "90", f"{OURS}pam-fr-0023", "90", id="France"),
        pytest.param(
            "admit_source_v2", "PV1", 14, "X9", f"{OURS}local/demo/PV1-14", "X9", id="the sender's"
        ),
        pytest.param("admission_type", "PV1", 4, "Q", f"{OURS}local/demo/PV1-4", "Q", id="type"),
        pytest.param(
            "service_type",
            "PV1",
            10,
            "039",
            f"{FR_CORE}fr-core-cs-discipline-prestation",
            "39",
            id="discipline of three digits",
        ),
        pytest.param(
            "service_type",
            "PV1",
            10,
            "0001",
            f"{OURS}local/demo/PV1-10",
            "0001",
            id="no discipline",
        ),
        pytest.param(
            "discharge_circumstance", "PV1", 36, "1", f"{OURS}local/demo/PV1-36", "1", id="way out"
        ),
        pytest.param("arrival_mode", "PV2", 38, "5", f"{OURS}pam-fr-0430", "5", id="own means"),
        pytest.param("arrival_mode", "PV2", 38, "A", f"{HL7}0430", "A", id="HL7's ambulance"),
    ],
)
def test_the_system_of_a_code(
    converter: str, segment: str, field: int, sent: str, system: str, code: str
) -> None:
    assert _of(converter, segment, field, sent) == {"system": system, "code": code}


@pytest.mark.parametrize(
    ("role", "system"),
    [
        pytest.param("K", f"{FR_CORE}fr-core-cs-contact-relationship", id="trusted person"),
        pytest.param("R", f"{OURS}pam-fr-0131", id="legal representative"),
        pytest.param("C", f"{HL7}0131", id="emergency contact"),
    ],
)
def test_the_role_of_a_contact_keeps_the_code_that_was_sent(role: str, system: str) -> None:
    source = f"NK1|1|ESSAI^ANNE|SPO|||0600000042|{role}"

    members = convert("contact", "NK1", NK1=source)[0]["relationship"]
    alone = convert("related_person_relationship", "NK1", NK1=source)[0]

    assert members[0]["coding"][-1] == {"system": system, "code": role}
    assert [len(one["coding"]) for one in alone] == [1] * len(alone)
    assert [one["coding"][0] for one in alone] == [c for one in members for c in one["coding"]]


def test_our_systems_hold_exactly_the_codes_that_stand_under_them() -> None:
    used: dict[str, set[str]] = {}
    for table in TABLES.values():
        for code, system in table.french.items():
            if system.startswith(OURS):
                used.setdefault(system, set()).add(code)
    published = {}
    for path in (ROOT / "profiles" / "fhir").glob("CodeSystem-pam-fr-*.json"):
        found = orjson.loads(path.read_bytes())
        published[found["url"]] = {one["code"] for one in found["concept"]}

    assert used == published


def test_no_code_is_both_of_hl7_and_of_france() -> None:
    assert {n for n, table in TABLES.items() if table.hl7 & table.french.keys()} == set()
