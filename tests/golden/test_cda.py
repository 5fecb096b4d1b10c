"""Every folder of fixtures/cda, converted and compared; and what holds for all of them."""

import json
from base64 import b64decode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cda import adapter
from gateway.cda.reader import read
from gateway.core.contributions import Contribution, Mapped, Target
from gateway.core.envelope import Envelope
from gateway.core.errors import RejectedError
from gateway.fhir import shape
from gateway.fhir.identity import Ids
from gateway.hl7v2 import envelope
from gateway.hl7v2.reader import read as read_hl7
from gateway.mapping.loader import load_mappings

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "cda"
CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
ACCEPTED = [path for path in CASES if not path.name.endswith("refused")]
REFUSED = [path for path in CASES if path.name.endswith("refused")]


@cache
def _mappings() -> Any:
    return load_mappings()


@cache
def _plans() -> adapter.Plans:
    return adapter.compile_plans(_mappings())


def _envelope(case: Path) -> Envelope | None:
    said = yaml.safe_load((case / "case.yaml").read_text(encoding="utf-8")).get("envelope")
    if said is None:
        return None
    pairs = (item.split(" ", 1) for item in said["identifiers"])
    return Envelope(
        patient=Target("Patient", said["patient"]),
        identifiers=tuple((root, value) for root, value in pairs),
        ins_vouched=said["ins_vouched"] == "true",
    )


def convert(body: bytes, around: Envelope | None = None, *, trace: bool = False) -> Mapped:
    """Convert one document as the pipeline does."""
    digest = sha256(body).hexdigest()
    site = _mappings().sites.default
    return adapter.contribute(
        read(body), _plans(), site, Ids(), digest=digest, envelope=around, trace=trace
    )


def _shown(part: Contribution) -> dict[str, Any]:
    resource = dict(part.resource)
    if "data" in resource:
        # Bytes are compared by their hash: a diff of base64 tells a reader nothing.
        resource["data"] = f"sha256 {sha256(b64decode(resource['data'])).hexdigest()}"
    shown: dict[str, Any] = {"version": part.version.key().rpartition("|")[0], "resource": resource}
    if part.ordinal:
        shown["ordinal"] = part.ordinal
    if part.annotates:
        shown["annotates"] = True
    if part.kind != "own":
        shown["kind"] = part.kind.value
    return shown


def rendered(mapped: Mapped) -> dict[str, Any]:
    """Give what the expected file holds."""
    return {
        "contributions": [_shown(part) for part in mapped.contributions],
        "flags": mapped.flags,
        "issues": [f"{issue.code} {issue.severity.value} {issue.where}" for issue in mapped.issues],
    }


def _compare(got: Any, expected: Path, request: pytest.FixtureRequest) -> None:
    text = json.dumps(got, indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--update-golden", default=False):
        expected.write_text(text, encoding="utf-8")
    assert expected.exists(), f"run `make golden` and read the diff of {expected.parent.name}"
    assert json.loads(text) == json.loads(expected.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("case", ACCEPTED, ids=_name)
def test_document_gives_the_expected_contributions(
    case: Path, request: pytest.FixtureRequest
) -> None:
    mapped = convert((case / "input.xml").read_bytes(), _envelope(case))

    _compare(rendered(mapped), case / "expected.json", request)


@pytest.mark.parametrize("case", REFUSED, ids=_name)
def test_document_is_refused_with_code_place_and_fix(
    case: Path, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(RejectedError) as refused:
        convert((case / "input.xml").read_bytes(), _envelope(case))

    got = [
        {
            "code": issue.code,
            "where": issue.where,
            "fix": issue.fix,
            "hl7_code": issue.hl7_code,
            "hl7_user_code": issue.hl7_user_code,
        }
        for issue in refused.value.issues
    ]
    _compare(got, case / "issues.json", request)


def _leaves(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [
            leaf
            for key, item in value.items()
            for leaf in _leaves(item, f"{path}.{key}" if path else key)
        ]
    if isinstance(value, list):
        return [leaf for at, item in enumerate(value) for leaf in _leaves(item, f"{path}[{at}]")]
    return [path]


def unexplained(mapped: Mapped) -> list[str]:
    """Return the leaves no trace line explains."""
    lines: dict[str, list[str]] = {}
    for line in mapped.trace:
        lines.setdefault(line.resource, []).append(line.target)
    missing = []
    for part in mapped.contributions:
        name = f"{part.target.type}/{part.target.id}"
        for leaf in _leaves(part.resource):
            known = lines.get(name, ())
            if leaf != "resourceType" and not any(
                leaf == target or leaf.startswith((f"{target}.", f"{target}[")) for target in known
            ):
                missing.append(f"{name} {leaf}")
    return missing


def empties(value: Any, path: str = "") -> list[str]:
    """Return the places of empty objects, lists and texts."""
    if value in ("", [], {}, None):
        return [path]
    if isinstance(value, dict):
        return [e for key, item in value.items() for e in empties(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [e for at, item in enumerate(value) for e in empties(item, f"{path}[{at}]")]
    return []


def references(value: Any) -> list[str]:
    """Return every literal reference, those of attachments included."""
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        own += [value["url"]] if str(value.get("url", "")).startswith("Binary/") else []
        return own + [found for item in value.values() for found in references(item)]
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    return []


def dangling(mapped: Mapped) -> set[str]:
    """Return references to what the document does not make: other inputs may never come."""
    made = {
        f"{part.target.type}/{part.target.id}"
        for part in mapped.contributions
        if not part.annotates
    }
    said = {found for part in mapped.contributions for found in references(part.resource)}
    contained = {
        f"#{one['id']}"
        for part in mapped.contributions
        for one in part.resource.get("contained", ())
    }
    return said - made - contained


def wrong_shapes(mapped: Mapped) -> list[str]:
    """Return what the FHIR shape check finds in resources that are whole."""
    partial = {part.target for part in mapped.contributions if part.annotates or part.ordinal}
    return [
        f"{part.target.type} {issue.where} {issue.what}"
        for part in mapped.contributions
        if not part.annotates and not part.ordinal
        for issue in shape.check(part.resource)
        if part.target not in partial or issue.severity.refuses
    ]


@pytest.mark.parametrize("case", ACCEPTED, ids=_name)
def test_every_value_is_explained_and_nothing_is_empty(case: Path) -> None:
    mapped = convert((case / "input.xml").read_bytes(), _envelope(case), trace=True)

    assert unexplained(mapped) == []
    assert [e for part in mapped.contributions for e in empties(part.resource)] == []


@pytest.mark.parametrize("case", ACCEPTED, ids=_name)
def test_references_resolve_and_resources_are_fhir(case: Path) -> None:
    mapped = convert((case / "input.xml").read_bytes(), _envelope(case))

    assert dangling(mapped) == set()
    assert wrong_shapes(mapped) == []


@pytest.mark.parametrize("case", ACCEPTED, ids=_name)
def test_same_bytes_give_the_same_contributions_traced_or_not(case: Path) -> None:
    body = (case / "input.xml").read_bytes()

    once, twice = convert(body, _envelope(case)), convert(body, _envelope(case), trace=True)

    assert once.contributions == twice.contributions
    assert once.issues == twice.issues


def _around(body: bytes) -> Envelope:
    """Build the envelope of a message about the patient of the document."""
    return Envelope(
        patient=Target("Patient", "of-the-message"), identifiers=adapter.identifiers(read(body))
    )


def test_documents_inside_published_messages_convert(corpus_folder: Path) -> None:
    names = ("mdm_t02_lps_from_mssante", "mdm_t02_radio_initial", "mdm_t10_radio_replace",
             "oru_r01_lab_initial")  # fmt: skip
    documents = [
        carried.body
        for name in names
        for carried in envelope.documents(
            read_hl7((corpus_folder / "hl7v2" / f"{name}.er7").read_bytes())
        )
    ]

    converted = [convert(body, _around(body), trace=True) for body in documents]

    assert len(converted) == len(names)
    assert [line for mapped in converted for line in unexplained(mapped)] == []
    assert [line for mapped in converted for line in dangling(mapped)] == []
    assert [line for mapped in converted for line in wrong_shapes(mapped)] == []


@pytest.mark.long
def test_every_published_document_converts(corpus_folder: Path) -> None:
    files = sorted((corpus_folder / "cda").glob("*.xml"))

    converted = {file.name: convert(file.read_bytes(), trace=True) for file in files}

    assert len(converted) == 13
    assert [line for mapped in converted.values() for line in unexplained(mapped)] == []
    assert [name for name, mapped in converted.items() if dangling(mapped)] == []
    assert [line for mapped in converted.values() for line in wrong_shapes(mapped)] == []
    assert [
        place
        for mapped in converted.values()
        for part in mapped.contributions
        for place in empties(part.resource)
    ] == []
