"""What becomes of the header of every document, also of one that somebody spoiled."""

import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.cda.reader import read
from gateway.core.contributions import Mapped
from gateway.core.errors import RejectedError
from tests.conftest import ROOT, corpus
from tests.golden.test_cda import ACCEPTED, convert, dangling, empties, wrong_shapes
from tests.support.header_leaves import header_leaves, lost

PAGE = ROOT / "docs" / "reference" / "cda-header.md"
WHOLE = ROOT / "fixtures" / "cda" / "header_with_everybody_who_took_part" / "input.xml"
#: Without these there is no document to convert (CI-SIS Structuration minimale).
VITAL = {"id", "code", "effectiveTime", "recordTarget"}
#: Elements below the header whose loss, emptiness or nullFlavor is tried one by one.
PATHS = sorted({path.partition("/@")[0] for path, _, _ in header_leaves(read(WHOLE.read_bytes()))})


@cache
def excused() -> tuple[str, ...]:
    """Return the patterns of the page whose values are in no resource."""
    text = PAGE.read_text(encoding="utf-8").partition("## What goes nowhere")[2]
    return tuple(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def documents() -> list[Path]:
    """Return the fixtures and the published samples."""
    folder = corpus()
    samples = sorted((folder / "cda").glob("*.xml")) if folder else []
    own = [case / "input.xml" for case in ACCEPTED]
    return [path for path in own if "envelope:" not in _case(path)] + samples


def _case(path: Path) -> str:
    return (path.parent / "case.yaml").read_text(encoding="utf-8")


def _name(path: Path) -> str:
    return path.parent.name if path.name == "input.xml" else path.name


@pytest.mark.parametrize("path", documents(), ids=_name)
def test_every_value_of_a_header_is_carried_or_has_its_reason(path: Path) -> None:
    body = path.read_bytes()

    gone = lost(read(body), convert(body))

    assert [
        (place, value)
        for place, value in gone.items()
        if not any(fnmatchcase(place, pattern) for pattern in excused())
    ] == []


def test_every_reason_of_the_page_is_needed(corpus_folder: Path) -> None:
    gone = {
        place
        for path in documents()
        for place in lost(read(path.read_bytes()), convert(path.read_bytes()))
    }
    # A reason that begins with `*` is one for every kind of block; the documents show some of them.
    own = [pattern for pattern in excused() if not pattern.startswith("*")]

    assert [p for p in own if not any(fnmatchcase(place, p) for place in gone)] == []


# --- spoiled headers --------------------------------------------------------------------------


def _spoiled(change: str, path: str) -> bytes:
    """Return the whole header with every element at a path removed, emptied or made null."""
    root: Any = etree.fromstring(WHOLE.read_bytes())
    for element in _at(root, path):
        if change == "removed":
            element.getparent().remove(element)
            continue
        for name in list(element.attrib):
            del element.attrib[name]
        for child in list(element):
            element.remove(child)
        element.text = None
        if change == "null":
            element.set("nullFlavor", "UNK")
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _at(root: Any, path: str) -> list[Any]:
    found = [root]
    for name in path.split("/"):
        found = [child for one in found for child in one.iterchildren(f"{{*}}{name}")]
    return found


@pytest.mark.parametrize("change", ["removed", "empty", "null"])
@pytest.mark.parametrize("path", PATHS)
def test_a_spoiled_element_is_no_crash_and_the_rest_is_converted(path: str, change: str) -> None:
    body = _spoiled(change, path)
    try:
        mapped: Mapped | None = convert(body)
    except RejectedError as error:
        mapped = None
        places = [issue.where for issue in error.issues]
        assert all(place.startswith("/ClinicalDocument/") for place in places)
        assert path.partition("/")[0] in VITAL

    if mapped is not None:
        assert [e for part in mapped.contributions for e in empties(part.resource)] == []
        assert wrong_shapes(mapped) == []
        assert dangling(mapped) == set()
        types = {part.target.type for part in mapped.contributions}
        assert {"Patient", "DocumentReference", "Composition", "Provenance"} <= types


def _resources(mapped: Mapped) -> list[Any]:
    return sorted(
        (
            (part.target, part.ordinal, _plain(part.resource))
            for part in mapped.contributions
            if part.target.type not in ("Binary", "Provenance")
        ),
        key=str,
    )


def _plain(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without what is the bytes themselves."""
    return {name: value for name, value in resource.items() if name != "content"}


@pytest.mark.field("FL-178")
def test_another_prefix_changes_nothing() -> None:
    text = WHOLE.read_text(encoding="utf-8").partition("?>")[2].lstrip()
    start = text.index("<ClinicalDocument")
    prefixed = re.sub(r"<(/?)(?![/!?]|sdtc:|ps3-20:)", r"<\1c:", text[start:])
    prefixed = prefixed.replace('xmlns="urn:hl7-org:v3"', 'xmlns:c="urn:hl7-org:v3"')

    assert _resources(convert(prefixed.encode())) == _resources(convert(WHOLE.read_bytes()))


@pytest.mark.parametrize("encoding", ["UTF-16", "ISO-8859-15", "windows-1252"])
def test_another_encoding_changes_nothing(encoding: str) -> None:
    text = WHOLE.read_text(encoding="utf-8").replace('encoding="UTF-8"', f'encoding="{encoding}"')

    assert _resources(convert(text.encode(encoding))) == _resources(convert(WHOLE.read_bytes()))
