"""A version of a document speaks for those before it, whatever the order they come in."""

from itertools import permutations

import pytest

from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.unit.cda.documents import IPP, cda, entry, section, sections

#: An act, an exam and a visit that are planned; a problem that is known.
ACT = entry("procedure", "INT", "62", '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/>')
DONE = entry(
    "procedure", "EVN", "62",
    '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/><statusCode code="completed"/>',
)  # fmt: skip
VISIT = entry(
    "encounter", "ARQ", "58",
    '<code code="AMB" codeSystem="2.16.840.1.113883.5.4"/><effectiveTime value="20260420"/>',
)  # fmt: skip
DRUG = entry(
    "substanceAdministration", "INT", "42",
    "<consumable><manufacturedProduct><manufacturedMaterial><name>Essai 5 mg</name>"
    "</manufacturedMaterial></manufacturedProduct></consumable>",
)  # fmt: skip
GOAL = entry(
    "observation", "GOL", "27", '<code code="29463-7" codeSystem="2.16.840.1.113883.6.1"/>'
)
PROBLEM = entry(
    "act", "EVN", "39",
    '<statusCode code="active"/><entryRelationship typeCode="SUBJ"><observation moodCode="EVN">'
    '<value code="N10" codeSystem="2.16.840.1.113883.6.3"/></observation></entryRelationship>',
)  # fmt: skip
TAG = "not-in-latest-version"


def version(number: int, *planned: str, known: str = "", replaces: int = 0, **parts: str) -> bytes:
    """Build a version of one document, sent on the day of its number."""
    header = (
        '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.7.1"'
        f' extension="D{replaces}"/></parentDocument></relatedDocument>'
    )
    said = {
        "own_id": f'<id root="1.2.250.1.999.7.1" extension="D{number}"/>',
        "version": f'<versionNumber value="{number}"/>',
        "time": f'<effectiveTime value="2026031{number}090000+0100"/>',
        "header": header if replaces else "",
        "body": sections(
            section("134", known, code="11348-0"), section("158", *planned, code="18776-5")
        ),
        **parts,
    }
    return cda(**said)


async def status(*bodies: bytes) -> dict[str, list[str]]:
    """Commit documents in this order; return what the store says of each type in the end."""
    store = MemoryStore()
    await store.open()
    await take(store, *bodies)
    found: dict[str, list[str]] = {}
    for name, resource in sorted((await holdings(store)).items()):
        tags = [tag["code"] for tag in resource["meta"].get("tag", ())]
        said = resource.get("status") or resource.get("lifecycleStatus") or ""
        found.setdefault(name.partition("/")[0], []).append(TAG if TAG in tags else said)
    return found


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
@pytest.mark.parametrize("replaces", [0, 1], ids=["number only", "RPLC"])
async def test_what_a_version_plans_no_more_is_revoked(
    order: tuple[int, ...], replaces: int
) -> None:
    versions = (
        version(1, ACT, VISIT, DRUG, GOAL, known=PROBLEM),
        version(2, ACT, replaces=replaces),
    )

    found = await status(*(versions[number] for number in order))

    assert found["ServiceRequest"] == ["active"]
    assert found["Appointment"] == ["cancelled"]
    assert found["MedicationRequest"] == ["cancelled"]
    assert found["Goal"] == ["cancelled"]
    assert sorted(found["CarePlan"]) == ["active", "revoked"]
    assert sorted(found["DocumentReference"]) == ["current", "superseded"]
    # What was known does not cease to be true; that nobody repeats it is shown.
    assert found["Condition"] == [TAG]


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_what_a_version_leaves_unsaid_of_a_line_is_not_kept(order: tuple[int, ...]) -> None:
    dated = ACT.replace("</procedure>", '<effectiveTime value="20260401"/></procedure>')
    versions = (version(1, dated), version(2, ACT, replaces=1))
    store = MemoryStore()
    await store.open()

    await take(store, *(versions[number] for number in order))

    (request,) = (await holdings(store, "ServiceRequest")).values()
    assert "occurrenceDateTime" not in request


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_a_third_version_may_plan_again(order: tuple[int, ...]) -> None:
    versions = (version(1, ACT), version(2, VISIT, replaces=1), version(3, ACT, replaces=2))

    found = await status(*(versions[number] for number in order))

    assert found["ServiceRequest"] == ["active"]
    assert found["Appointment"] == ["cancelled"]
    assert sorted(found["CarePlan"]) == ["active", "revoked", "revoked"]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_what_was_planned_and_is_told_as_done_is_completed(order: tuple[int, ...]) -> None:
    versions = (version(1, ACT), version(2, DONE, replaces=1), version(3, replaces=2))

    found = await status(*(versions[number] for number in order))

    assert found["ServiceRequest"] == ["completed"]
    assert found["Procedure"] == [TAG]


async def test_an_act_that_was_never_planned_makes_no_request() -> None:
    found = await status(version(1, DONE))

    assert "ServiceRequest" not in found
    assert found["Procedure"] == ["completed"]


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_a_document_of_another_set_that_replaces_it_drops_all_it_planned(
    order: tuple[int, ...],
) -> None:
    other = {"set_id": '<setId root="1.2.250.1.999.7.1" extension="S2"/>'}
    documents = (version(1, ACT, VISIT), version(2, ACT, replaces=1, **other))

    found = await status(*(documents[number] for number in order))

    assert sorted(found["ServiceRequest"]) == ["active", "revoked"]
    assert found["Appointment"] == ["cancelled"]


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_the_number_tells_the_versions_apart_when_their_dates_do_not(
    order: tuple[int, ...],
) -> None:
    earlier = {"time": '<effectiveTime value="20260301090000+0100"/>'}
    versions = (version(1, VISIT), version(2, ACT, **earlier))

    found = await status(*(versions[number] for number in order))

    assert found["ServiceRequest"] == ["active"]
    assert found["Appointment"] == ["cancelled"]


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_a_letter_that_replaces_one_of_its_number_and_time_is_the_current_one(
    order: tuple[int, ...],
) -> None:
    """The date may be to the day, and the number may never change: what replaces is what counts."""
    same = {"version": "", "time": '<effectiveTime value="20260311"/>'}
    versions = (version(1, ACT, VISIT, **same), version(2, ACT, replaces=1, **same))

    found = await status(*(versions[number] for number in order))

    assert sorted(found["DocumentReference"]) == ["current", "superseded"]
    assert found["ServiceRequest"] == ["active"]


async def test_one_set_given_to_the_documents_of_two_people_drops_nothing() -> None:
    """The second waits (`pipeline.shared_sets`): what the first plans stands."""
    someone_else = {"ids": IPP.replace("IPP0000123", "IPP0000456")}

    found = await status(version(1, VISIT), version(2, ACT, **someone_else))

    assert found["Appointment"] == ["proposed"]
    assert found["DocumentReference"] == ["current"]


async def test_a_document_without_set_drops_nothing_of_another() -> None:
    alone = {"set_id": ""}

    found = await status(version(1, VISIT, **alone), version(2, ACT, **alone))

    assert found["Appointment"] == ["proposed"]
    assert found["DocumentReference"] == ["current", "current"]
