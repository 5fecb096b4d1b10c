"""Every code, date, quantity and name of the coded entries of cancer documents is carried.

Each entry is converted alone, so that a value cannot be found because another entry has it. What is
not carried is in a table with its reason; a row that explains nothing fails too.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lxml import etree

from gateway.core.timestamps import parse_timestamp
from gateway.pipeline.folds import fold_alone
from tests.golden.test_cda import FOLDER, convert

_CDA = "{urn:hl7-org:v3}"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_TIMES = {"effectiveTime", "low", "high", "time", "center"}
_QUANTITIES = {"PQ", "INT"}
_DATED = {"TS", "EIVL_TS", "IVL_TS"}
#: The narrative says everything again, and the header is no entry: they prove nothing.
_NO_ENTRY = {"Composition", "Binary", "Provenance", "DocumentReference"}
FIXTURES = [
    "pps_programme_with_done_and_planned_lines",
    "pps_version_2_drops_and_completes_lines",
    "frcp_organ_case_discussed_in_first_line",
    "frcp_transversal_case_asks_for_supportive_care",
]
CORPUS = [
    "CANCER-PPS_2022.01_feuille-de-style-externe.xml",
    "CANCER-FRCP_2022.01_Appareil.xml",
]


class Leaf(NamedTuple):
    """One value of an entry.

    Attributes:
        path: names of the elements from the entry on.
        owner: code of the statement it belongs to.
        kind: code, date, quantity or name.
        value: as written.
    """

    path: str
    owner: str
    kind: str
    value: str


class Reason(NamedTuple):
    """Why leaves are not carried; an empty part fits any leaf.

    Attributes:
        within: somewhere in the path.
        issue: only for documents that give this issue.
    """

    why: str
    ends: str = ""
    owner: str = ""
    kind: str = ""
    value: str = ""
    within: str = ""
    issue: str = ""

    def explains(self, leaf: Leaf, issues: set[str]) -> bool:
        return (
            leaf.path.endswith(self.ends)
            and self.within in leaf.path
            and (not self.issue or self.issue in issues)
            and self.owner in ("", leaf.owner)
            and self.kind in ("", leaf.kind)
            and self.value in ("", leaf.value)
        )


NOT_CARRIED = [
    Reason("the words are a note, which needs no code", "act/code", value="48767-8"),
    Reason("a comment whose reference dangles has a date and no words", "entry/act/effectiveTime"),
    Reason("its dates are the occurrence or the planned-period", "code", value="GEN-177"),
    Reason("a rhythm that is denied says nothing", "observation/code", value="ORG-004"),
    Reason("the side is a coding of the site", "targetSiteCode/qualifier/name", value="20228-3"),
    Reason("the stage is the value", "value/qualifier/name", value="21909-7"),
    Reason("DocumentReference.docStatus and Composition.status", owner="GEN-065"),
    Reason(
        "a kind of structure, which the structure of the document has in practiceSetting",
        "representedOrganization/standardIndustryClassCode",
    ),
    Reason(
        "who took a sample is named only: the number is often another person's",
        "participant/participantRole/code",
    ),
    Reason(
        "a number that several people have: the name that came first is kept",
        kind="name",
        within="/assigned",
        issue="RLS-CDA-022",
    ),
    Reason("the type of a document that is named by its number", "externalDocument/code"),
]


def _body(name: str, request: pytest.FixtureRequest) -> bytes:
    if name in FIXTURES:
        return (FOLDER / name / "input.xml").read_bytes()
    folder: Path = request.getfixturevalue("corpus_folder")
    return (folder / "cda" / name).read_bytes()


def _entries(root: Any) -> list[Any]:
    return list(root.iter(f"{_CDA}entry"))


def _alone(body: bytes, kept: int | None) -> list[dict[str, Any]]:
    """Convert a document with one of its entries, or with none."""
    root = etree.fromstring(body)
    for number, entry in enumerate(_entries(root)):
        if number != kept:
            entry.getparent().remove(entry)
    made = fold_alone(convert(etree.tostring(root)).contributions)
    return [one for one in made if one["resourceType"] not in _NO_ENTRY]


def leaves(entry: Any) -> Iterator[Leaf]:
    """Give the values of an entry, narrative aside."""
    for element in entry.iter(etree.Element):
        name = etree.QName(element).localname
        path = _path(element, entry)
        if "/text" in path or name in ("templateId", "id", "statusCode", "entry"):
            continue
        owner = _owner(element, entry)
        kind = (element.get(_XSI_TYPE) or "").rpartition(":")[2]
        if element.get("code"):
            yield Leaf(path, owner, "code", element.get("code"))
        if element.get("value") and (name in _TIMES or kind in _DATED):
            yield Leaf(path, owner, "date", element.get("value"))
        elif element.get("value") and kind in _QUANTITIES:
            yield Leaf(path, owner, "quantity", element.get("value"))
        words = " ".join((element.text or "").split())
        if words and name in ("family", "given", "name", "desc"):
            yield Leaf(path, owner, "name", words)


def _path(element: Any, entry: Any) -> str:
    names = [etree.QName(element).localname]
    while element is not entry:
        element = element.getparent()
        names.append(etree.QName(element).localname)
    return "/".join(reversed(names))


def _owner(element: Any, entry: Any) -> str:
    while element is not entry:
        code = element.find(f"{_CDA}code")
        if code is not None and etree.QName(element).localname not in ("assignedEntity",):
            return str(code.get("code") or "")
        element = element.getparent()
    return ""


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("description", "system", "url"):
                yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
    else:
        yield value


def _may_tell(resource: dict[str, Any]) -> bool:
    """Tell whether a resource may hold what an entry says; those of the header may not."""
    return resource["resourceType"] in {
        "Condition", "Observation", "Organization", "Practitioner", "PractitionerRole",
    }  # fmt: skip


def _reached(changed: list[dict[str, Any]], made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return resources with those they point to, and so on."""
    known = {f"{one['resourceType']}/{one['id']}": one for one in made if _may_tell(one)}
    found = {f"{one['resourceType']}/{one['id']}": one for one in changed}
    todo = list(found.values())
    while todo:
        for value in list(_values(todo.pop())):
            if value in known and value not in found:
                found[value] = known[value]
                todo.append(known[value])
    return list(found.values())


def _is_found(leaf: Leaf, said: set[Any], words: str) -> bool:
    if leaf.kind == "date":
        return parse_timestamp(leaf.value).text_fhir in said
    if leaf.kind == "quantity":
        return float(leaf.value) in said
    return leaf.value in said or (leaf.kind == "name" and leaf.value in words)


@cache
def missing(body: bytes) -> tuple[Leaf, ...]:
    """Return the leaves of a document that its output lacks."""
    before = _alone(body, None)
    lost: list[Leaf] = []
    for number, entry in enumerate(_entries(etree.fromstring(body))):
        made = _alone(body, number)
        told = _reached([one for one in made if one not in before], made)
        said = {value for one in told for value in _values(deepcopy(one))}
        words = " ".join(value for value in said if isinstance(value, str))
        lost += [leaf for leaf in leaves(entry) if not _is_found(leaf, said, words)]
    return tuple(lost)


def _issues(body: bytes) -> set[str]:
    return {issue.code for issue in convert(body).issues}


@pytest.mark.field("FL-180")
@pytest.mark.parametrize("name", [*FIXTURES, *CORPUS])
def test_what_is_not_carried_has_a_reason(name: str, request: pytest.FixtureRequest) -> None:
    body = _body(name, request)

    lost, issues = missing(body), _issues(body)

    reasons = {leaf: [one for one in NOT_CARRIED if one.explains(leaf, issues)] for leaf in lost}
    assert [leaf for leaf, found in reasons.items() if not found] == []


def test_every_reason_explains_something(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("corpus_folder")
    bodies = [_body(name, request) for name in (*FIXTURES, *CORPUS)]

    lost = [(leaf, _issues(body)) for body in bodies for leaf in missing(body)]

    assert [one for one in NOT_CARRIED if not any(one.explains(*leaf) for leaf in lost)] == []


def test_a_value_that_is_lost_is_noticed() -> None:
    body = (FOLDER / FIXTURES[0] / "input.xml").read_bytes()
    told = body.replace(b'code="PAT-024"', b'code="PAT-024" nullFlavor="NI"')
    unknown = told.replace(b'<targetSiteCode code="C50.4"', b'<siteCode code="C50.4"', 1).replace(
        b"</targetSiteCode>", b"</siteCode>", 1
    )

    assert "C50.4" in {leaf.value for leaf in missing(unknown)}
