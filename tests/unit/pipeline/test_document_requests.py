"""What may be done to a document: replaced and withdrawn by whom, which version, whose."""

from base64 import b64decode, b64encode
from functools import lru_cache
from itertools import permutations

import pytest

from gateway.core.facts import Op
from gateway.core.messages import InboxStatus, Outcome
from gateway.pipeline.replay import Replayer
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, holdings, take
from tests.support.pipeline import RULES, HandClock
from tests.unit.pipeline.test_order_of_arrival import letters as letters_of


@lru_cache
def letters() -> tuple[bytes, bytes]:
    """Return a letter and its replacement, as messages."""
    first, second = letters_of("MDM")
    return first, second


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


def field(body: bytes, name: str, number: int) -> str:
    """Return a field of the first segment of a name."""
    line = next(one for one in body.decode().split("\r") if one.startswith(f"{name}|"))
    return line.split("|")[number - 1 if name == "MSH" else number]


def changed(body: bytes, **fields: str) -> bytes:
    """Return a message with other fields: `PID_3="..."`; the first segment of the name."""
    lines = body.decode().split("\r")
    for place, value in fields.items():
        name, _, number = place.partition("_")
        at = next(i for i, one in enumerate(lines) if one.startswith(f"{name}|"))
        parts = lines[at].split("|")
        index = int(number) - 1 if name == "MSH" else int(number)
        parts += [""] * (index + 1 - len(parts))
        parts[index] = value
        lines[at] = "|".join(parts)
    return "\r".join(lines).encode()


def withdrawal(body: bytes, control_id: str = "W1", **fields: str) -> bytes:
    """Return the request to withdraw the document of a message."""
    kind = {"MSH_9": "MDM^T04^MDM_T02", "MSH_10": control_id, "ORC_1": "CA", "OBX_11": "D"}
    return changed(body, **(kind | fields))


def replacement(body: bytes, control_id: str, document: str, parent: str, **fields: str) -> bytes:
    """Return another version, under another number, in the place of a document."""
    kind = {"MSH_9": "MDM^T10^MDM_T02", "MSH_10": control_id, "ORC_1": "RO", "OBX_11": "C"}
    name, _, root = document.partition("^^")
    root = root.removesuffix("^ISO")
    renamed = cda(body, lambda text: _with_id(text, root, name))
    return changed(renamed, **(kind | {"TXA_12": document, "TXA_13": parent} | fields))


def _with_id(text: str, root: str, name: str) -> str:
    start = text.index("<id ")
    end = text.index("/>", start) + 2
    return f'{text[:start]}<id root="{root}" extension="{name}"/>{text[end:]}'


def cda(body: bytes, edit) -> bytes:
    """Return a message whose document was edited."""
    content = field(body, "OBX", 5)
    data = content.rpartition("^")[2]
    made = b64encode(edit(b64decode(data).decode()).encode()).decode()
    return body.replace(data.encode(), made.encode())


async def statuses(store) -> list[str]:
    found = await holdings(store, "DocumentReference")
    return sorted(one["status"] for one in found.values())


def answer(receipt) -> tuple[str, str, str]:
    """Return MSA-1, the condition and the user code of an answer."""
    lines = receipt.ack.decode().split("\r")
    err = next((one for one in lines if one.startswith("ERR")), "||||||").split("|")
    return lines[1].split("|")[1], err[3].split("^")[0], err[5].split("^")[0]


# --- withdrawal ---------------------------------------------------------------------------------


async def test_a_withdrawn_letter_does_not_count_in_any_order_and_when_sent_again(store):
    first, _ = letters()
    resent = changed(first, MSH_10="AGAIN1")
    for order in permutations([first, withdrawal(first), resent]):
        other = MemoryStore()
        await other.open()

        receipts = await take(other, *order)

        assert {one.outcome for one in receipts} == {Outcome.ACCEPTED}
        assert await statuses(other) == ["entered-in-error"]
        assert await facts(other) == set()


async def facts(store) -> set[str]:
    """Return the documents that count."""

    def read(tx):
        found = {}
        patients = [r["id"] for r in (tx_patients(tx))]
        for person in set(tx.facts.persons(patients).values()):
            for one in tx.facts.of_person(person):
                said = one.assertion
                key = (said.revision, said.op is Op.RETRACT)
                if said.event.startswith("DOC") and key >= found.get(said.key, (("", False), 0))[0]:
                    found[said.key] = (key, said.op)
        return {key for key, (_, op) in found.items() if op is Op.ASSERT}

    return await store.read(read)


def tx_patients(tx):
    page = tx.resources.search("Patient", (), 10, None)
    return [{"id": one.id} for one in page.resources]


async def test_a_letter_counts_until_it_is_withdrawn(store):
    first, _ = letters()
    await take(store, first)
    before = await facts(store)

    await take(store, withdrawal(first))

    assert before != set()
    assert await facts(store) == set()
    assert await statuses(store) == ["entered-in-error"]


async def test_the_withdrawal_of_an_unknown_letter_makes_none(store):
    [receipt] = await take(store, withdrawal(letters()[0]))

    assert receipt.outcome is Outcome.ACCEPTED
    assert await holdings(store, "DocumentReference") == {}


@pytest.mark.parametrize("together", [1, 5])
async def test_a_version_that_was_replaced_is_not_withdrawn(store, together):
    first, second = letters()

    *_, receipt = await take(store, first, second, withdrawal(first), together=together)

    assert answer(receipt) == ("AE", "207", "900")
    assert await statuses(store) == ["current", "superseded"]


@pytest.mark.field("FL-165")
@pytest.mark.parametrize(
    "fields", [{"OBX_11": "D"}, {"MSH_9": "MDM^T04^MDM_T02", "ORC_1": "CA", "OBX_11": "F"}]
)
async def test_a_deletion_that_disagrees_with_itself_deletes_nothing(store, fields):
    first, _ = letters()
    await take(store, first)

    [receipt] = await take(store, changed(first, MSH_10="X1", **fields))

    assert answer(receipt) == ("AE", "207", "906")
    assert await statuses(store) == ["current"]


# --- replacement --------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [1, 5])
async def test_a_second_replacement_of_one_version_is_refused(store, together):
    first, second = letters()
    parent = field(second, "TXA", 13)
    rival = replacement(second, "R1", "RIVAL^^2.999.5^ISO", parent)

    *_, receipt = await take(store, first, second, rival, together=together)

    assert answer(receipt) == ("AE", "207", "900")
    assert await statuses(store) == ["current", "superseded"]


@pytest.mark.field("FL-164")
async def test_a_replacement_of_something_unknown_is_kept_and_flagged(store):
    _, second = letters()

    [receipt] = await take(store, second)

    assert (receipt.outcome, "parent-unknown" in receipt.flags) == (Outcome.ACCEPTED, True)
    assert await statuses(store) == ["current"]


@pytest.mark.field("FL-163")
async def test_a_document_does_not_replace_itself(store):
    _, second = letters()
    own = field(second, "TXA", 12)

    [receipt] = await take(store, changed(second, TXA_13=own))

    assert answer(receipt) == ("AE", "207", "900")
    assert await holdings(store, "DocumentReference") == {}


@pytest.mark.field("FL-163")
async def test_another_content_under_a_known_number_is_refused(store):
    first, _ = letters()
    other = cda(changed(first, MSH_10="X1"), lambda text: text.replace("</title>", " bis</title>"))

    *_, receipt = await take(store, first, other)

    assert answer(receipt)[:2] == ("AE", "205")
    assert await statuses(store) == ["current"]


async def test_a_replay_refuses_nothing_that_was_accepted_and_accepts_nothing_refused(store):
    first, second = letters()
    rival = replacement(second, "R1", "RIVAL^^2.999.5^ISO", field(second, "TXA", 13))
    await take(store, first, second, rival)
    before = await holdings(store)

    replayer = Replayer(store, converter(), HandClock(), RULES)
    parts = [part async for part in replayer.run()]

    rows = await store.read(lambda tx: tx.inbox.page(None, 0, 10))
    assert [row.status for row in rows] == [
        InboxStatus.CONVERTED,
        InboxStatus.CONVERTED,
        InboxStatus.QUARANTINED,
    ]
    assert [part.moved for part in parts if part.moved] == []
    assert await holdings(store) == before


# --- authors ------------------------------------------------------------------------------------

STRANGER = "899700218896^AUTRE^Paul^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
ELSEWHERE = "Clinique^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG^^^990009999"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"PRT_5": STRANGER, "PRT_8": ELSEWHERE}, ("AE", "207", "901"), id="stranger"),
        pytest.param({"PRT_5": STRANGER}, ("AA", "", ""), id="colleague"),
        pytest.param({"PRT_8": ELSEWHERE}, ("AA", "", ""), id="author elsewhere"),
        pytest.param({"PRT_5": STRANGER, "PRT_8": ""}, ("AA", "", ""), id="same facility"),
        pytest.param(
            {"PRT_5": STRANGER, "PRT_8": "", "MSH_4": "CLCC-BRISE"}, ("AE", "207", "901"),
            id="other facility",
        ),
    ],
)  # fmt: skip
async def test_only_the_author_or_their_structure_withdraws(store, fields, expected):
    first, _ = letters()
    await take(store, first)

    [receipt] = await take(store, withdrawal(first, **fields))

    assert answer(receipt) == expected


async def test_a_replacement_by_a_stranger_is_refused(store):
    first, second = letters()
    await take(store, first)

    [receipt] = await take(store, changed(second, PRT_5=STRANGER, PRT_8=ELSEWHERE))

    assert answer(receipt) == ("AE", "207", "901")
    assert await statuses(store) == ["current"]


# --- identities ---------------------------------------------------------------------------------


async def test_a_document_of_other_traits_than_the_known_ones_is_refused(store):
    first, second = letters()
    await take(store, first)
    born = field(second, "PID", 7)
    other = f"{int(born[:4]) - 1}{born[4:]}"
    wrong = cda(changed(second, PID_7=other), lambda text: text.replace(born[:8], other[:8]))

    [receipt] = await take(store, wrong)

    assert answer(receipt) == ("AE", "207", "904")


def without_ins(text: str) -> str:
    """Return a document whose patient has local numbers only."""
    start = text.index("1.2.250.1.213.1.4.10")
    begin, end = text.rindex("<id", 0, start), text.index("/>", start) + 2
    return text[:begin] + text[end:]


@pytest.mark.parametrize(("flag", "expected"), [("Y", ("AE", "207", "903")), ("N", ("AA", "", ""))])
async def test_a_letter_for_the_national_record_needs_the_ins(store, flag, expected):
    first, _ = letters()
    asked = flagged(cda(first, without_ins), "DESTDMP", flag)

    [receipt] = await take(store, asked)

    assert answer(receipt) == expected


async def test_a_letter_for_the_national_record_needs_every_trait(store):
    first, _ = letters()

    def unborn(text: str) -> str:
        start = text.index("<birthplace")
        end = text.index("</birthplace>") + len("</birthplace>")
        return text[:start] + text[end:]

    [receipt] = await take(store, flagged(cda(first, unborn), "DESTDMP", "Y"))

    assert answer(receipt) == ("AE", "207", "905")


def flagged(body: bytes, name: str, value: str) -> bytes:
    """Return a message with another value of a flag."""
    lines = body.decode().split("\r")
    at = next(i for i, one in enumerate(lines) if f"|{name}^" in one)
    parts = lines[at].split("|")
    parts[5] = f"{value}^^expandedYes-NoIndicator"
    lines[at] = "|".join(parts)
    return "\r".join(lines).encode()


@pytest.mark.field("FL-168")
async def test_the_document_says_what_it_is_when_the_message_says_something_else(store):
    first, _ = letters()
    own, other = "11490-0", "34112-3"

    [receipt] = await take(store, changed(first, TXA_2=other))

    assert "document-type-differs" in receipt.flags
    [found] = (await holdings(store, "DocumentReference")).values()
    assert [one["code"] for one in found["type"]["coding"]] == [own]


# --- the document and what its message calls it ---------------------------------------------------


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("D1^^1.2.250.1.999.7.1^ISO", "AE"),
        ("1.2.250.1.999.7.9", "AE"),
        ("", "AA"),
    ],
)
@pytest.mark.parametrize("number", [0, 1], ids=["new", "replacement"])
async def test_a_message_names_the_document_it_carries(store, number, named, code):
    body = letters()[number]
    sent = changed(body, TXA_12=named) if named else body

    [receipt] = await take(store, sent)

    assert answer(receipt)[0] == code
    if code == "AE":
        assert answer(receipt) == ("AE", "207", "906")
        assert b"TXA-12" in receipt.ack
