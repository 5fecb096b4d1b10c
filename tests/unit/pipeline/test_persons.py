"""Patients that share an uncontested INS are one person, whoever came first; a link can go."""

from itertools import permutations

import pytest

from gateway.core.contributions import Claim, Target
from gateway.fhir.links import Said
from gateway.fhir.survivors import Links
from gateway.pipeline.persons import components, together
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.support.pipeline import START
from tests.unit.hl7v2.compose import EVN, PID, er7, msh, with_field

INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
HERE, THERE, THIRD = "990000001", "990000002", "990000003"


def identity(
    finess: str, *, status: str = "VALI", birth: str = "19790328", hour: str = "08"
) -> bytes:
    """Compose what one hospital says about its patient."""
    pid = with_field(PID, 3, f"P0012^^^H{finess}&{finess}&M^PI~{INS}")
    pid = with_field(with_field(pid, 32, status), 7, birth)
    evn = with_field(EVN, 2, f"20261120{hour}3000")
    header = msh("ADT^A31^ADT_A05").replace("|G0001|", f"|{finess}{status}{hour}|")
    return er7(header, evn, pid, "PV1|1|N")


async def persons_after(*bodies: bytes) -> tuple[dict[str, str], list[str]]:
    """Commit inputs one by one; return the person of each Patient, and who is to be looked at."""
    store = MemoryStore()
    await store.open()
    await take(store, *bodies)
    patients = sorted(key.partition("/")[2] for key in await holdings(store, "Patient"))
    persons = await store.read(lambda tx: tx.facts.persons(patients))
    due = await store.write(lambda tx: tx.watch.claim_due(START, 100))
    return persons, due


async def test_patients_of_two_hospitals_with_one_ins_are_one_person():
    persons, due = await persons_after(identity(HERE), identity(THERE))

    assert len(persons) == 2
    assert set(persons.values()) == {min(persons)}
    assert min(persons) in due


async def test_a_patient_without_trusted_ins_is_alone():
    persons, _ = await persons_after(identity(HERE), identity(THERE, status="PROV"))

    assert persons == {patient: patient for patient in persons}
    assert len(persons) == 2


async def test_patients_that_disagree_on_a_trait_are_not_linked():
    persons, _ = await persons_after(identity(HERE), identity(THERE, birth="19790329"))

    assert persons == {patient: patient for patient in persons}


async def test_a_third_that_disagrees_separates_all_of_them():
    persons, due = await persons_after(
        identity(HERE), identity(THERE), identity(THIRD, birth="19790329")
    )

    assert persons == {patient: patient for patient in persons}
    assert len(persons) == 3
    assert set(due) == set(persons)


async def test_a_link_goes_with_the_claim_it_rests_on():
    persons, due = await persons_after(
        identity(HERE), identity(THERE), identity(THERE, status="DOUT", hour="10")
    )

    assert persons == {patient: patient for patient in persons}
    assert set(due) == set(persons)


async def test_the_two_others_stay_together_when_one_leaves():
    bodies = [identity(HERE), identity(THERE), identity(THIRD)]
    together_all, _ = await persons_after(*bodies)
    assert len(set(together_all.values())) == 1

    persons, _ = await persons_after(*bodies, identity(THIRD, status="DOUT", hour="10"))

    assert sorted(list(persons.values()).count(person) for person in set(persons.values())) == [
        1,
        2,
    ]


async def test_links_do_not_depend_on_the_order_of_arrival():
    bodies = [
        identity(HERE),
        identity(THERE),
        identity(THIRD, birth="19790329"),
        identity(THIRD, birth="19790328", hour="11"),
        identity(THERE, status="DOUT", hour="12"),
    ]

    found = {
        tuple(sorted((await persons_after(*order))[0].items())) for order in permutations(bodies)
    }

    assert len(found) == 1
    (persons,) = ({**dict(one)} for one in found)
    # The corrected third agrees with the first; the doubtful second is alone.
    assert len(set(persons.values())) == 2


@pytest.mark.parametrize(("second", "joined"), [("a", [("p1", "p2")]), ("b", [])])
def test_an_ins_joins_those_that_agree_on_who_that_is(second, joined):
    holders = [
        Claim("ins", "x", Target("Patient", "p2"), "a"),
        Claim("ins", "x", Target("Patient", "p1"), second),
    ]

    assert together(holders, Links()) == joined


def test_an_ins_joins_nobody_when_two_of_its_holders_were_taken_apart():
    holders = [Claim("ins", "x", Target("Patient", f"p{n}"), "a") for n in range(3)]
    apart = Links({"p0": Said(apart=frozenset({"p2"})), "p2": Said(apart=frozenset({"p0"}))})

    assert together(holders, apart) == []


def test_the_smallest_id_names_a_person():
    pairs = [("p3", "p2"), ("p4", "p5"), ("p2", "p1")]

    assert components(["p1", "p6"], pairs) == {
        "p1": "p1", "p2": "p1", "p3": "p1", "p4": "p4", "p5": "p4", "p6": "p6",
    }  # fmt: skip
