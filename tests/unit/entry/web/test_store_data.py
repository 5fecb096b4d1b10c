"""What the pages show of a real store: a discharge to rehabilitation that nobody saw arrive."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest

from gateway.core.deliveries import DeliveryStatus, NewDelivery
from gateway.core.errors import RejectedError
from gateway.core.facts import Status
from gateway.core.messages import InboxStatus
from gateway.entry.settings import load
from gateway.entry.web.data import GapFilter
from gateway.entry.web.rulebook import RuleBook, single_sectors
from gateway.entry.web.store_data import StorePageData, first_cases
from gateway.entry.web.store_gaps import evidence
from gateway.entry.wiring import build_replayer, build_watcher, load_pathway_rules
from gateway.fhir.identity import Ids
from gateway.fhir.mutes import Asked
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pipeline.mutes import mute
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support.gateway import converter, take
from tests.support.pipeline import START, HandClock

#: The discharge of the fixture is at 10:00 in Paris; 12 h and 2 h of grace are over.
LEFT = datetime(2026, 3, 9, 9, tzinfo=UTC)
NOW = LEFT + timedelta(hours=30)
BROKEN = b"MSH|^~\\&|GAM|CHU-DEMO|RELAIS|R|20260302080000||ADT^A01^ADT_A01|X1|P|2.5\rPV1||I\r"


@lru_cache
def mappings() -> Mappings:
    """Return our own mapping files, read once."""
    return load_mappings()


def fixture(name: str) -> bytes:
    return (ROOT / "fixtures/hl7v2" / name / "input.er7").read_bytes()


@dataclass
class House:
    store: MemoryStore
    data: StorePageData
    clock: HandClock

    async def look(self, now: datetime) -> None:
        """Let the engine look at everybody at an instant."""
        self.clock.instant = now
        await build_watcher(load(), self.store, self.clock, mappings()).drain()

    async def only_gap(self):
        return (await self.data.worklist(GapFilter(), NOW)).rows[0]


@pytest.fixture
async def house() -> House:
    settings, store, clock = load(), MemoryStore(), HandClock()
    await store.open()
    data = StorePageData(
        store,
        load_pathway_rules(settings, mappings()),
        Ids(settings.id_namespace),
        converter(),
        build_replayer(settings, store, converter()),
    )
    found = House(store, data, clock)
    await take(store, fixture("adt_a03_discharge_to_rehabilitation"), BROKEN)
    await found.look(NOW)
    return found


async def test_the_missing_arrival_is_on_the_first_page(house: House) -> None:
    page = await house.data.overview(NOW)

    assert page.persons_to_call == 1
    assert page.first[0].rule == "TRX-08"
    assert page.first[0].status is Status.OVERDUE
    assert (page.first[0].source, page.first[0].target) == ("mco", "smr")
    assert page.first[0].person.name == "LACOMBE Marguerite"
    assert page.inbox == {InboxStatus.CONVERTED: 1, InboxStatus.QUARANTINED: 1}
    assert (await house.data.badges()).held == 1


async def test_a_row_says_what_happened_and_what_was_not_seen(house: House) -> None:
    gap = await house.only_gap()

    assert gap.why == {
        "fr": "Sortie lun. 9 mars 10:00, CHU-DEMO\u00a0: aucune admission vue depuis.",
        "en": "Left Mon 9 Mar 10:00, CHU-DEMO: no admission seen since.",
    }
    assert gap.name["en"] == "Transfer without arrival"
    assert gap.person.ins == "qualified"


async def test_a_gap_that_ended_says_no_longer_what_was_not_seen(house: House) -> None:
    gap = await house.only_gap()
    row = await house.store.read(lambda tx: tx.watch.gap(gap.id))
    book = RuleBook(house.data.rules)

    ended = book.why(replace(row, status=Status.MET_LATE), "CHU-DEMO", NOW)

    assert ended["fr"] == "Sortie lun. 9 mars 10:00, CHU-DEMO."


async def test_a_letter_of_an_establishment_with_one_sector_left_from_that_sector(
    house: House,
) -> None:
    row = await house.store.read(lambda tx: tx.watch.gaps([Status.OVERDUE], 1)[0])
    letter = replace(row, rule="TRX-03", details={"estab": "990004004", "event": "DOC.LDL_SES"})
    sectors = single_sectors(mappings().sites.by_name.values())

    assert sectors["990004004"] == "had"
    assert RuleBook(house.data.rules, sectors).lanes(letter) == ("had", "home")
    assert RuleBook(house.data.rules).lanes(letter) == ("mco", "home")


async def test_a_letter_written_days_after_a_stay_names_both_instants(house: House) -> None:
    row = await house.store.read(lambda tx: tx.watch.gaps([Status.OVERDUE], 1)[0])
    written = (LEFT + timedelta(days=4)).isoformat()
    letter = replace(row, rule="TRX-03", details={"at": written, "event": "DOC.LDL_SES"})

    said = RuleBook(house.data.rules).why(letter, "HAD-DEMO", NOW)["fr"]

    assert said.startswith("Séjour fini lun. 9 mars 10:00, HAD-DEMO, lettre écrite ven. 13 mars")


async def test_every_critical_gap_comes_before_the_others(house: House) -> None:
    [row] = await house.store.read(lambda tx: tx.watch.gaps([Status.OVERDUE], 1))
    rows = [replace(row, gap_id=f"c{n}", severity="critical") for n in range(4)]
    rows += [replace(row, gap_id=f"m{n}", severity="major") for n in range(4)]

    assert [one.gap_id for one in first_cases(rows, [], NOW)] == ["c0", "c1", "c2", "c3", "m0"]


async def test_the_arithmetic_of_a_gap_adds_up(house: House) -> None:
    gap = await house.only_gap()
    page = await house.data.gap(gap.id, NOW)
    steps = {step.kind: step for step in page.steps}

    assert steps["start"].at == LEFT
    assert steps["start"].message == 1
    assert steps["allowed"].text["fr"] == "12 heures écoulées"
    assert steps["due"].at == LEFT + timedelta(hours=12)
    assert steps["grace"].span == timedelta(hours=2)
    assert steps["late"].span == NOW - steps["due"].at


async def test_the_evidence_of_a_gap_leads_to_its_message(house: House) -> None:
    gap = await house.only_gap()
    page = await house.data.gap(gap.id, NOW)
    message = await house.data.message(page.evidence[0].message)

    assert [fact.event for fact in page.evidence] == ["ENC.DISCHARGE"]
    assert page.evidence[0].heard_at == START
    assert page.expected["fr"] == "une admission"
    assert [line.to_status for line in page.history][-1] is Status.OVERDUE
    assert message.line.type == "ADT^A03"


async def test_a_fact_of_our_own_sends_names_no_message(house: House) -> None:
    row = await house.store.read(lambda tx: tx.watch.gaps([Status.OVERDUE], 1)[0])
    facts = await house.store.read(lambda tx: tx.facts.of_person(row.person_id))

    shown = evidence(row, [replace(fact, order=-84) for fact in facts])

    assert [fact.message for fact in shown] == [None]


async def test_a_path_has_the_stay_and_the_hole(house: House) -> None:
    gap = await house.only_gap()
    path = await house.data.path(gap.person.id, NOW)

    assert {stay.lane for stay in path.stays} == {"mco"}
    assert [hole.lane for hole in path.holes if hole.gap.rule == "TRX-08"] == ["smr"]
    assert [hole.lane for hole in path.holes if hole.gap.rule == "TRX-01"] == ["doc"]


async def test_nobody_has_the_path_of_an_unknown_person(house: House) -> None:
    assert await house.data.path("nobody", NOW) is None
    assert await house.data.gap("nothing", NOW) is None
    assert await house.data.message(99) is None


async def test_a_path_names_the_records_of_its_person(house: House) -> None:
    gap = await house.only_gap()

    page = await house.data.path(gap.person.id, NOW)

    assert [(one.number != "", one.merged) for one in page.identities] == [(True, False)]
    assert all(one.place for one in page.identities)


async def test_worklists_are_filtered_and_cut(house: House) -> None:
    critical = await house.data.worklist(GapFilter(severity="critical"), NOW)
    rule = await house.data.worklist(GapFilter(rule="TRX-01"), NOW)
    beyond = await house.data.worklist(GapFilter(after=("9", "~", "~")), NOW)

    assert {gap.severity for gap in critical.rows} == {"critical"}
    assert {gap.rule for gap in rule.rows} == {"TRX-01"}
    assert (beyond.rows, beyond.total) == ((), critical.total + rule.total)


async def test_what_is_due_today_is_listed_before_it_is_late(house: House) -> None:
    before = LEFT + timedelta(hours=1)
    fresh = MemoryStore()
    await fresh.open()
    await take(fresh, fixture("adt_a03_discharge_to_rehabilitation"))
    early = House(fresh, StorePageData(fresh, *_rest(house.data)), HandClock())
    await early.look(before)

    page = await early.data.overview(before)
    today = await early.data.worklist(GapFilter("today"), before)

    assert [severity for _, severity in page.due] == ["critical", "major"]
    assert [gap.rule for gap in today.rows] == ["TRX-08", "TRX-01"]
    assert page.open_gaps == 0


def _rest(data: StorePageData) -> tuple[object, ...]:
    return data.rules, data.ids, data.converter, data.replayer


async def test_a_message_shows_its_trace(house: House) -> None:
    page = await house.data.message(1)
    births = [line for line in page.trace if line.target == "birthDate"]

    assert {name.partition("/")[0] for name in page.resources} >= {"Patient", "Encounter"}
    assert [(line.source, line.value) for line in births] == [("PID-7", '"1980-04-12"')]
    assert page.answer.startswith("MSH|")


async def test_a_refused_message_shows_its_bytes_and_why(house: House) -> None:
    page = await house.data.message(2)

    assert page.body == BROKEN
    assert page.line.status is InboxStatus.QUARANTINED
    assert page.line.issues != ()
    assert page.trace == ()


@pytest.mark.field("FL-321")
async def test_a_list_of_messages_reads_no_body(house: House) -> None:
    page = await house.data.messages([], "", None)
    held = await house.data.messages([InboxStatus.QUARANTINED], "", None)
    letters = await house.data.messages([], "MDM", None)

    assert [line.number for line in page.rows] == [2, 1]
    assert [line.number for line in held.rows] == [2]
    assert (letters.rows, letters.older) == ((), None)


async def test_a_refused_message_can_be_tried_again_and_set_aside(house: House) -> None:
    ended = await house.data.retry(2)
    await house.data.discard(2)

    assert ended is InboxStatus.QUARANTINED
    assert (await house.data.message(2)).line.status is InboxStatus.DISCARDED


@pytest.mark.parametrize("number", [1, 99])
async def test_what_is_not_held_is_neither_tried_again_nor_set_aside(
    number: int, house: House
) -> None:
    with pytest.raises(RejectedError):
        await house.data.retry(number)
    with pytest.raises(RejectedError):
        await house.data.discard(number)


async def test_a_delivery_shows_the_domain_of_a_mailbox_and_no_name(house: House) -> None:
    item = NewDelivery(
        "mssante", "k1", NOW, details={"to": "jean.dupont@medecin.mssante.fr"}, about="Patient/x"
    )
    await house.store.write(lambda tx: tx.outbox.queue([item], NOW))

    page = await house.data.deliveries([DeliveryStatus.QUEUED], None)

    assert [row.to for row in page.rows] == ["…@medecin.mssante.fr"]
    assert page.counts == {DeliveryStatus.QUEUED: 1}


async def test_a_pulse_tells_what_moved_since_the_one_before(house: House) -> None:
    first = await house.data.pulse(-1)
    await take(house.store, fixture("adt_a01_admission_of_a_validated_identity"))
    await house.look(NOW + timedelta(days=1))
    second = await house.data.pulse(first.ledger)

    assert first.touched == frozenset()
    assert second.inbox != first.inbox
    assert second.ledger >= first.ledger


async def test_messages_of_the_last_day_are_counted_by_hour(house: House) -> None:
    page = await house.data.overview(START + timedelta(minutes=30))

    assert page.flow == (0,) * 23 + (2,)


@pytest.mark.parametrize("body", [fixture("adt_a01_session_of_chemotherapy"), BROKEN])
async def test_a_message_shows_what_was_repaired_in_it_converted_or_held(house: House, body: bytes):
    [receipt] = await take(house.store, b"\xef\xbb\xbf" + body.replace(b"~\\&", b"~\\\\&", 1))

    page = await house.data.message(receipt.inbox_id)

    assert {"bom", "msh2-repair"} <= set(page.line.flags)


@pytest.mark.parametrize("scope", ["gap", "patient-rule"])
async def test_a_muted_gap_is_in_a_list_of_its_own_until_the_mute_ends(
    house: House, scope: str
) -> None:
    gap = await house.only_gap()
    parts = {
        "gap": {"gap": gap.id},
        "patient-rule": {"patient": gap.person.id, "rule": gap.rule},
    }
    until = (NOW + timedelta(days=2)).isoformat()
    wish = Asked(scope, "handled-outside", until, "Suivi ailleurs, vu hier.", "anne", parts[scope])
    await house.store.write(lambda tx: mute(tx, wish, {gap.rule}, NOW))

    async def listed(view: str, now: datetime) -> list[str]:
        return [one.id for one in (await house.data.worklist(GapFilter(view), now)).rows]

    later = NOW + timedelta(days=2)
    assert gap.id not in await listed("open", NOW)
    assert await listed("muted", NOW) == [gap.id]
    assert gap.id not in [one.id for one in (await house.data.overview(NOW)).first]
    assert gap.id in await listed("open", later)
    assert await listed("muted", later) == []
