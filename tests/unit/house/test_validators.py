"""What judges resources is pinned: a verdict changes by a change of this tree, never over night."""

import re
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT

_POM = ROOT / "tests" / "official" / "pom.xml"
_MAVEN = "{http://maven.apache.org/POM/4.0.0}"
_EXACT = re.compile(r"\d+\.\d+\.\d+")


@pytest.mark.field("FL-234")
def test_the_official_validator_has_one_exact_version():
    root = ElementTree.parse(_POM).getroot()  # noqa: S314 (a file of this tree)
    known = {
        f"${{{one.tag.removeprefix(_MAVEN)}}}": one.text
        for one in root.iterfind(f"{_MAVEN}properties/*")
    }
    told = [one.text for one in root.iterfind(f"{_MAVEN}dependencies/*/{_MAVEN}version")]

    versions = {known.get(text, text) for text in told}

    assert len(told) > 3
    assert len(versions) == 1
    assert all(_EXACT.fullmatch(text) for text in versions)


@pytest.mark.field("FL-234")
def test_our_second_opinions_are_pinned_with_their_hashes():
    lines = (ROOT / "requirements.lock").read_text().splitlines()

    for name in ("pyrofile-validator", "fhirpathpy", "hl7apy"):
        (at,) = [i for i, line in enumerate(lines) if line.startswith(f"{name}==")]
        assert "--hash=sha256:" in "".join(lines[at : at + 2])
