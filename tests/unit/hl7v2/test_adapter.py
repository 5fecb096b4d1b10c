"""Messages to contributions: keys, versions, movements, provenance; the published samples."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.connectors.ror_codes import CONCEPTMAPS as OFFERS
from gateway.core.contributions import Contribution, Json, Kind, Mapped
from gateway.core.errors import RejectedError
from gateway.fhir.elements import table
from gateway.fhir.identity import Ids
from gateway.fhir.patient import PatientFold
from gateway.hl7v2 import adapter
from gateway.hl7v2.canonical import header
from gateway.hl7v2.convert import CONVERTERS
from gateway.hl7v2.facts import FACTS
from gateway.hl7v2.paths import is_path
from gateway.hl7v2.reader import read
from gateway.mapping.check import Adapter, check_mappings
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site
from tests.conftest import ROOT
from tests.unit.hl7v2.compose import (
    EVN,
    PID,
    PV1,
    SHIFTED_ZBE,
    ZBE,
    admission,
    er7,
    msh,
    with_field,
)

IDS = Ids()
SITE = Site(name="demo", finess="990000001", authorities={"CHU-DEMO": "990000001"})
ELSEWHERE = Site(name="default")
INS_ONLY = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"


@cache
def mappings() -> Any:
    return load_mappings()


@cache
def plans() -> adapter.Plans:
    return adapter.compile_plans(mappings())


def contribute(raw: bytes, site: Site = SITE, **options: Any) -> Mapped:
    message = read(raw)
    options = {"test_ins": True, **options}
    return adapter.contribute(message, plans(), site, IDS, header=header(raw, message), **options)


def rejected(raw: bytes, site: Site = SITE, **options: Any) -> tuple[str, str]:
    with pytest.raises(RejectedError) as caught:
        contribute(raw, site, **options)
    issue = caught.value.issues[0]
    return issue.code, issue.where


def of(mapped: Mapped, kind: str) -> list[Contribution]:
    return [part for part in mapped.contributions if part.target.type == kind]


def row(mapped: Mapped) -> Json:
    found = of(mapped, "Encounter")[0].movement
    assert found is not None
    return found


def pid(identifiers: str) -> str:
    return with_field(PID, 3, identifiers)


def test_every_rule_names_what_exists_and_everything_is_used() -> None:
    reader = Adapter(
        "hl7v2",
        CONVERTERS,
        lambda path: "" if is_path(path) else "no place",
        adapter.CONCEPTMAPS,
        FACTS,
    )

    issues = check_mappings(mappings(), [reader], table(), OFFERS)

    # What documents use is judged with them (`relais config check`).
    documents = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("mappings/cda", "gateway/cda")
        for path in (ROOT / folder).rglob("*.[py]*")
        if path.suffix in (".py", ".yaml")
    )
    ours = [
        issue
        for issue in issues
        if "cda" not in issue.where.lower() and Path(issue.where).stem not in documents
    ]
    assert [str(issue) for issue in ours] == []


def test_kinds_of_contributions() -> None:
    kinds = {part.target.type: part.kind for part in contribute(admission()).contributions}

    assert {name for name, kind in kinds.items() if kind is Kind.SHARED} == {
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "Location",
    }
    assert {name for name, kind in kinds.items() if kind is Kind.OWN} == {
        "Patient",
        "Account",
        "Encounter",
    }


def test_version_is_of_the_source_and_ranked_by_the_action() -> None:
    inserted = of(contribute(admission()), "Encounter")[0].version
    cancelled = of(
        contribute(admission(MSH=msh("ADT^A11"), ZBE=ZBE.replace("INSERT", "CANCEL"))),
        "Encounter",
    )[0].version

    assert inserted.recorded_at.isoformat() == "2026-11-20T07:30:00+00:00"
    assert (inserted.rank, cancelled.rank) == (0, 2)


@pytest.mark.field("FL-087")
@pytest.mark.parametrize("kind", ["MDM^T02^MDM_T02", "ORU^R01^ORU_R01", "SIU^S12^SIU_S12"])
def test_other_messages_never_win_over_the_identity_feed(kind: str) -> None:
    older = of(contribute(admission()), "Patient")[0]
    raw = er7(msh(kind), "EVN||20991231120000", "SCH|A1^CHU-DEMO", PID, PV1)
    later = of(contribute(raw), "Patient")[0]

    assert later.version < older.version


@pytest.mark.field("FL-136")
def test_one_movement_number_in_two_visits_is_two_movements() -> None:
    first = contribute(admission())
    second = contribute(admission(PV1=PV1.replace("V25001", "V25002")))

    assert row(first)["key"] == row(second)["key"]
    assert row(first)["id"] != row(second)["id"]


@pytest.mark.field("FL-115")
def test_one_visit_number_of_two_establishments_is_two_stays() -> None:
    other = PV1.replace("990000001", "990000027").replace("CHU-DEMO", "CHU-B")

    first, second = contribute(admission()), contribute(admission(PV1=other))

    assert of(first, "Encounter")[0].target != of(second, "Encounter")[0].target


@pytest.mark.field("FL-135")
def test_shifted_movement_segment_is_repaired_and_flagged() -> None:
    mapped = contribute(admission(ZBE=SHIFTED_ZBE))

    assert mapped.flags == ["zbe-shifted"]
    assert row(mapped) == row(contribute(admission()))


def test_missing_movement_segment_is_made_up_of_the_event() -> None:
    admitted = contribute(admission(ZBE=None))
    cancelled = contribute(admission(MSH=msh("ADT^A11"), ZBE=None))

    assert admitted.flags == ["zbe-missing"]
    assert row(admitted)["start"][1] == "2026-11-20T08:15:00+01:00"
    assert row(admitted)["key"] == row(cancelled)["key"]
    assert (row(admitted)["action"], row(cancelled)["action"]) == ("INSERT", "CANCEL")
    assert row(admitted)["said"]["identifier"][0]["value"] == "A01"


def test_transfers_without_movement_segment_are_told_apart_by_their_time() -> None:
    first = contribute(admission(MSH=msh("ADT^A02"), ZBE=None))
    second = contribute(
        admission(MSH=msh("ADT^A02"), ZBE=None, EVN="EVN||20261120083000||||20261120082000")
    )

    assert row(first)["key"] != row(second)["key"]


@pytest.mark.field("FL-140")
def test_cancelled_movement_keeps_its_original_event() -> None:
    said = row(
        contribute(
            admission(MSH=msh("ADT^A12"), ZBE="ZBE|M2^CHU-DEMO|20261120081500||CANCEL|Y|A02")
        )
    )

    assert (said["event"], said["trigger"], said["action"]) == ("A02", "A12", "CANCEL")
    assert said["historic"] is True


@pytest.mark.field("FL-139")
def test_way_out_is_read_at_the_discharge_only() -> None:
    leaving = with_field(with_field(PV1, 36, "4"), 37, "990000027")
    admitted = contribute(admission(PV1=leaving))
    discharged = contribute(admission(MSH=msh("ADT^A03"), PV1=leaving))

    assert "hospitalization" not in row(admitted)["said"]
    assert set(row(discharged)["said"]["hospitalization"]) == {
        "destination",
        "dischargeDisposition",
    }


@pytest.mark.field("FL-145")
def test_movement_in_the_future_is_flagged() -> None:
    mapped = contribute(admission(ZBE=ZBE.replace("20261120081500", "20261121140000")))

    assert mapped.flags == ["future-event"]


@pytest.mark.field("FL-150")
def test_unit_that_is_not_in_the_site_table_is_flagged() -> None:
    site = Site(name="demo", finess="990000001", ufs={"3310": {"sector": "mco"}})
    mapped = contribute(admission(), site)

    assert "unmapped-uf" in mapped.flags
    assert "unit_sector" not in row(mapped)


def test_movement_with_an_impossible_start_is_refused() -> None:
    raw = admission(ZBE=ZBE.replace("20261120081500", "20261340081500"))

    assert rejected(raw) == ("RLS-HL7-105", "ZBE-2")


@pytest.mark.field("FL-137")
def test_visit_is_named_by_the_account_when_it_has_no_number() -> None:
    mapped = contribute(admission(PV1=with_field(PV1, 19, "")))

    assert mapped.flags == ["visit-from-account"]
    assert of(mapped, "Encounter")[0].target.id == IDS.stay(
        "https://relais.example/ns/nda/990000001", "D25001"
    )


@pytest.mark.field("FL-137")
def test_movement_that_names_no_visit_is_refused() -> None:
    raw = admission(PV1=with_field(PV1, 19, ""), PID=with_field(PID, 18, ""))

    assert rejected(raw) == ("RLS-HL7-100", "PV1-19")


@pytest.mark.field("FL-112")
def test_number_without_authority_is_of_the_site_or_nobody() -> None:
    raw = admission(PID=pid("80"))

    assert rejected(raw, ELSEWHERE) == ("RLS-INS-003", "PID-3.4")
    assert of(contribute(raw), "Patient")[0].target.id == IDS.patient(
        "https://relais.example/ns/ipp/990000001", "80"
    )


@pytest.mark.field("FL-114")
def test_number_of_the_own_establishment_is_the_key_wherever_it_stands() -> None:
    foreign = "991^^^LABO-Z&990000027&N^PI"
    raw = admission(PID=pid(f"{foreign}~P0012^^^CHU-DEMO&990000001&M^PI"))

    assert of(contribute(raw), "Patient")[0].target.id == IDS.patient(
        "https://relais.example/ns/ipp/990000001", "P0012"
    )


def test_patient_without_number_is_refused() -> None:
    nir = "279035121518989^^^&1.2.250.1.213.1.4.8&ISO^NH"

    assert rejected(admission(PID=pid(nir))) == ("RLS-INS-001", "PID-3")


def test_trusted_ins_alone_is_a_key_and_an_untrusted_one_is_not() -> None:
    trusted = contribute(admission(PID=pid(INS_ONLY)))
    doubtful = admission(PID=with_field(pid(INS_ONLY), 32, "VALI~DOUT"))

    assert of(trusted, "Patient")[0].target.id == IDS.patient(
        "urn:oid:1.2.250.1.213.1.4.10", "279035121518989"
    )
    assert rejected(doubtful) == ("RLS-INS-002", "PID-3")


@pytest.mark.field("FL-119")
def test_test_ins_alone_is_no_key_off_a_test_installation() -> None:
    assert rejected(admission(PID=pid(INS_ONLY)), test_ins=False) == ("RLS-INS-001", "PID-3")


def test_number_of_the_document_is_the_key_when_both_carry_the_same_ins() -> None:
    site = SITE.model_copy(update={"cda_roots": {"1.2.250.1.999.1.1": "990000001"}})
    same = (("1.2.250.1.213.1.4.10", "279035121518989"), ("1.2.250.1.999.1.1", "P0012"))
    other = (("1.2.250.1.213.1.4.10", "180035121518989"), ("1.2.250.1.999.1.1", "P0012"))
    raw = er7(msh("MDM^T02^MDM_T02"), EVN, pid(INS_ONLY), PV1)

    agreed = contribute(raw, site, cda_identifiers=same)
    foreign = contribute(raw, site, cda_identifiers=other)

    assert of(agreed, "Patient")[0].target.id == IDS.patient(
        "https://relais.example/ns/ipp/990000001", "P0012"
    )
    assert of(foreign, "Patient")[0].target.id == IDS.patient(
        "urn:oid:1.2.250.1.213.1.4.10", "279035121518989"
    )


@pytest.mark.field("FL-117")
@pytest.mark.parametrize("statuses", ["PROV", "VALI~DOUT", "VALI~FICT", ""])
def test_ins_that_may_not_be_used_is_reported_and_not_shown(statuses: str) -> None:
    mapped = contribute(admission(PID=with_field(PID, 32, statuses)))
    patient = of(mapped, "Patient")[0]
    shown = PatientFold().resources(patient.target, [patient], ())[0]

    assert [(issue.code, issue.where) for issue in mapped.issues] == [("RLS-INS-006", "PID-32")]
    assert [item["value"] for item in shown["identifier"]] == ["P0012"]


def test_unknown_event_has_no_plan() -> None:
    assert rejected(admission(MSH=msh("ADT^A60"))) == ("RLS-HL7-107", "MSH-9")


def test_message_without_any_date_is_refused() -> None:
    undated = msh().replace("20261120083000", "")

    assert rejected(admission(MSH=undated, EVN="EVN")) == ("RLS-HL7-108", "MSH-7")


def test_patient_without_visit_makes_no_stay() -> None:
    mapped = contribute(er7(msh("ADT^A28^ADT_A05"), EVN, PID, "PV1|1|N"))

    assert of(mapped, "Encounter") == []
    assert of(mapped, "Account") == []


@pytest.mark.field("FL-148")
def test_every_repetition_of_a_segment_is_mapped() -> None:
    contacts = [f"NK1|{n}|NOM{n}^Prenom|SPO|||||||||{'|' * 20}" for n in range(1, 4)]
    keyed = [line.rstrip("|") + "|" * 30 + f"N{n}" for n, line in enumerate(contacts)]
    doctors = [
        f"ROL||UC|CP|1000002308{n}^D{n}^L^^^^^^ASIP&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
        for n in range(3)
    ]
    raw = er7(msh(), EVN, PID, *keyed, PV1, ZBE, *doctors)
    mapped = contribute(raw)

    assert len(of(mapped, "Patient")[0].resource["contact"]) == 3
    assert len(of(mapped, "RelatedPerson")) == 3
    assert len(of(mapped, "Practitioner")) == 4
    assert len(of(mapped, "Encounter")[0].resource["participant"]) == 3


def test_emptied_fields_are_removals() -> None:
    emptied = with_field(with_field(PID, 7, '""'), 11, '""')
    mapped = contribute(er7(msh("ADT^A31^ADT_A05"), EVN, emptied, "PV1|1|N"))

    assert set(of(mapped, "Patient")[0].removals) == {"birthDate", "address"}


@pytest.mark.field("FL-213")
def test_ids_are_computed_whatever_the_local_numbers_look_like() -> None:
    raw = admission(PV1=PV1.replace("4036^22^3", "SRV:12^LIT_4^é"))

    for part in contribute(raw).contributions:
        assert len(part.target.id) == 36
        assert set(part.target.id) <= set("0123456789abcdef-")


@pytest.mark.field("FL-105")
def test_several_numbers_of_a_movement_are_aliases() -> None:
    zbe = ZBE.replace("M1^CHU-DEMO^990000001", "M1^CHU-DEMO~X9^AUTRE")

    assert row(contribute(admission(ZBE=zbe)))["key"] == "M1#990000001"
    assert row(contribute(admission(ZBE=zbe)))["aliases"] == ("X9#AUTRE",)
