"""The directory over FHIR: what it says, how it fails, and the mails that wait for it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.connectors.directory import Annuaire
from gateway.connectors.http import HttpClient
from gateway.core.deliveries import DeliveryStatus
from gateway.core.directory import Entry
from gateway.core.errors import RejectedError, RetriableError
from gateway.entry.directory import directory_warnings
from gateway.entry.settings import load as load_settings
from gateway.pipeline.directory import DirectoryWatch, Freshness, load, stale
from gateway.simulation.directory_server import (
    DirectoryServer,
    mailbox,
    professional,
    role,
    structure,
)
from gateway.store.memory import MemoryStore
from tests.support.mail import code_of
from tests.support.pipeline import START, HandClock
from tests.unit.pipeline.test_departures import LETTER, deliver, notes, rows, take
from tests.unit.pipeline.test_submissions import OF_ANOTHER

GP, MANY, HIDDEN, NONE = "99900000144", "99900000155", "99900000166", "99900000177"
ADDRESS = "medecin.14@essai.mssante.example"
#: The letter, without the mailbox of its recipient.
NAMELESS = LETTER.replace(b"^NET^X.400^" + ADDRESS.encode(), b"")
#: A letter about another patient, to a doctor the directory has no mailbox of.
OF_NOBODY = re.sub(
    rb"(PRT\|\|UC\|\|RCT[^|]*\|)\d{11}([^\r]*)\|\^NET\^X\.400\^[^\r]*",
    rb"\g<1>" + NONE.encode() + rb"\2",
    OF_ANOTHER,
)
PEOPLE = [
    professional(GP, "BASALTE", "Élise", mailbox(ADDRESS)),
    role(GP, "990004004"),
    professional(MANY, "GRANITE", "Marc"),
    role(MANY, "990004004", mailbox("un@granite.mssante.example")),
    role(MANY, "990001000", mailbox("deux@granite.mssante.example")),
    role(MANY, "990002000", mailbox("trois@granite.mssante.example"), active=False),
    professional(HIDDEN, "SCHISTE", "Ève", mailbox("eve@schiste.mssante.example", unlisted=True)),
    professional(NONE, "GNEISS", "Ali"),
    structure("990004004", "HAD de la Dorde", "Épreuve", mailbox("had@x.mssante.example", "ORG")),
    structure("990001000", "CHU d'Alizé", "Alizé"),
]


@pytest.fixture
async def service():
    clock = HandClock(START)
    server = DirectoryServer(PEOPLE, clock.now)
    await server.start()
    client = HttpClient()
    yield server, Annuaire(server.base_url, server.key, client, clock), clock
    await client.close()
    await server.stop()


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    yield opened
    await opened.close()


def told(entries):
    return [(one.address, one.kind, one.finess, one.unlisted) for one in entries]


async def test_addresses_are_found_on_the_person_and_on_live_roles(service):
    _, annuaire, _ = service

    assert told(await annuaire.professional(GP)) == [(ADDRESS, "PER", "", False)]
    assert told(await annuaire.professional(MANY)) == [
        ("un@granite.mssante.example", "PER", "990004004", False),
        ("deux@granite.mssante.example", "PER", "990001000", False),
    ]
    assert told(await annuaire.professional(HIDDEN)) == [
        ("eve@schiste.mssante.example", "PER", "", True)
    ]
    assert told(await annuaire.structure("990004004")) == [
        ("had@x.mssante.example", "ORG", "990004004", False)
    ]


async def test_no_address_is_said_with_its_date_and_proves_nothing(service):
    _, annuaire, clock = service
    [gneiss], [nobody] = await annuaire.professional(NONE), await annuaire.professional("9" * 11)

    assert (gneiss.family, gneiss.address, gneiss.seen_at) == ("GNEISS", "", clock.now())
    assert (nobody.family, nobody.address, nobody.seen_at) == ("", "", clock.now())


@pytest.mark.field("FL-226")
async def test_pages_are_followed_to_their_end_and_an_empty_one_is_none(service):
    server, annuaire, _ = service
    server.mood.page = 1
    whole = await annuaire.professional(MANY)
    server.mood.empty_pages = True

    with pytest.raises(RetriableError) as caught:
        await annuaire.professional(MANY)

    assert len(whole) == 2
    assert code_of(caught) == "RLS-DIR-012"


async def test_the_key_goes_to_its_service_only(service):
    server, annuaire, _ = service
    server.mood.page, server.mood.foreign_next = 1, "http://127.0.0.2:9"

    with pytest.raises(RetriableError) as caught:
        await annuaire.professional(MANY)

    assert code_of(caught) == "RLS-DIR-012"


@pytest.mark.field("FL-341")
@pytest.mark.parametrize("status", [429, 502, 504])
async def test_a_service_that_is_away_may_be_asked_again(service, status):
    server, annuaire, _ = service
    server.mood.failing = status

    with pytest.raises(RetriableError) as caught:
        await annuaire.professional(GP)

    assert code_of(caught) == "RLS-DIR-010"


async def test_a_wrong_key_is_for_a_person(service):
    _, annuaire, _ = service

    with pytest.raises(RejectedError) as caught:
        await replace(annuaire, key="other").professional(GP)

    assert code_of(caught) == "RLS-DIR-011"


async def test_a_letter_to_a_number_alone_waits_for_the_directory_and_leaves(service, store):
    server, annuaire, clock = service
    await take(store, NAMELESS)
    waits = await deliver(store)
    reasons = await notes(store)

    answered = await DirectoryWatch(store, clock, annuaire).step()

    left = await deliver(store)
    assert "professional" not in waits
    assert reasons["professional"] == "not-in-directory"
    assert answered == 1
    assert left["professional"].item.details["to"] == ADDRESS
    # Another copy of the same letter, by now with a known mailbox, is no second mail.
    await take(store, NAMELESS.replace(b"|HAD000030005|", b"|AGAIN|"))
    assert await deliver(store) == {}
    assert f"/fhir/v2/Practitioner?identifier={GP}" in server.asked


@pytest.mark.field("FL-266")
async def test_a_directory_that_is_away_for_hours_stops_only_whom_nobody_knows(service, store):
    server, annuaire, clock = service
    server.mood.failing = 504
    known = Entry("extract:mssante", GP, address=ADDRESS, kind="PER", seen_at=START)
    await load(store, clock, "extract:mssante", START, [known])
    watch = DirectoryWatch(store, clock, annuaire)
    await take(store, NAMELESS)
    sent = await deliver(store)
    await take(store, OF_NOBODY)

    for _ in range(180):
        await watch.step()
        clock.advance(minutes=1)
    asked = len(server.asked)
    [state] = [one for one in await store.read(lambda tx: tx.directory.states())
               if one.origin == "api"]  # fmt: skip
    server.mood.failing = 0
    clock.advance(minutes=30)
    await watch.step()

    assert sent["professional"].item.details["to"] == ADDRESS
    # The breaker: a dozen questions in three hours, not one a minute.
    assert 3 < asked < 15
    assert state.failing_since == START
    assert state.failure == "RLS-DIR-010"
    assert stale([state], Freshness(), clock.now()) == {"api": True}
    [healed] = [one for one in await store.read(lambda tx: tx.directory.states())
                if one.origin == "api"]  # fmt: skip
    assert healed.failing_since is None


@pytest.mark.field("FL-265")
async def test_the_extract_has_what_the_service_does_not_tell(service, store):
    _, annuaire, clock = service
    letter = NAMELESS.replace(GP.encode(), NONE.encode())
    await take(store, letter)
    watch = DirectoryWatch(store, clock, annuaire)
    await watch.step()
    before = await notes(store)
    entry = Entry("extract:mssante", NONE, address="ali@g.mssante.example", kind="PER",
                  seen_at=START)  # fmt: skip

    loaded = await load(store, clock, "extract:mssante", START, [entry])

    found = await store.read(lambda tx: tx.directory.of_professionals([NONE]))
    assert before["professional"] == "not-in-directory"
    assert loaded.released == 1
    assert sorted((one.origin, one.address) for one in found[NONE]) == [
        ("api", ""), ("extract:mssante", "ali@g.mssante.example"),
    ]  # fmt: skip
    left = await deliver(store)
    assert left["professional"].item.details["to"] == "ali@g.mssante.example"


@pytest.mark.field("FL-267")
async def test_several_mailboxes_are_no_mail_but_work_for_a_person(service, store):
    _, annuaire, clock = service
    # Neither of the structures the doctor has a mailbox at is named.
    await take(store, NAMELESS.replace(GP.encode(), MANY.encode()))

    await DirectoryWatch(store, clock, annuaire).step()

    assert "professional" not in await deliver(store)
    assert ("professional", DeliveryStatus.HELD.value) in await rows(store)
    assert (await notes(store))["professional"] == "several-mailboxes"


async def test_nobody_is_asked_about_twice_a_day(service, store):
    server, annuaire, clock = service
    await take(store, NAMELESS.replace(GP.encode(), NONE.encode()))
    watch = DirectoryWatch(store, clock, annuaire)

    first, second = await watch.step(), await watch.step()
    asked = len(server.asked)
    clock.advance(hours=25)
    third = await watch.step()

    assert (first, second, third) == (1, 0, 1)
    assert len(server.asked) == 2 * asked


def test_an_extract_is_old_after_a_week():
    from gateway.core.directory import SourceState

    state = SourceState("extract:mssante", START, START, 3)
    limits = Freshness()

    assert not limits.is_stale(state, START + timedelta(days=6))
    assert limits.is_stale(state, START + timedelta(days=8))
    assert limits.is_stale(replace(state, as_of=None), START)


async def test_a_directory_that_is_old_or_away_is_shown_beside_the_health(service, store):
    server, annuaire, clock = service
    told = directory_warnings(load_settings(), clock)
    nothing = await told(store)
    entry = Entry("extract:mssante", GP, address=ADDRESS, kind="PER", seen_at=START)
    await load(store, clock, "extract:mssante", START, [entry])
    fresh = await told(store)
    server.mood.failing = 504
    await take(store, OF_NOBODY)
    await DirectoryWatch(store, clock, annuaire).step()
    clock.advance(days=8)

    issues = await told(store)

    assert (list(nothing), list(fresh)) == ([], [])
    assert [(one.code, one.where) for one in issues] == [
        ("RLS-DIR-036", "directory api"), ("RLS-DIR-036", "directory extract:mssante"),
    ]  # fmt: skip
