"""What the adapter says of documents, and what published samples become."""

from pathlib import Path

from gateway.core.contributions import Contribution, Kind
from gateway.hl7v2 import adapter
from gateway.hl7v2.canonical import header
from gateway.hl7v2.movements import fold_stay
from gateway.hl7v2.provenance import provenance
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import (
    EVN,
    PID,
    PV1,
    admission,
    er7,
    msh,
)
from tests.unit.hl7v2.test_adapter import ELSEWHERE, IDS, SITE, contribute, of


def test_provenance_is_made_of_the_bytes_and_points_to_what_exists() -> None:
    raw = admission()
    message = read(raw)
    mapped = contribute(raw)
    known = {f"{p.target.type}/{p.target.id}" for p in mapped.contributions}

    adapter.add_provenance(mapped.contributions, message, header(raw, message), IDS)
    made = mapped.contributions[-1]

    assert made.kind is Kind.ONCE
    assert made.target.id == IDS.provenance(header(raw, message).canonical_sha256)
    assert {one["reference"] for one in made.resource["target"]} == known
    assert made.resource["recorded"] == "2026-11-20T08:30:00+01:00"
    assert made.resource["occurredDateTime"] == "2026-11-20T08:15:00+01:00"
    assert made.resource["activity"] == {"text": "ADT^A01^ADT_A01"}


def test_nothing_contributed_has_no_provenance() -> None:
    raw = admission()
    contributions: list[Contribution] = []

    adapter.add_provenance(contributions, read(raw), header(raw, None), IDS)

    assert contributions == []


def test_destination_of_a_message_of_an_unknown_sender_is_not_its_author() -> None:
    raw = admission()
    message = read(raw)
    elsewhere = [p for p in contribute(raw).contributions if p.target.type == "Organization"][1:]
    patient = of(contribute(raw), "Patient")

    made = provenance([*patient, *elsewhere], message, header(raw, message), IDS)

    assert elsewhere
    assert made is not None
    assert made.resource["agent"][0]["who"] == {"display": message.value("MSH-4.1")}


def test_envelope_is_the_word_on_the_document() -> None:
    flag = "OBX|2|CWE|INVISIBLE_PATIENT^^MetaDMPMSS||Y"
    raw = er7(
        msh("MDM^T10^MDM_T02"),
        EVN,
        PID,
        PV1,
        "TXA|1|CN|TEXT|||||||||77^^1.2.3^ISO|76^^1.2.3^ISO",
        flag,
    )

    found = adapter.envelope(read(raw), SITE, IDS, test_ins=True)

    assert found.patient == of(contribute(raw), "Patient")[0].target
    assert found.stay == of(contribute(raw), "Encounter")[0].target
    assert found.establishment is not None
    assert (found.document_id, found.replaces) == ("1.2.3^77", "1.2.3^76")
    assert found.identifiers == (
        ("990000001", "P0012"),
        ("1.2.250.1.213.1.4.10", "279035121518989"),
    )
    assert found.traits == (
        ("family", "ESSAI"),
        ("given", "CLAIRE"),
        ("birth_date", "19790328"),
        ("gender", "F"),
        ("birth_place", "69123"),
    )
    assert found.ins_vouched
    assert found.labels == ("INVISIBLE_PATIENT",)


def test_replaced_document_is_only_annotated() -> None:
    raw = er7(
        msh("MDM^T10^MDM_T02"), EVN, PID, PV1, "TXA|1|CN|TEXT|||||||||77^^1.2.3^ISO|76^^1.2.3^ISO"
    )
    new, old = of(contribute(raw), "DocumentReference")

    assert (new.annotates, old.annotates) == (False, True)
    assert old.resource["status"] == "superseded"


def published(folder: Path) -> list[Path]:
    names = sorted((folder / "hl7v2").glob("*.er7"))
    return [path for path in names if not path.stem.startswith("zam") and ".ack" not in path.name]


def test_published_samples_convert(corpus_folder: Path) -> None:
    samples = {
        path.stem: contribute(path.read_bytes(), ELSEWHERE) for path in published(corpus_folder)
    }

    assert len(samples) == 9
    assert {name for name, found in samples.items() if not of(found, "Patient")} == set()
    assert samples["adt_a03_sgl_sortie"].flags == ["zbe-shifted"]


def test_published_stay_is_admitted_and_discharged(corpus_folder: Path) -> None:
    admitted, discharged = (
        of(contribute((corpus_folder / "hl7v2" / name).read_bytes(), ELSEWHERE), "Encounter")[0]
        for name in ("adt_a01_sgl_admission.er7", "adt_a03_sgl_sortie.er7")
    )

    stay, *movements = fold_stay(admitted.target, [discharged, admitted])

    assert admitted.target == discharged.target
    assert stay["status"] == "finished"
    assert len(movements) == 2


def test_published_consents_are_permit_and_deny(corpus_folder: Path) -> None:
    given, opposed = (
        of(contribute((corpus_folder / "hl7v2" / name).read_bytes(), ELSEWHERE), "Consent")
        for name in ("adt_a01_consent_given.er7", "adt_a01_dmp_feed_opposed.er7")
    )

    assert [one.resource["provision"]["type"] for one in given] == ["permit", "permit"]
    assert [one.resource["provision"]["type"] for one in opposed] == ["deny", "deny"]
