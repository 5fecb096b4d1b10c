"""What the network and the interface engines do to messages on their way.

The truth is never touched: a fault changes when a message arrives, how often, or adds a broken
one beside it. Each message has its own stream of chance, so that one more fault moves no other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gateway.simulation.draws import Draws
from gateway.simulation.rendering import Rendered, name, render, source
from gateway.simulation.steps import Step

#: Added to the order of a step to get another control id for the same content.
_OTHER_ID = 5000
_BROKEN_ID = 7000
#: What a poisoned timestamp is wrong by.
_YEARS = timedelta(days=4 * 365 + 1)


@dataclass(frozen=True, slots=True)
class Outage:
    """A feed that is silent, then catches up: from `hours` after the first day, for `length`."""

    source: str
    after_hours: int
    length_hours: int


@dataclass(frozen=True, slots=True)
class Transport:
    """Probabilities of each fault, per message.

    Attributes:
        duplicated: the same bytes arrive twice.
        resent: the acknowledgement was lost: the same message again with a new MSH-7.
        renumbered: the same content again under a new MSH-10.
        delayed: arrives minutes to hours late, behind younger messages.
        dropped: never arrives the first time; the sender repeats it hours later.
        malformed: a broken message arrives first and is to be refused.
        lost: never arrives at all; nobody repeats it.
        poisoned: the ADT says that it was recorded in a year to come (EVN-2).
        skewed: the clock of the sender is some minutes wrong (MSH-7).
    """

    duplicated: float = 0.005
    resent: float = 0.006
    renumbered: float = 0.001
    delayed: float = 0.03
    dropped: float = 0.004
    malformed: float = 0.002
    lost: float = 0.0
    poisoned: float = 0.0
    skewed: float = 0.0
    outages: tuple[Outage, ...] = (
        Outage("had", 24 * 20, 9),
        Outage("chu", 24 * 33, 3),
        Outage("smr", 24 * 40, 30),
    )


PERFECT = Transport(0, 0, 0, 0, 0, 0, outages=())
#: Silences over days, such as a network that fails on a Friday: two hospitals, one after the other.
_LONG = (Outage("clcc", 24 * 25 + 9, 50), Outage("chu", 24 * 36 + 16, 62))
#: The usual silences come again after so many days.
_SEASON_DAYS = 45


def all_faults(days: int) -> Transport:
    """Return every fault at once, with outages over a region that lives so many days."""
    usual = Transport()
    outages = tuple(
        replace(outage, after_hours=outage.after_hours + 24 * _SEASON_DAYS * season)
        for season in range(-(-days // _SEASON_DAYS))
        for outage in (*usual.outages, *_LONG)
        if outage.after_hours + 24 * _SEASON_DAYS * season < 24 * days
    )
    return replace(usual, lost=0.0005, poisoned=0.001, skewed=0.01, outages=outages)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One arrival of a step at the gateway.

    Attributes:
        at: our clock, UTC, without the wait behind an outage.
        step: what is rendered; `sent` and `order` differ from the truth after a resend.
        fault: name of the fault, empty when all went well.
        answer: the acknowledgement a right gateway gives: `AA`, `AE` or `AR`.
    """

    at: datetime
    step: Step
    fault: str = ""
    answer: str = "AA"


def arrivals(step: Step, transport: Transport, draws: Draws, start: datetime) -> Iterator[Arrival]:
    """Yield each arrival of one step; what is not lost arrives rightly at least once."""
    if draws.child("lost").chance(transport.lost):
        return
    step = _by_its_clock(step, transport, draws)
    for arrival in _paths(step, transport, draws):
        at = _after(arrival.at, step, transport, start)
        held = at != arrival.at and not arrival.fault
        yield replace(arrival, at=at, fault="outage" if held else arrival.fault)


def _by_its_clock(step: Step, transport: Transport, draws: Draws) -> Step:
    """Return a step with the times its sender writes, when its clock is wrong."""
    skew = draws.child("skewed")
    if skew.chance(transport.skewed):
        wrong = timedelta(minutes=skew.between(2, 9) * skew.pick((-1, 1)))
        return replace(step, clock=wrong)
    if draws.child("poisoned").chance(transport.poisoned) and name(step).startswith("ADT"):
        return replace(step, recorded=step.recorded + _YEARS)
    return step


def _paths(step: Step, transport: Transport, draws: Draws) -> Iterator[Arrival]:
    rolls = [draws.unit() for _ in range(6)]
    sent = step.sent.astimezone(UTC)
    at = sent + timedelta(milliseconds=draws.between(40, 1500))
    if rolls[5] < transport.malformed and name(step).startswith("ADT"):
        kind, answer = draws.pick(tuple(_BREAKAGES.items()))
        broken = replace(step, order=step.order + _BROKEN_ID)
        yield Arrival(at - timedelta(milliseconds=20), broken, kind, answer)
    if rolls[4] < transport.dropped:
        yield _repeated(step, sent + draws.minutes(90, 600), "dropped")
        return
    if rolls[3] < transport.delayed:
        yield Arrival(at + draws.minutes(5, 420), step, "delayed")
        return
    yield Arrival(at, step)
    if rolls[0] < transport.duplicated:
        yield Arrival(at + timedelta(seconds=draws.between(1, 90)), step, "duplicated")
    if rolls[1] < transport.resent:
        yield _repeated(step, at + timedelta(seconds=draws.between(30, 300)), "resent")
    if rolls[2] < transport.renumbered:
        again = replace(step, order=step.order + _OTHER_ID)
        yield _repeated(again, at + draws.minutes(2, 30), "renumbered")


def rendered(arrival: Arrival) -> Rendered:
    """Return the bytes of an arrival, broken when its fault says so."""
    whole = render(arrival.step)
    if arrival.fault not in _BREAKAGES:
        return whole
    return whole._replace(body=_break(whole.body, arrival.fault))


def _repeated(step: Step, at: datetime, fault: str) -> Arrival:
    """Return an honest resend: the sender rebuilds MSH-7 and nothing else."""
    sent = at.replace(microsecond=0)
    local = sent.astimezone(step.sent.tzinfo)
    return Arrival(sent + timedelta(milliseconds=700), replace(step, sent=local), fault)


def _after(at: datetime, step: Step, transport: Transport, start: datetime) -> datetime:
    """Return when a message gets through: after the outage it falls in, in order of sending."""
    for outage in transport.outages:
        begin = start.astimezone(UTC) + timedelta(hours=outage.after_hours)
        end = begin + timedelta(hours=outage.length_hours)
        if outage.source == source(step).key and begin <= at < end:
            return end + (at - begin) / 60
    return at


#: Broken message kinds and the answer each deserves (HL7 table 0357 101, 102, 201).
_BREAKAGES = {"no-identifier": "AE", "impossible-date": "AE", "unknown-event": "AR"}


#: Segment, place after the separators, and what is written there.
_SPOILED = {
    "no-identifier": (b"PID", 3, b""),
    "impossible-date": (b"EVN", 2, b"20260231120000"),
    "unknown-event": (b"MSH", 8, b"ADT^Q77^ADT_Q77"),
}


def _break(body: bytes, kind: str) -> bytes:
    """Spoil one field of an ADT, the way a faulty interface would."""
    lines = body.split(b"\r")
    segment, field, value = _SPOILED[kind]
    place = next(place for place, line in enumerate(lines) if line.startswith(segment))
    lines[place] = _set(lines[place], field, value)
    return b"\r".join(lines)


def _set(line: bytes, place: int, value: bytes) -> bytes:
    fields = line.split(b"|")
    fields[place] = value
    return b"|".join(fields)
