"""What documents assert about a pathway: documents, versions, promises, the family doctor."""

from itertools import permutations
from typing import Any

import pytest

from gateway.cda import adapter
from gateway.cda.reader import read
from gateway.core.contributions import Mapped, Target
from gateway.core.envelope import Envelope
from gateway.core.events import ATTRIBUTES, EVENTS, Kind, family
from gateway.core.facts import Assertion, Op, Received
from gateway.core.timestamps import parse_timestamp
from gateway.fhir.identity import Ids
from gateway.mapping.sites import Site
from gateway.pathway.facts import reduce
from tests.unit.cda.conftest import plans
from tests.unit.cda.documents import RPLC, TA, cda, entry, level_1, section, sections

SITE = Site(name="demo", finess="990000010", cda_roots={"1.2.250.1.999.1.1": "990000010"})
GP = (
    '<participant typeCode="INF"><functionCode code="PCP"/><associatedEntity classCode="PROV">'
    '<id root="1.2.250.1.71.4.2.1" extension="810999000028"/>'
    "<associatedPerson><name><family>TRAITANTE</family></name></associatedPerson>"
    "</associatedEntity></participant>"
)
RECIPIENT = (
    "<informationRecipient><intendedRecipient>"
    '<id root="1.2.250.1.71.4.2.1" extension="{}"/></intendedRecipient></informationRecipient>'
)
VISIT = (
    '<code code="AMB" codeSystem="2.16.840.1.113883.5.4"/>'
    '<effectiveTime value="20260320"/><priorityCode code="CS"/>'
)


def contributed(*, envelope: Envelope | None = None, site: Site = SITE, **parts: Any) -> Mapped:
    return adapter.contribute(
        read(cda(**parts)), plans(), site, Ids(), digest="0" * 64, envelope=envelope, test_ins=True
    )


def asserts(**parts: Any) -> list[Assertion]:
    return contributed(**parts).assertions


def made(**parts: Any) -> set[Target]:
    return {part.target for part in contributed(**parts).contributions}


def one(event: str, **parts: Any) -> Assertion:
    found = [item for item in asserts(**parts) if item.event == event and item.op is Op.ASSERT]
    assert len(found) == 1, [(item.event, item.op) for item in asserts(**parts)]
    return found[0]


def coded(code: str, value: str) -> str:
    observation = (
        f'<code code="{code}" codeSystem="{TA}"/><value code="{value}" codeSystem="{TA}"/>'
    )
    return section("163.1", entry("observation", "EVN", "48", observation))


def plan(*entries: str) -> str:
    return sections(section("158", *entries, code="18776-5"))


def reduced(assertions: Any) -> dict[str, str]:
    """Return what remains of assertions received in this order: event by key."""
    at = parse_timestamp("20260401120000").bounds_utc()[0]
    received = [Received(item, at, order) for order, item in enumerate(assertions)]
    return {key: fact.event for key, fact in reduce(received).items()}


# --- documents --------------------------------------------------------------------------------


def test_a_letter_gives_a_fact_for_all_its_versions_and_one_for_this_version() -> None:
    letter, version = one("DOC.LDL_SES"), one("DOCV.LDL_SES")

    assert letter.key == "DOC|1.2.250.1.999.7.1#S1"
    assert version.key == "DOCV|1.2.250.1.999.7.1#S1|1"
    assert letter.attributes == version.attributes
    assert letter.when.low == letter.when.high == parse_timestamp("20260312164500+0100").instant_utc
    assert letter.source == "990000010:DOC"
    said = dict(letter.attributes)
    assert said == {
        "estab": "990000010",
        "type": "11490-0",
        "setid": "1.2.250.1.999.7.1#S1",
        "version": 1,
        "uid": "1.2.250.1.999.7.1^D1",
        "stay_start": "2026-03-02T07:15:00Z",
        "stay_end": "2026-03-12T14:00:00Z",
        "author": "10999000010",
        "ins_qualified": False,
    }


@pytest.mark.parametrize(
    ("code", "template", "event"),
    [
        ("18761-7", "1.2.250.1.213.1.1.1.21", "DOC.LDL_EES"),
        ("34112-3", "1.2.250.1.213.1.1.1.99", "DOC.CRH"),
        ("74207-2", "1.2.250.1.213.1.1.1.23", "DOC.FLUDT"),
        ("99999-9", "1.2.250.1.213.1.1.1.99", "DOC.OTHER"),
    ],
)
def test_the_type_names_the_document(code: str, template: str, event: str) -> None:
    parts = {
        "code": f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>',
        "template": f'<templateId root="{template}"/>',
    }

    assert one(event, **parts).key == "DOC|1.2.250.1.999.7.1#S1"


def test_a_letter_says_how_far_it_is_and_where_the_patient_goes() -> None:
    body = sections(
        section("35.1", entry("observation", "EVN", "48",
                '<code code="GEN-065"/><value code="385651009"/>')),
        coded("ORG-074", "109"),
        coded("ORG-070", "183452005"),
        section("150", code="30954-2", text="Histologie en attente"),
    )  # fmt: skip

    said = one("DOC.LDL_SES", body=body).attributes

    assert said["completion"] == "in_progress"
    assert said["discharge_modality"] == "109"
    assert said["admission_modality"] == "183452005"
    assert said["pending_results"] is True
    assert "empty" not in said


def test_people_are_known_by_rpps_only() -> None:
    header = RECIPIENT.format("810999000036") + RECIPIENT.format("3660000001/77") + GP

    said = one("DOC.LDL_SES", header=header).attributes
    doctor = one("PAT.GP_KNOWN", header=header)

    assert said["recipients"] == ["10999000036"]
    assert said["gp"] == "10999000028"
    assert doctor.attributes == {"estab": "990000010", "gp": "10999000028"}
    assert (
        doctor.key
        == f"Patient/{doctor.patient.id if doctor.patient else ''}|990000010|gp|10999000028"
    )


def test_a_stay_of_dates_ends_with_its_last_second() -> None:
    stay = (
        "<componentOf><encompassingEncounter><effectiveTime>"
        '<low value="20260302"/><high value="20260312"/></effectiveTime>'
        "</encompassingEncounter></componentOf>"
    )

    said = one("DOC.LDL_SES", stay=stay).attributes

    assert said["stay_start"] == "2026-03-01T23:00:00Z"
    assert said["stay_end"] == "2026-03-12T22:59:59Z"


def test_a_document_of_a_date_is_imprecise() -> None:
    found = one("DOC.LDL_SES", time='<effectiveTime value="20260312"/>')

    assert found.flags == ("imprecise",)
    assert (found.when.high - found.when.low).total_seconds() == 86_400


def test_an_empty_body_proves_no_letter() -> None:
    assert one("DOC.LDL_SES", body=sections(section("163.1"))).attributes["empty"] is True
    assert (
        "empty"
        not in one(
            "DOC.LDL_SES", body=sections(section("163.1", text="Suites simples."))
        ).attributes
    )
    assert "empty" not in one("DOC.LDL_SES", body=level_1("JVBERi0xLjQKJQ==")).attributes


def test_the_message_around_a_document_tells_hospital_visit_and_feed() -> None:
    envelope = Envelope(
        patient=Target("Patient", "p9"), finess="990000044", visit="V77", feed="990000044:DOC",
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
    )  # fmt: skip

    found = one("DOC.LDL_SES", envelope=envelope)

    assert found.attributes["visit"] == "V77"
    assert found.attributes["estab"] == "990000044"
    assert found.source == "990000044:DOC"
    assert found.patient == Target("Patient", "p9")


def test_the_custodian_tells_the_hospital_where_no_site_does() -> None:
    unknown = Site(name="default")

    found = one("DOC.LDL_SES", site=unknown)

    assert found.source == "990000010:DOC"


# --- versions ---------------------------------------------------------------------------------


@pytest.mark.field("FL-187")
def test_an_old_version_that_arrives_last_does_not_speak_for_the_document() -> None:
    first = asserts()
    second = asserts(
        version='<versionNumber value="2"/>',
        own_id='<id root="1.2.250.1.999.7.1" extension="D2"/>',
        time='<effectiveTime value="20260313090000+0100"/>',
        header=RPLC,
    )

    at = parse_timestamp("20260401120000").bounds_utc()[0]
    for order in ([*first, *second], [*second, *first]):
        facts = reduce([Received(item, at, number) for number, item in enumerate(order)])
        assert facts["DOC|1.2.250.1.999.7.1#S1"].attributes["version"] == 2
        assert facts["DOCV|1.2.250.1.999.7.1#S1|1"].attributes["version"] == 1
        assert facts["DOCV|1.2.250.1.999.7.1#S1|2"].attributes["version"] == 2


def test_a_letter_that_was_there_on_time_stays_on_time_when_it_is_corrected() -> None:
    first = one("DOC.LDL_SES")
    corrected = one(
        "DOC.LDL_SES",
        version='<versionNumber value="2"/>',
        time='<effectiveTime value="20260319090000+0100"/>',
    )

    at = parse_timestamp("20260401120000").bounds_utc()[0]
    for order in permutations((first, corrected)):
        facts = reduce([Received(item, at, number) for number, item in enumerate(order)])
        assert facts[first.key].low == first.when.low
        assert facts[first.key].attributes["version"] == 2


def test_of_two_versions_of_one_day_the_number_decides() -> None:
    parts = {"time": '<effectiveTime value="20260312"/>'}
    first = one("DOC.LDL_SES", **parts)
    second = one("DOC.LDL_SES", version='<versionNumber value="2"/>', **parts)

    assert second.revision > first.revision


def test_a_document_that_replaces_another_set_takes_it_back() -> None:
    old = asserts(set_id="", own_id='<id root="1.2.250.1.999.7.1" extension="D0"/>')
    new = asserts(header=RPLC, time='<effectiveTime value="20260313090000+0100"/>')

    for order in permutations((old, new)):
        facts = reduced([item for part in order for item in part])
        assert "DOC|1.2.250.1.999.7.1#D0" not in facts
        assert facts["DOCV|1.2.250.1.999.7.1#D0|1"] == "DOCV.LDL_SES"
        assert facts["DOC|1.2.250.1.999.7.1#S1"] == "DOC.LDL_SES"


def test_the_message_may_tell_what_is_replaced() -> None:
    envelope = Envelope(
        patient=Target("Patient", "p9"), replaces="1.2.250.1.999.7.1^D0",
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
    )  # fmt: skip

    taken_back = [item.key for item in asserts(envelope=envelope) if item.op is Op.RETRACT]

    assert taken_back == ["DOC|1.2.250.1.999.7.1#D0"]


def test_a_document_that_names_itself_as_replaced_stands() -> None:
    itself = (
        '<relatedDocument typeCode="RPLC"><parentDocument>'
        '<id root="1.2.250.1.999.7.1" extension="D1"/></parentDocument></relatedDocument>'
    )

    facts = reduced(asserts(set_id="", header=itself))

    assert facts["DOC|1.2.250.1.999.7.1#D1"] == "DOC.LDL_SES"


@pytest.mark.field("FL-166")
def test_one_document_by_two_doors_is_one_fact() -> None:
    envelope = Envelope(
        patient=asserts()[0].patient,
        finess="990000010",
        feed="990000010:DOC",
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
    )

    assert [a.aid for a in asserts()] == [a.aid for a in asserts(envelope=envelope)]


# --- promises ---------------------------------------------------------------------------------


def test_each_planned_item_of_a_letter_is_a_promise() -> None:
    body = plan(
        entry("encounter", "ARQ", "58", VISIT),
        entry("procedure", "INT", "62", '<code code="ECQH010"/><priorityCode code="UR"/>'),
        entry("observation", "GOL", "27", '<code code="ORG-064"/>'),
        entry("procedure", "EVN", "62", '<code code="HHQE005"/>'),
    )

    promises = [item for item in asserts(body=body) if item.event == "LDL.PROMISE"]
    about = [item.attributes.pop("about") for item in promises]

    assert set(about) <= {f"{type_}/{id_}" for type_, id_ in made(body=body)}
    assert [one.partition("/")[0] for one in about] == ["Appointment", "ServiceRequest"]
    common = {
        "estab": "990000010",
        "setid": "1.2.250.1.999.7.1#S1",
        "version": 1,
        "stay_start": "2026-03-02T07:15:00Z",
        "stay_end": "2026-03-12T14:00:00Z",
    }
    assert [item.attributes for item in promises] == [
        {**common, "kind": "encounter", "code": "AMB", "mood": "ARQ", "priority": "CS",
         "date": "2026-03-19T23:00:00Z"},
        {**common, "kind": "procedure", "code": "ECQH010", "mood": "INT", "priority": "UR"},
    ]  # fmt: skip
    assert all(item.when == one("DOC.LDL_SES", body=body).when for item in promises)


def test_a_planned_period_of_dates_ends_with_its_last_second() -> None:
    times = '<effectiveTime><low value="20260401"/><high value="20260415"/></effectiveTime>'
    body = plan(entry("procedure", "INT", "62", f'<code code="ECQH010"/>{times}'))

    said = one("LDL.PROMISE", body=body).attributes

    assert (said["low"], said["high"]) == ("2026-03-31T22:00:00Z", "2026-04-15T21:59:59Z")
    assert "date" not in said


def test_an_unchanged_promise_of_a_new_version_is_the_same_one() -> None:
    visit, act = entry("encounter", "ARQ", "58", VISIT), '<code code="ECQH010"/>'
    first = one("LDL.PROMISE", body=plan(visit))
    more = asserts(
        body=plan(entry("procedure", "INT", "62", act), visit), version='<versionNumber value="2"/>'
    )

    keys = {item.attributes["kind"]: item.key for item in more if item.event == "LDL.PROMISE"}

    assert keys["encounter"] == first.key
    assert keys["procedure"] != first.key


@pytest.mark.field("FL-185")
def test_promises_with_one_entry_id_are_told_apart() -> None:
    same = '<id root="1.2.250.1.999.7.1" extension="E1"/>'
    body = plan(*[entry("encounter", "ARQ", "58", f"{same}{VISIT}") for _ in range(2)])

    keys = {item.key for item in asserts(body=body) if item.event == "LDL.PROMISE"}

    assert len(keys) == 2


def test_a_confirmed_visit_is_an_appointment() -> None:
    body = plan(entry("encounter", "PRMS", "58", VISIT), entry("encounter", "ARQ", "58", VISIT))

    booked = one("APPT.BOOKED", body=body)

    assert booked.attributes == {
        "estab": "990000010",
        "setid": "1.2.250.1.999.7.1#S1",
        "kind": "consult",
        "proposed_date": "2026-03-19T23:00:00Z",
    }
    assert booked.key.startswith("Appointment/")


def test_letters_without_plan_promise_nothing() -> None:
    elsewhere = sections(section("163.1", entry("encounter", "ARQ", "58", VISIT)))

    assert not {"LDL.PROMISE", "APPT.BOOKED"} & {item.event for item in asserts(body=elsewhere)}


def test_events_and_attributes_are_those_of_the_schema() -> None:
    kinds = {Kind.TEXT: str, Kind.NUMBER: int, Kind.BOOLEAN: bool, Kind.INSTANT: str,
             Kind.TEXTS: list}  # fmt: skip
    body = plan(entry("encounter", "PRMS", "58", VISIT))

    for item in asserts(body=body, header=RPLC + GP + RECIPIENT.format("810999000036")):
        assert item.event in EVENTS
        schema = ATTRIBUTES[family(item.event)]
        for name, value in item.attributes.items():
            assert isinstance(value, kinds[schema[name]]), (item.event, name)
