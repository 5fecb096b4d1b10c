"""Who a message is about: what may name a person, what may not, and what is never guessed."""

import pytest

from gateway.core.identity import ins_key_is_right
from gateway.core.messages import Outcome
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.unit.hl7v2.compose import PID, admission, with_field, with_msh

INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.{root}&ISO^INS"
IPP = "P0012^^^CHU-DEMO&990000001&M^PI"


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


def numbered(*repetitions: str) -> bytes:
    """Compose an admission with these patient numbers."""
    return admission(PID=with_field(PID, 3, "~".join(repetitions)))


async def patients(store) -> list[dict]:
    return list((await holdings(store, "Patient")).values())


def ins_of(patient: dict) -> list[str]:
    """Return the INS a Patient shows."""
    return [
        item["value"]
        for item in patient["identifier"]
        if item["system"].startswith("urn:oid:1.2.250.1.213.1.4.")
    ]


async def test_a_validated_identity_shows_its_ins(store):
    await take(store, numbered(IPP, INS.format(root=10)))

    assert [ins_of(patient) for patient in await patients(store)] == [["279035121518989"]]


@pytest.mark.field("FL-344")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(5, "ESSAI^CLAIRE^CLAIRE^^^^D", id="birth name"),
        pytest.param(5, "ESSAI^^^^^^L", id="given name"),
        pytest.param(7, "1979", id="birth date in part"),
        pytest.param(8, "", id="sex"),
        pytest.param(11, "1 rue du Test^^LYON^^69003^FRA^H", id="birth place"),
    ],
)
async def test_an_ins_without_one_of_the_five_traits_is_not_shown(store, field, value):
    pid = with_field(PID, field, value)

    await take(store, admission(PID=pid))

    assert [ins_of(patient) for patient in await patients(store)] == [[]]


@pytest.mark.field("FL-120")
@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        ("279035121518989", True),
        ("279035121518988", False),
        ("27903512151898", False),
        ("2790351215189AA", False),
    ],
)
def test_the_key_of_an_ins(value, is_right):
    assert ins_key_is_right(value) is is_right


@pytest.mark.field("FL-120")
@pytest.mark.parametrize(("department", "as_digits"), [("2A", "19"), ("2B", "18")])
def test_the_key_of_an_ins_of_corsica(department, as_digits):
    key = 97 - int(f"27903{as_digits}004012") % 97

    assert ins_key_is_right(f"27903{department}004012{key:02}")


@pytest.mark.field("FL-118")
async def test_the_billing_number_is_no_ins(store):
    billing = INS.format(root=8).replace("^INS", "^NH")

    await take(store, numbered(IPP, billing))

    assert [ins_of(patient) for patient in await patients(store)] == [[]]


@pytest.mark.field("FL-112")
async def test_a_number_without_authority_matches_nobody(store):
    [receipt] = await take(store, numbered("80^^^^PI"))

    assert receipt.outcome is Outcome.REJECTED
    assert [(issue.code, issue.where, issue.hl7_code) for issue in receipt.issues] == [
        ("RLS-INS-003", "PID-3.4", 101)
    ]
    assert await patients(store) == []


@pytest.mark.field("FL-115")
async def test_two_establishments_may_count_alike(store):
    def stay(finess: str) -> bytes:
        return (
            admission(MSH=with_msh(10, f"G{finess}"))
            .replace(b"990000001", finess.encode())
            .replace(b"CHU-DEMO", f"CHU-{finess}".encode())
        )

    await take(store, stay("990000001"), stay("990000019"))

    assert len(await patients(store)) == 2
    # A stay and a movement of each.
    assert len(await holdings(store, "Encounter")) == 4


async def test_twins_are_two_patients(store):
    twin = admission(
        MSH=with_msh(10, "G2"),
        PID=with_field(
            with_field(PID, 3, "P0013^^^CHU-DEMO&990000001&M^PI"), 5, "ESSAI^JULIE^JULIE^^^^L"
        ),
        PV1=None,
        ZBE=None,
    ).replace(b"ADT^A01^ADT_A01", b"ADT^A31^ADT_A05")

    await take(store, admission(), twin)

    found = await patients(store)
    assert len(found) == 2
    assert [patient.get("link") for patient in found] == [None, None]
