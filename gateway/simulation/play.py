"""Play a region: every message and document in the order it reaches the gateway."""

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gateway.simulation.corrected import Told, corrected_stay
from gateway.simulation.draws import Draws
from gateway.simulation.establishments import CHU
from gateway.simulation.faults import Arrival, Transport, arrivals, rendered
from gateway.simulation.people import person
from gateway.simulation.region import FIRST_DAY, PARIS, Patient, Region
from gateway.simulation.rendering import source


@dataclass(frozen=True, slots=True)
class Label:
    """What an event is, for summaries; holds no value of the message.

    Attributes:
        message: `ADT^A01`, `MDM^T02`, `CDA 11490-0`, ...
        story: name of the story.
        patient: number in the region.
        step: number of the step of that patient, the same for every copy of it.
        fault: what the transport did, empty when nothing.
        answer: the acknowledgement it deserves.
    """

    message: str
    story: str
    patient: int
    step: int
    fault: str
    answer: str


@dataclass(frozen=True, slots=True)
class Event:
    """One arrival at a door of the gateway.

    Attributes:
        at: the virtual clock of the gateway, UTC.
        door: `mllp`, `http` or `cda`.
        source: key of the establishment.
    """

    at: datetime
    door: str
    source: str
    body: bytes
    label: Label


class Planned(NamedTuple):
    """An arrival before it is rendered.

    Attributes:
        at: the virtual clock of the gateway, UTC.
        patient: number in the region.
        order: settles equal instants.
    """

    at: datetime
    patient: int
    order: int
    arrival: Arrival


def planned(region: Region, transport: Transport) -> list[Planned]:
    """Return every arrival of a region, ordered by the virtual clock; nothing is rendered."""
    found: list[Planned] = []
    for number in range(1, region.size + 1):
        found += of_patient(region, region.patient(number), transport, len(found))
    return in_order(found)


def of_patient(
    region: Region, patient: Patient, transport: Transport, first: int = 0
) -> Iterator[Planned]:
    """Yield the arrivals about one patient; `first` counts those of the patients before."""
    number = patient.person.order
    chance = Draws("transport", region.seed, number)
    for step in patient.steps:
        for arrival in arrivals(step, transport, chance.child(step.order), FIRST_DAY):
            yield Planned(arrival.at, number, first, arrival)
            first += 1


def in_order(found: list[Planned]) -> list[Planned]:
    """Return arrivals by the virtual clock; at one instant a patient's keep their order."""
    return sorted(found, key=lambda one: one[:3])


def events(region: Region, transport: Transport | None = None) -> Iterator[Event]:
    """Yield everything that reaches the gateway, ordered by the virtual clock.

    Bodies are made while iterating; a resend within one instant keeps the order of the patient.
    """
    for one in planned(region, transport or Transport()):
        yield event_of(one)


def event_of(one: Planned) -> Event:
    """Return an arrival with its bytes."""
    return _event(one.at, one.patient, one.arrival)


def _event(at: datetime, patient: int, arrival: Arrival) -> Event:
    sent = rendered(arrival)
    label = Label(
        message=sent.name,
        story=arrival.step.story,
        patient=patient,
        step=arrival.step.order % 1000,
        fault=arrival.fault,
        answer=arrival.answer,
    )
    return Event(at, sent.door, source(arrival.step).key, sent.body, label)


def one_stay(seed: int | str) -> list[bytes]:
    """Return the ADT messages of one stay with corrections, in true order, for property tests."""
    return [rendered(Arrival(step.sent, step)).body for step in told_stay(seed).steps]


def told_stay(seed: int | str) -> Told:
    """Return the steps of one stay with corrections, and the stay as it really was."""
    region = Region(seed, 1)
    draws = Draws("one stay", seed)
    who = person(1, region.gps, draws.child("person"))
    return corrected_stay(who, CHU, region.cast, draws.child("path"), FIRST_DAY)


def log_line(event: Event) -> dict[str, Any]:
    """Return an event as a line of a replayable log; the label travels beside it."""
    line: dict[str, Any] = {
        "received_at": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "channel": event.door,
        "source": event.source,
    }
    try:
        line["body"] = event.body.decode("utf-8")
    except UnicodeDecodeError:
        line["body_base64"] = b64encode(event.body).decode("ascii")
    return line


class Tally:
    """Counts what is played and takes a digest of every byte."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._messages: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._last = FIRST_DAY.astimezone(UTC)

    def add(self, event: Event) -> None:
        """Take one event in."""
        self._digest.update(f"{event.at.isoformat()}|{event.door}|{event.source}|".encode())
        self._digest.update(event.body)
        self._messages[event.label.message] += 1
        if event.label.fault:
            self._faults[event.label.fault] += 1
        self._last = max(self._last, event.at)

    def told(self, region: Region, transport: Transport) -> dict[str, Any]:
        """Return what the run is made of."""
        return {
            "seed": region.seed,
            "patients": region.size,
            "days": region.days,
            "zone": PARIS.key,
            "first": FIRST_DAY.astimezone(UTC).isoformat(),
            "last": self._last.isoformat(),
            "rates": asdict(region.rates),
            "transport": asdict(transport),
            "messages": dict(sorted(self._messages.items())),
            "faults": dict(sorted(self._faults.items())),
            "sha256": self._digest.hexdigest(),
        }


def manifest(region: Region, transport: Transport, played: Iterator[Event]) -> dict[str, Any]:
    """Return what a run is made of: its parameters, counts and a digest of every byte."""
    tally = Tally()
    for event in played:
        tally.add(event)
    return tally.told(region, transport)
