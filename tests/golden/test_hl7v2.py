"""Every folder of fixtures/hl7v2: its messages folded and compared; and what holds for all."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from gateway.core.contributions import Contribution, Json, Mapped
from gateway.core.envelope import INS_ROOTS
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.fhir import shape
from gateway.fhir.bundle import assemble
from gateway.fhir.identity import Ids
from gateway.hl7v2 import adapter
from gateway.hl7v2.intake import Action, judge
from gateway.hl7v2.reader import read
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pipeline.convert import Conversion
from gateway.pipeline.folds import fold_alone
from tests.support.gateway import converter, message
from tests.support.pipeline import HandClock

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "hl7v2"
CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
#: Its resource breaks a FHIR type as it is mapped: `pipeline.mend` takes the value out.
MENDED = "repair_value_outside_of_its_type"


@cache
def _mappings() -> Mappings:
    return load_mappings()


@cache
def _plans() -> adapter.Plans:
    return adapter.compile_plans(_mappings())


def convert(raw: bytes, *, trace: bool = False) -> Conversion:
    """Convert one message as the pipeline does, with the documents it carries."""
    return converter().convert(message(raw), trace=trace)


def said_itself(raw: bytes) -> Mapped:
    """Trace what a message says without the document it carries, which has tests of its own."""
    opened = converter().open(message(raw))
    return adapter.contribute(
        opened.parsed,
        _plans(),
        opened.site,
        Ids(),
        header=opened.header,
        test_ins=True,
        trace=True,
    )


def fold(contributions: list[Contribution]) -> list[Json]:
    """Fold as the store does: content-addressed resources are kept as they are."""
    return fold_alone(contributions)


def messages(case: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(case.glob("*.er7"))]


@cache
def mapped_case(case: Path) -> tuple[Conversion, ...]:
    return tuple(convert(raw) for raw in messages(case))


def everything(mapped: tuple[Conversion, ...]) -> list[Contribution]:
    return [part for one in mapped for part in one.contributions]


def rendered(case: Path) -> dict[str, Any]:
    mapped = mapped_case(case)
    issues = [issue for one in mapped for issue in one.issues]
    return {
        "bundle": assemble(fold(everything(mapped))),
        "flags": [flag for one in mapped for flag in one.flags],
        "issues": [f"{issue.code} {issue.severity.value} {issue.where}" for issue in issues],
    }


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def named(case: Path) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=named)
def test_case_gives_what_was_read_and_agreed(case: Path, request: pytest.FixtureRequest) -> None:
    got = json.dumps(rendered(case), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    expected = case / "expected.json"
    if request.config.getoption("--update-golden", default=False):
        expected.write_text(got, encoding="utf-8")

    assert json.loads(got) == json.loads(expected.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_messages_of_a_case_are_accepted_at_the_door(case: Path) -> None:
    verdicts = [judge(read(raw), processing_ids=frozenset({"T"})) for raw in messages(case)]

    assert {verdict.action for verdict in verdicts} == {Action.PROCESS}


@pytest.mark.parametrize("case", CASES, ids=named)
def test_resources_have_the_shape_of_fhir(case: Path) -> None:
    folded = fold(everything(mapped_case(case)))

    assert [str(issue) for one in folded for issue in shape.check(one)] == []
    assert [str(issue) for one in folded for issue in shape.full(one)] == []


def test_the_mended_case_breaks_one_value_of_its_type() -> None:
    folded = fold(said_itself(messages(FOLDER / MENDED)[0]).contributions)

    assert [issue.where for one in folded for issue in shape.check(one)] == [
        "Appointment.appointmentType.coding[0].code"
    ]


@pytest.mark.field("FL-219")
@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_reference_resolves_and_nothing_is_empty(case: Path) -> None:
    folded = fold(everything(mapped_case(case)))
    known = {f"{one['resourceType']}/{one['id']}" for one in folded}
    pairs = [pair for one in folded for pair in leaves(one)]

    assert {value for path, value in pairs if path.endswith("reference")} <= known
    assert [path for path, value in pairs if value in ("", None)] == []
    assert not re.search(r"(\{\}|\[\])", json.dumps(folded))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_value_of_a_message_is_explained(case: Path) -> None:
    unexplained = []
    for raw in messages(case):
        mapped = said_itself(raw)
        lines = {(line.resource, line.target) for line in mapped.trace}
        for resource in fold(mapped.contributions):
            name = f"{resource['resourceType']}/{resource['id']}"
            for path, _ in leaves(resource):
                steps = path.replace("[", ".[").split(".")
                above = {".".join(steps[: n + 1]).replace(".[", "[") for n in range(len(steps))}
                if path != "resourceType" and not any((name, one) in lines for one in above):
                    unexplained.append(f"{name} {path}")

    assert unexplained == []


@pytest.mark.field("FL-147")
@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_message_gives_the_same_alone_and_after_others(case: Path) -> None:
    raw = messages(case)[-1]
    fresh = build_converter(load(), clock=HandClock(), mappings=_mappings())

    assert fresh.convert(message(raw)).contributions == convert(raw).contributions


@pytest.mark.parametrize("case", CASES, ids=named)
def test_traced_and_untraced_conversions_are_equal(case: Path) -> None:
    raw = messages(case)[-1]

    assert convert(raw, trace=True).contributions == convert(raw).contributions


@pytest.mark.parametrize("case", CASES, ids=named)
def test_any_order_and_a_second_delivery_give_the_same(case: Path) -> None:
    mapped = mapped_case(case)
    orders = list(permutations(mapped))[:24]
    expected = assemble(fold(everything(mapped)))

    assert all(assemble(fold(everything(order))) == expected for order in orders)
    assert assemble(fold(everything((*mapped, *mapped)))) == expected


@pytest.mark.field("FL-117")
def test_provisional_identity_shows_no_ins() -> None:
    case = FOLDER / "adt_a01_provisional_identity_shows_no_ins"
    patient = next(p for p in fold(everything(mapped_case(case))) if p["resourceType"] == "Patient")
    roots = {f"urn:oid:{root}" for root in INS_ROOTS}

    assert not roots & {item["system"] for item in patient["identifier"]}
    assert [issue.code for issue in mapped_case(case)[0].issues] == ["RLS-INS-006"]
