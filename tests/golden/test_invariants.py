"""What holds for every input of our fixtures on its way through the whole pipeline."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from lxml import etree

from gateway.core.issues import Issue
from gateway.core.messages import InboxStatus
from gateway.entry.cli_convert import read_input
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.fhir import bundle, shape
from gateway.pipeline.folds import fold_alone
from gateway.pipeline.prepared import Prepared
from gateway.simulation.play import events
from gateway.simulation.region import Region
from tests.conftest import ROOT
from tests.support.gateway import converter, message
from tests.support.leaves import dangling, empty_places, unexplained
from tests.support.pipeline import HandClock

FIXTURES = ROOT / "fixtures"
INPUTS = sorted([*FIXTURES.glob("*/*/*.er7"), *FIXTURES.glob("*/*/*.xml")])
ACCEPTED = [path for path in INPUTS if not path.parent.name.endswith("refused")]
CUTS = 200


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def resources(path: Path) -> list[dict]:
    return fold_alone(converter().convert(read_input(path)).contributions)


@pytest.mark.parametrize("path", ACCEPTED, ids=named)
def test_ids_are_unique_references_resolve_and_nothing_is_empty(path: Path) -> None:
    made = resources(path)

    names = Counter(f"{resource['resourceType']}/{resource['id']}" for resource in made)

    assert made
    assert [name for name, times in names.items() if times > 1] == []
    assert dangling(made) == []
    assert empty_places(made) == []


@pytest.mark.parametrize("path", ACCEPTED, ids=named)
def test_every_leaf_has_its_line_in_the_trace(path: Path) -> None:
    conversion = converter().convert(read_input(path), trace=True)

    made = fold_alone(conversion.contributions)

    assert unexplained(conversion.contributions, made, conversion.trace) == []


@pytest.mark.parametrize("path", ACCEPTED, ids=named)
def test_the_same_bytes_give_the_same_bundle_with_and_without_trace(path: Path) -> None:
    other = build_converter(load(), clock=HandClock())
    raw = read_input(path)

    first, second, traced = (
        bundle.to_bytes(bundle.assemble(fold_alone(made.contributions)))
        for made in (converter().convert(raw), other.convert(raw), other.convert(raw, trace=True))
    )

    assert first == second == traced


def test_every_right_input_of_a_region_is_whole_and_explained() -> None:
    told = [event.body for event in events(Region("invariants", 12)) if event.label.answer == "AA"]
    wrong = []

    for body in told:
        conversion = converter().convert(message(body), trace=True)
        made = fold_alone(conversion.contributions)
        wrong += [*dangling(made), *empty_places(made)]
        wrong += unexplained(conversion.contributions, made, conversion.trace)

    assert told
    assert wrong == []


def without_a_segment(body: bytes) -> Iterator[bytes]:
    """Yield the message without each of its segments, the header included."""
    segments = body.split(b"\r")
    for at in range(len(segments)):
        yield b"\r".join(segments[:at] + segments[at + 1 :])


def without_an_element(body: bytes) -> Iterator[bytes]:
    """Yield the document without each element of its header, and without each of its sections."""
    count = len(_removable(_document(body)))
    for at in range(count):
        root = _document(body)
        found = _removable(root)[at]
        found.getparent().remove(found)
        yield etree.tostring(root)


def _document(body: bytes) -> etree._Element:
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


def _removable(root: etree._Element) -> list[etree._Element]:
    section = "{urn:hl7-org:v3}section"
    return [*root.iterchildren(etree.Element), *root.iter(section)]


def judge(body: bytes) -> list[str]:
    """Return what is wrong with the way an input is taken, whatever it is."""
    made = converter().prepare(converter().open(message(body)))
    if made.status is InboxStatus.CONVERTED:
        return _converted(made)
    if made.status is InboxStatus.IGNORED:
        return []
    if made.status is not InboxStatus.QUARANTINED:
        return [f"{made.status} {[(issue.code, issue.where) for issue in made.issues]}"]
    return _refused(made.issues)


def _converted(made: Prepared) -> list[str]:
    """Judge what would be stored; the store refuses whole what is no FHIR."""
    found = fold_alone(made.contributions)
    if no_fhir := [issue for one in found for issue in shape.check(one)]:
        return _refused(no_fhir)
    return [*dangling(found), *empty_places(found)]


def _refused(issues: Sequence[Issue]) -> list[str]:
    told = [issue for issue in issues if issue.severity.refuses]
    return [] if told and all(issue.where and issue.fix for issue in told) else ["refused mutely"]


@pytest.mark.parametrize("path", INPUTS, ids=named)
def test_an_input_cut_at_random_places_is_refused_or_converted_whole(path: Path) -> None:
    body = path.read_bytes()
    draw = random.Random(named(path))
    places = [draw.randrange(1, len(body)) for _ in range(CUTS)]

    wrong = {place: said for place in places if (said := judge(body[:place]))}

    assert wrong == {}


@pytest.mark.parametrize("path", ACCEPTED, ids=named)
def test_an_input_without_one_of_its_parts_is_refused_or_converted_whole(path: Path) -> None:
    body = path.read_bytes()
    without = without_a_segment if path.suffix == ".er7" else without_an_element

    wrong = {at: said for at, less in enumerate(without(body)) if (said := judge(less))}

    assert wrong == {}
