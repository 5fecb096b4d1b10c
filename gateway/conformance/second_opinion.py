"""hl7apy as a second opinion on the segments of the base standard.

Does not know the French extension: Z segments and PRT are not shown to it, and what it says of
tables is left out, for our profiles hold the French ones. Its sentences quote values, so only
the kind of fault and the place are kept; the file it writes them to is gone with the call.
Standard: HL7 v2.5 and v2.6 as hl7apy ships them.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hl7apy.exceptions import HL7apyException  # type: ignore[import-untyped]  # has no types
from hl7apy.parser import parse_segment  # type: ignore[import-untyped]  # has no types

from gateway.conformance import kinds
from gateway.conformance.finding import Finding
from gateway.hl7v2.message import Message, Segment

#: Versions hl7apy has tables for; 2.5.1 is read with its own.
_VERSIONS = frozenset({"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6"})
_DEFAULT_VERSION = "2.5"
#: Longer segments carry documents; the other parser takes seconds for them and knows no more.
_LONGEST = 20_000
_ELEMENT = r"(?:\S+\.)?([A-Z][A-Z0-9]{2})_(\d+)\b"
_SENTENCES = (
    (re.compile(rf"Missing required child .*?{_ELEMENT}"), "a required part is missing"),
    (re.compile(rf"Child limit exceeded .*?{_ELEMENT}"), "it repeats too often"),
    (re.compile(rf"Exceeded max length .*?{_ELEMENT}"), "it is too long"),
    (re.compile(rf"Datatype .*?{_ELEMENT}"), "its data type is another one"),
)


def second_opinions(message: Message) -> Iterator[Finding]:
    """Yield what hl7apy finds in the standard segments of a message."""
    separators = message.separators
    encoding = {
        "SEGMENT": "\r",
        "FIELD": separators.field,
        "COMPONENT": separators.component,
        "SUBCOMPONENT": separators.subcomponent,
        "REPETITION": separators.repetition,
        "ESCAPE": separators.escape,
        "GROUP": "\r",
    }
    version = message.value("MSH-12.1")
    version = version if version in _VERSIONS else _DEFAULT_VERSION
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.txt")
        for segment in message.segments:
            if segment.name.startswith("Z") or segment.name in ("MSH", "PRT"):
                continue
            if len(segment.raw) <= _LONGEST:
                yield from _of_segment(segment, version, encoding, report)


def _of_segment(
    segment: Segment, version: str, encoding: dict[str, str], report: Path
) -> Iterator[Finding]:
    report.write_text("", encoding="utf-8")
    try:
        parse_segment(segment.raw, version, encoding).validate(report_file=str(report))
    except HL7apyException:
        # The first fault is raised again; all of them are in the report.
        if not report.stat().st_size:
            yield kinds.SECOND_OPINION.at(segment.place, what="it cannot read the segment")
    except Exception as bug:  # noqa: BLE001 - a bug of another library must not end our report
        what = f"it breaks on the segment ({type(bug).__name__})"
        yield kinds.SECOND_OPINION.at(segment.place, what=what)
    told: set[tuple[str, str]] = set()
    for line in report.read_text(encoding="utf-8", errors="replace").splitlines():
        if " not in table " in line:
            continue
        place, what = _sentence(line, segment)
        if what and (place, what) not in told:
            told.add((place, what))
            yield kinds.SECOND_OPINION.at(place, what=what)


def _sentence(line: str, segment: Segment) -> tuple[str, str]:
    """Return place and kind of fault of a line, without the values it quotes."""
    for pattern, what in _SENTENCES:
        match = pattern.search(line)
        if match is not None:
            name, number = match.groups()
            own = name == segment.name
            return (f"{segment.place}-{number}" if own else segment.place, what)
    if line.startswith(("Error: ", "Warning: ")):
        return segment.place, "it does not accept a part of the segment"
    return "", ""
