"""Write a region down: its log, what really went wrong, and what the run is made of.

Three files of a folder: `log.ndjson` (what the doors receive, replayable by `relais pathway run`),
`truth.ndjson` (the injected ruptures, which nobody sends) and `manifest.json` (seed, parameters,
counts, digests). The same seed gives the same bytes on every machine.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core.systems import IDENTIFIER_BASE
from gateway.core.timestamps import utc_seconds
from gateway.simulation.behaviours import Truth, feed_truths
from gateway.simulation.establishments import ESTABLISHMENTS
from gateway.simulation.faults import Transport
from gateway.simulation.people import Person, ipp
from gateway.simulation.play import Planned, Tally, event_of, in_order, log_line, of_patient
from gateway.simulation.region import FIRST_DAY, Region
from gateway.simulation.stories import stories

LOG, TRUTH, MANIFEST = "log.ndjson", "truth.ndjson", "manifest.json"
#: OID of the INS-NIR of the test domain (ANS, list of the OIDs of identity authorities).
_TEST_INS = "urn:oid:1.2.250.1.213.1.4.10"


@dataclass(frozen=True, slots=True)
class Size:
    """How large a region is: patients, and days over which their stories take place."""

    patients: int
    days: int


SIZES = {"tiny": Size(12, 90), "small": Size(2000, 90), "region": Size(20_000, 365)}


def _nothing(_done: int, _whole: int) -> None:
    """Tell nobody."""


def record(
    region: Region,
    transport: Transport,
    folder: Path,
    on_progress: Callable[[int, int], None] = _nothing,
) -> dict[str, Any]:
    """Write a region into a folder; return its manifest.

    Args:
        region: who lives there.
        transport: what happens to messages on their way.
        folder: made when it is not there; files of these names are replaced.
        on_progress: told how much of how much is done, patients first, then messages; the whole
            is not known before the patients are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truths, arrivals = _lived(region, transport, on_progress)
    tally = Tally()
    whole = region.size + len(arrivals)
    with (folder / LOG).open("wb") as log:
        for number, one in enumerate(arrivals, 1):
            event = event_of(one)
            tally.add(event)
            log.write(_line(log_line(event)))
            on_progress(region.size + number, whole)
    told = tally.told(region, transport)
    lines = b"".join(map(_line, truths))
    (folder / TRUTH).write_bytes(lines)
    counts = Counter(f"{one['rule']}: {one['cause']}" for one in truths)
    told["truths"] = dict(sorted(counts.items()))
    told["truth_sha256"] = hashlib.sha256(lines).hexdigest()
    _write_manifest(folder, told)
    return told


def record_stories(folder: Path) -> dict[str, Any]:
    """Write the stories of one patient each into a folder, in files of the same form.

    What their people hear from a mail operator is no message, and is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = stories()
    arrivals = in_order([one for each in told for one in each.planned])
    digest, messages = hashlib.sha256(), Counter[str]()
    with (folder / LOG).open("wb") as log:
        for event in map(event_of, arrivals):
            messages[event.label.message] += 1
            line = _line(log_line(event))
            digest.update(line)
            log.write(line)
    truths = [truth_line(truth, each.person) for each in told for truth in each.truths]
    lines = b"".join(map(_line, truths))
    (folder / TRUTH).write_bytes(lines)
    counts = Counter(f"{one['rule']}: {one['cause']}" for one in truths)
    written = {
        "stories": {each.name: each.person.order for each in told},
        "messages": dict(sorted(messages.items())),
        "sha256": digest.hexdigest(),
        "truths": dict(sorted(counts.items())),
        "truth_sha256": hashlib.sha256(lines).hexdigest(),
    }
    _write_manifest(folder, written)
    return written


def _write_manifest(folder: Path, told: dict[str, Any]) -> None:
    text = json.dumps(told, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def truth_line(truth: Truth, person: Person | None) -> dict[str, Any]:
    """Return a truth as a line; instants are UTC, `ends` is null where nothing made it good.

    Args:
        truth: the rupture.
        person: of whom; None for a feed.
    """
    return {
        "rule": truth.rule,
        "cause": truth.cause.value,
        "patient": truth.patient,
        "identifiers": list(_identifiers(person)) if person else [],
        "establishment": truth.finess,
        "visit": truth.visit,
        "begins": utc_seconds(truth.begins),
        "ends": utc_seconds(truth.ends) if truth.ends else None,
        "real": truth.real,
    }


def _lived(
    region: Region, transport: Transport, on_progress: Callable[[int, int], None]
) -> tuple[list[dict[str, Any]], list[Planned]]:
    numbers = {site.key: site.finess for site in ESTABLISHMENTS}
    truths = [truth_line(one, None) for one in feed_truths(transport, FIRST_DAY, numbers)]
    arrivals: list[Planned] = []
    for number in range(1, region.size + 1):
        patient = region.patient(number)
        truths += [truth_line(one, patient.person) for one in patient.truths]
        arrivals += of_patient(region, patient, transport, len(arrivals))
        on_progress(number, region.size)
    return truths, in_order(arrivals)


def _identifiers(person: Person) -> Iterator[dict[str, str]]:
    yield {"system": _TEST_INS, "value": person.matricule}
    for site in ESTABLISHMENTS:
        yield {
            "system": f"{IDENTIFIER_BASE}/ipp/{site.finess}",
            "value": ipp(site.finess, person.order),
        }


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
