"""Any order and any repetition of the words about an order or an appointment give the same.

The store and the facts are compared; the same lives are told to both.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.messages import Outcome
from gateway.pathway.facts import reduce
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.unit.hl7v2.compose import PID, er7, msh
from tests.unit.hl7v2.orders import FILLER, PLACER, at, obr, orc

CONTROLS = ("NW", "OK", "UA", "XO", "HD", "RL", "CA", "UC", "DC", "OC", "RP", "SC", "NA", "ZZ")
STATUSES = ("", "", "IP", "CM", "HD", "CA", "ER")
NUMBERS = ((PLACER, ""), (PLACER, FILLER), ("", FILLER))
EVENTS = ("S12", "S13", "S14", "S15", "S16", "S17", "S26")

#: Few minutes, so that words of one instant are common.
minutes = st.integers(0, 5).map(lambda minute: f"2026031209{minute:02}00")


def sent(kind: str, instant: str, number: int) -> str:
    header = at(msh(kind), instant).replace("|P|", "|T|")
    return header.replace("G0001", f"O{number:04}")


@st.composite
def words_about_an_order(draw, number):
    control, status = draw(st.sampled_from(CONTROLS)), draw(st.sampled_from(STATUSES))
    # The number of the placer, of the filler, or both: one order all the same.
    placer, filler = draw(st.sampled_from(NUMBERS))
    detail = draw(st.sampled_from(((), (obr(),), (obr("DIET^D^L", f5="S"),))))
    reason = draw(st.sampled_from(("", "X^Raison^L")))
    header = sent("ORM^O01^ORM_O01", draw(minutes), number)
    return er7(header, PID, orc(control, placer, filler, status, f16=reason), *detail)


@st.composite
def words_about_an_examination(draw, number):
    """An order, or results that answer it, under any of its numbers."""
    if draw(st.booleans()):
        return draw(words_about_an_order(number))
    placer, filler = draw(st.sampled_from(NUMBERS))
    header = sent("ORU^R01^ORU_R01", draw(minutes), number)
    status, said = draw(st.sampled_from(("", "IP", "CM"))), draw(st.sampled_from("FPCX"))
    value, is_final = draw(st.sampled_from(("5", "0,5", "+++", ""))), draw(st.sampled_from("FPCD"))
    results = [f"OBX|1|NM|{code}^x^LN||{value}||||||{is_final}" for code in ("A", "B")]
    head = orc("RE", placer, filler, status)
    return er7(header, PID, head, obr("LAB^L^L", f25=said), *draw(st.permutations(results)))


@st.composite
def words_about_a_referral(draw, number):
    event, status = draw(st.sampled_from(("I12", "I13", "I14"))), draw(st.sampled_from("PARE"))
    header = sent(f"REF^{event}^REF_I12", draw(minutes), number)
    service = draw(st.sampled_from(((), ("OBR|1|||SMR",))))
    return er7(header, f"RF1|{status}|R|MED|||R5^CHU-DEMO^990000001", PID, *service)


@st.composite
def words_about_an_appointment(draw, number):
    event = draw(st.sampled_from(EVENTS))
    day, occurrence = draw(st.integers(10, 12)), draw(st.sampled_from(("", "1", "2")))
    times = draw(st.sampled_from(("", f"^^^202604{day}140000^202604{day}143000")))
    place = draw(st.sampled_from(((), ("AIL|1||3310^C12",), ("AIL|1||3310^C14",))))
    status = draw(st.sampled_from(("", "Booked", "Cancelled", "Complete")))
    sch = f"SCH|A1^CHU-DEMO|F1^AGENDA|{occurrence}|||X||||MIN|{times}{'|' * 14}{status}|P9^CHU-DEMO"
    return er7(sent(f"SIU^{event}^SIU_S12", draw(minutes), number), sch, PID, *place)


KINDS = (
    words_about_an_order,
    words_about_an_examination,
    words_about_a_referral,
    words_about_an_appointment,
)


@st.composite
def lives(draw):
    words = draw(st.sampled_from(KINDS))
    return [draw(words(number)) for number in range(draw(st.integers(1, 6)))]


async def played(bodies, together=1):
    """Commit inputs in this order; return receipts, what the store holds, and the facts."""
    store = MemoryStore()
    await store.open()
    receipts = await take(store, *bodies, together=together)
    held = await holdings(store)
    patients = [key.partition("/")[2] for key in held if key.startswith("Patient/")]
    persons = await store.read(lambda tx: tx.facts.persons(patients))
    facts = {}
    for person in set(persons.values()):
        received = await store.read(lambda tx, p=person: tx.facts.of_person(p))
        facts |= {
            key: (fact.event, fact.low, fact.high, _said(fact.attributes))
            for key, fact in reduce(received).items()
        }
    return receipts, held, facts


def _said(attributes):
    # The instant of receipt is that of the run.
    return {name: value for name, value in attributes.items() if name != "tr"}


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    life=lives(),
    chance=st.randoms(use_true_random=False),
    copies=st.integers(1, 2),
    together=st.sampled_from([1, 3, 64]),
)
async def test_the_life_of_an_order_or_an_appointment(life, chance, copies, together):
    shuffled = life * copies
    chance.shuffle(shuffled)

    receipts, expected, facts = await played(life)
    _, found, facts_found = await played(shuffled, together)

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert found == expected
    assert facts_found == facts
