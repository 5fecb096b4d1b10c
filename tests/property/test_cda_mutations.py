"""Bodies that are damaged in one place: no crash, what is good is kept, the finding is right."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.core.contributions import Mapped
from gateway.core.errors import RejectedError
from tests.golden.test_cda import FOLDER, convert, dangling, empties, wrong_shapes

CDA = "{urn:hl7-org:v3}"
NAMES = (
    "ldl_ses_home_with_follow_ups",
    "ldl_ees_planned_admission",
    "ips_fr_summary_with_a_plan",
    "ep_med_dm_prescription",
    "cr_bio_blood_and_urine",
    "dlu_of_a_nursing_home_resident",
)
NULLS = ("UNK", "NASK", "ASKU", "NAV", "MSK", "NA", "NI", "OTH")


@cache
def _body(name: str) -> bytes:
    return (FOLDER / name / "input.xml").read_bytes()


@cache
def _resources(name: str) -> dict[str, Any]:
    return _by_name(convert(_body(name)))


def _by_name(mapped: Mapped) -> dict[str, Any]:
    """Return what is said of each resource, documents and their bytes left out."""
    return {
        f"{part.target.type}/{part.target.id}#{part.ordinal}": part.resource
        for part in mapped.contributions
        if part.target.type not in ("Binary", "DocumentReference", "Provenance", "Composition")
    }


def _faults(body: bytes) -> list[str]:
    """Return what does not hold: it converts soundly, or is refused with code and place."""
    try:
        mapped = convert(body)
    except RejectedError as refused:
        return [f"{issue}" for issue in refused.issues if not issue.where]
    empty = [found for part in mapped.contributions for found in empties(part.resource)]
    return [*sorted(dangling(mapped)), *wrong_shapes(mapped), *map(str, empty)]


def _mutated(name: str, at: int, change: Callable[[Any], None]) -> bytes:
    root = etree.fromstring(_body(name))
    body = root.find(f"{CDA}component/{CDA}structuredBody")
    assert body is not None
    elements = [element for element in body.iter(etree.Element) if element is not body]
    change(elements[at % len(elements)])
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 100_000))
def test_one_element_is_missing(name: str, at: int) -> None:
    assert _faults(_mutated(name, at, lambda element: element.getparent().remove(element))) == []


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 100_000), st.sampled_from(NULLS))
def test_one_element_has_a_null_flavor_and_nothing_else(name: str, at: int, null: str) -> None:
    def clear(element: Any) -> None:
        for child in list(element):
            element.remove(child)
        element.attrib.clear()
        element.text = None
        element.set("nullFlavor", null)

    assert _faults(_mutated(name, at, clear)) == []


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.integers(0, 100_000),
    st.sampled_from(["code", "value", "unit", "root", "extension", "moodCode", "typeCode",
                     "codeSystem", "negationInd", "classCode"]),
    st.sampled_from(["ZZZ", "", "0", "-1", "1e999", "99999999", "é\u00a0\u2028", "true"]),
)  # fmt: skip
def test_one_attribute_says_something_else(name: str, at: int, attribute: str, value: str) -> None:
    assert _faults(_mutated(name, at, lambda element: element.set(attribute, value))) == []


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 100_000))
def test_one_type_is_left_out(name: str, at: int) -> None:
    xsi = "{http://www.w3.org/2001/XMLSchema-instance}type"

    def untype(element: Any) -> None:
        typed = [one for one in element.getroottree().iter(etree.Element) if one.get(xsi)]
        del typed[at % len(typed)].attrib[xsi]

    assert _faults(_mutated(name, at, untype)) == []


@pytest.mark.parametrize("name", NAMES)
def test_sections_in_another_order_give_the_same_resources(name: str) -> None:
    root = etree.fromstring(_body(name))
    body = root.find(f"{CDA}component/{CDA}structuredBody")
    assert body is not None
    body[:] = list(body)[::-1]

    found = _by_name(convert(etree.tostring(root)))

    assert _unordered(found) == _unordered(_resources(name))


def _unordered(resources: dict[str, Any]) -> dict[str, str]:
    """Return the resources with their lists sorted: reports list results in document order."""
    return {name: repr(_sorted(resource)) for name, resource in resources.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _sorted(item)) for key, item in value.items())
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=repr)
    return value


@pytest.mark.field("FL-178")
@pytest.mark.parametrize("name", NAMES)
def test_another_prefix_gives_the_same_resources(name: str) -> None:
    text = _body(name).decode()
    text = re.sub(r"<(/?)(?=[A-Za-z])(?![\w-]+:)", r"<\1x:", text)
    text = text.replace('xmlns="urn:hl7-org:v3"', 'xmlns:x="urn:hl7-org:v3"', 1)

    found = _by_name(convert(text.encode()))

    assert found == _resources(name)


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-15", "windows-1252", "UTF-16"])
@pytest.mark.parametrize("name", NAMES)
def test_another_encoding_gives_the_same_resources(name: str, encoding: str) -> None:
    text = _body(name).decode().replace('encoding="UTF-8"', f'encoding="{encoding}"', 1)

    found = _by_name(convert(text.encode(encoding, "xmlcharrefreplace")))

    assert found == _resources(name)


LDL = "ldl_ses_home_with_follow_ups"


@pytest.mark.parametrize(
    ("name", "old", "new", "code", "place"),
    [
        pytest.param(LDL, 'code="160849004"', 'code="ZZZ"', "RLS-MAP-002", "value/@code",
                     id="a discharge mode of no value set"),
        pytest.param(LDL, 'code="8715000"', 'code="ZZZ"', "RLS-MAP-002", "value/@code",
                     id="an admission mode of no value set"),
        pytest.param(LDL, 'code="ZBQK002" codeSystem="1.2.250.1.215.300.1"', 'code="ZBQK002"',
                     "RLS-CDA-020", "procedure/code", id="a code without its system"),
        pytest.param(LDL, '<effectiveTime value="20260319"/>', '<effectiveTime value="20260231"/>',
                     "RLS-CDA-019", "effectiveTime", id="a day that does not exist"),
        pytest.param(LDL, 'xsi:type="BL" value="true"', 'value="true"', "RLS-CDA-036", "value",
                     id="a value without its type"),
        pytest.param(LDL, 'typeCode="MFST" inversionInd="true">\n                    <observation',
                     'typeCode="MFST" inversionInd="true">\n<observation negationInd="true"',
                     "RLS-CDA-042", "observation", id="a reaction that did not happen"),
        pytest.param(LDL, '<effectiveTime value="20260312"/>\n              <value xsi:type="CE"'
                     ' code="160849004"', '<effectiveTime value="20250312"/>\n'
                     '<value xsi:type="CE" code="160849004"', "RLS-CDA-041", "effectiveTime",
                     id="a discharge a year before that of the header"),
        pytest.param("ep_med_dm_prescription", "iVBORw0KGgo", "PGh0bWw+",
                     "RLS-CDA-034 RLS-CDA-021",
                     "observationMedia/value", id="an image that is a page"),
        pytest.param(LDL, "<templateId root=\"1.2.250.1.213.1.1.3.62\"/>",
                     "<templateId root=\"1.2.250.1.213.1.1.3.999\"/>", "RLS-CDA-021",
                     "ClinicalDocument",
                     id="a procedure of a template nobody knows"),
    ],
)  # fmt: skip
def test_the_finding_names_what_is_wrong_and_where(
    name: str, old: str, new: str, code: str, place: str
) -> None:
    text = _body(name).decode()
    assert old in text
    before = {(issue.code, issue.where) for issue in convert(text.encode()).issues}

    after = {
        (issue.code, issue.where) for issue in convert(text.replace(old, new, 1).encode()).issues
    }

    found = after - before
    assert {issue[0] for issue in found} == set(code.split())
    assert any(where.endswith(place) for _, where in found)
