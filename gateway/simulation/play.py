"""Play a region: every message and document in the order it reaches the gateway."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.simulation.corrected import Told, corrected_stay
from gateway.simulation.draws import Draws
from gateway.simulation.establishments import CHU
from gateway.simulation.faults import Arrival, Transport, arrivals, rendered
from gateway.simulation.people import person
from gateway.simulation.region import FIRST_DAY, PARIS, Region
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


def events(region: Region, transport: Transport | None = None) -> Iterator[Event]:
    """Yield everything that reaches the gateway, ordered by the virtual clock.

    Bodies are made while iterating; a resend within one instant keeps the order of the patient.
    """
    model = transport or Transport()
    waiting: list[tuple[datetime, int, int, Arrival]] = []
    for number in range(1, region.size + 1):
        chance = Draws("transport", region.seed, number)
        for step in region.patient(number).steps:
            for arrival in arrivals(step, model, chance.child(step.order), FIRST_DAY):
                waiting.append((arrival.at, number, len(waiting), arrival))
    waiting.sort(key=lambda item: item[:3])
    for at, number, _, arrival in waiting:
        yield _event(at, number, arrival)


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


def manifest(region: Region, transport: Transport, played: Iterator[Event]) -> dict[str, Any]:
    """Return what a run is made of: its parameters, counts and a digest of every byte."""
    digest, counts, faults = hashlib.sha256(), dict[str, int](), dict[str, int]()
    first = last = FIRST_DAY.astimezone(UTC)
    for event in played:
        digest.update(f"{event.at.isoformat()}|{event.door}|{event.source}|".encode())
        digest.update(event.body)
        counts[event.label.message] = counts.get(event.label.message, 0) + 1
        if event.label.fault:
            faults[event.label.fault] = faults.get(event.label.fault, 0) + 1
        last = max(last, event.at)
    return {
        "seed": region.seed,
        "patients": region.size,
        "zone": PARIS.key,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "transport": asdict(transport),
        "messages": dict(sorted(counts.items())),
        "faults": dict(sorted(faults.items())),
        "sha256": digest.hexdigest(),
    }
