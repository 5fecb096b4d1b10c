"""A discharge letter without fault, and the same with texts replaced."""

from functools import lru_cache

from gateway.cda.reader import Document, read
from gateway.conformance.cda.profiles import CdaProfiles, load_cda_profiles
from gateway.conformance.cda.validate import CdaValidator
from gateway.conformance.cda.value_sets import ValueSets
from gateway.conformance.finding import Report
from tests.conftest import ROOT

CASES = ROOT / "fixtures" / "validation"
SOUND = (CASES / "sound_discharge_letter" / "input.xml").read_bytes()
Change = tuple[str, str]


def changed(*changes: Change, body: bytes = SOUND) -> bytes:
    """Return the letter with texts replaced, each of which must be there."""
    for old, new in changes:
        assert old.encode() in body, old
        body = body.replace(old.encode(), new.encode(), 1)
    return body


def letter(*changes: Change) -> Document:
    """Read the letter with texts replaced."""
    return read(changed(*changes))


@lru_cache
def profiles() -> CdaProfiles:
    """Return our profiles, read once."""
    return load_cda_profiles()


def judged(body: bytes, lists: ValueSets | None = None) -> Report:
    """Return the report on a document."""
    return CdaValidator(profiles(), "0", lists).validate(body, name="letter.xml")


def found(body: bytes, lists: ValueSets | None = None) -> dict[tuple[str, str], str]:
    """Return severity by code and place."""
    return {
        (one.issue.code, one.issue.where): str(one.issue.severity)
        for one in judged(body, lists).findings
    }
