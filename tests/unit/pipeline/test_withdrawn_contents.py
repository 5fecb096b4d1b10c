"""What a withdrawn document told of the patient was never to be told: nobody is to act on it."""

from itertools import permutations

import pytest

from gateway.core.messages import Outcome
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.unit.cda.documents import entry, section, sections
from tests.unit.pipeline.test_document_requests import (
    cda,
    letters,
    withdrawal,
)
from tests.unit.pipeline.test_document_versions import ACT, DONE, DRUG, GOAL, PROBLEM, VISIT

WEIGHT = entry(
    "observation", "EVN", "48",
    '<code code="29463-7" codeSystem="2.16.840.1.113883.6.1"/>'
    '<effectiveTime value="20260311"/><value xsi:type="PQ" value="70" unit="kg"/>',
)  # fmt: skip
#: What only the document says; the patient, the stay and those who act are told by others too.
TOLD = (
    "Appointment", "CarePlan", "Condition", "Goal", "MedicationRequest", "Observation",
    "Procedure", "ServiceRequest",
)  # fmt: skip


def telling(message: bytes, *planned: str, known: str = "") -> bytes:
    """Return a message whose letter plans and knows these things and no others."""
    body = sections(section("134", known, code="11348-0"), section("158", *planned, code="18776-5"))

    def edit(text: str) -> str:
        start, end = text.index("<structuredBody>"), text.index("</structuredBody>")
        return text[:start] + body + text[end + len("</structuredBody>") :]

    return cda(message, edit)


async def status(*messages: bytes) -> dict[str, list[str]]:
    """Return, after these messages, how each thing the letters told stands, by type."""
    store = MemoryStore()
    await store.open()
    await take(store, *messages)
    found: dict[str, list[str]] = {}
    for resource in (await holdings(store, *TOLD)).values():
        said = resource.get("status") or resource.get("lifecycleStatus")
        if said is None:
            said = resource["verificationStatus"]["coding"][0]["code"]
            assert ("clinicalStatus" in resource) == (said != "entered-in-error")
        found.setdefault(resource["resourceType"], []).append(said)
    return found


FIRST = telling(letters()[0], ACT, VISIT, DRUG, GOAL, DONE, WEIGHT, known=PROBLEM)


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_all_that_a_withdrawn_letter_told_is_in_error(order: tuple[int, ...]) -> None:
    messages = (FIRST, withdrawal(FIRST))

    found = await status(*(messages[number] for number in order))

    assert found == {type_: ["entered-in-error"] for type_ in TOLD}


LN = "2.16.840.1.113883.6.1"
FILE = (
    '<observationMedia classCode="OBS" moodCode="EVN"><value mediaType="image/png"'
    ' representation="B64">iVBORw0KGgo=</value></observationMedia>'
)
DIRECTIVE = entry(
    "observation", "EVN", "54",
    f'<code code="42348-3" codeSystem="{LN}"/><value xsi:type="BL" value="true"/>',
)  # fmt: skip
VACCINE = entry(
    "substanceAdministration", "EVN", "45",
    '<effectiveTime value="20260301"/><consumable><manufacturedProduct><manufacturedMaterial>'
    "<name>VACCIN</name></manufacturedMaterial></manufacturedProduct></consumable>",
)  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_files_and_wishes_of_a_withdrawn_letter_are_in_error(order: tuple[int, ...]) -> None:
    told = telling(letters()[0], FILE, DIRECTIVE, VACCINE)
    messages = (told, withdrawal(told))
    store = MemoryStore()
    await store.open()

    await take(store, *(messages[number] for number in order))

    types = ("DocumentReference", "Consent", "Immunization")
    held = await holdings(store, *types)
    assert sorted((one["resourceType"], one["status"]) for one in held.values()) == [
        ("Consent", "entered-in-error"),
        ("DocumentReference", "entered-in-error"),
        ("DocumentReference", "entered-in-error"),
        ("Immunization", "entered-in-error"),
    ]


@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_a_file_the_next_version_leaves_out_is_superseded(
    order: tuple[int, ...], *, drops: bool
) -> None:
    first, second = (telling(letter, FILE, ACT) for letter in letters())
    messages = (first, telling(letters()[1], ACT) if drops else second)
    store = MemoryStore()
    await store.open()

    receipts = await take(store, *(messages[number] for number in order))

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    held = (await holdings(store, "DocumentReference")).values()
    (file,) = [one for one in held if "masterIdentifier" not in one]
    assert file["status"] == ("superseded" if drops else "current")


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
async def test_the_next_version_may_embed_another_file(order: tuple[int, ...]) -> None:
    other = FILE.replace("iVBORw0KGgo=", "iVBORw0KGgoA")
    messages = (telling(letters()[0], FILE), telling(letters()[1], other))
    store = MemoryStore()
    await store.open()

    receipts = await take(store, *(messages[number] for number in order))

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    held = (await holdings(store, "DocumentReference")).values()
    (file,) = [one for one in held if "masterIdentifier" not in one]
    assert (file["status"], file["content"][0]["attachment"]["size"]) == ("current", 9)


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_what_the_version_after_the_withdrawn_one_says_holds(order: tuple[int, ...]) -> None:
    second = telling(letters()[1], ACT, known=PROBLEM)
    messages = (FIRST, withdrawal(FIRST), second)
    # A version that was replaced cannot be withdrawn any more (CI-SIS, error 900).
    is_refused = order.index(1) > order.index(2)

    found = await status(*(messages[number] for number in order))

    assert found["ServiceRequest"] == ["active"]
    assert found["Condition"] == ["confirmed"]
    assert found["Appointment"] == ["cancelled" if is_refused else "entered-in-error"]
