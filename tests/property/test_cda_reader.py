"""Whatever the bytes, reading and converting a document ends in a result or a refusal."""

from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cda import adapter
from gateway.cda.reader import Document, read
from gateway.core.errors import RejectedError
from gateway.fhir.identity import Ids
from gateway.mapping.loader import Mappings, load_mappings

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "cda"
LETTER = (FIXTURES / "ldl_ses_home_with_follow_ups" / "input.xml").read_bytes()
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@cache
def _mappings() -> Mappings:
    return load_mappings()


@cache
def _plans() -> adapter.Plans:
    return adapter.compile_plans(_mappings())


def _ends_well(body: bytes) -> bool:
    """Tell whether the bytes are refused with a place, or read and converted."""
    try:
        document = read(body)
        assert isinstance(document, Document)
        mapped = adapter.contribute(
            document, _plans(), _mappings().sites.default, Ids(), digest="0" * 64
        )
    except RejectedError as refused:
        return all(issue.where and issue.fix for issue in refused.issues)
    return bool(mapped.contributions)


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    assert _ends_well(body)


@QUICK
@given(st.binary(max_size=120))
def test_any_bytes_behind_a_prolog_are_refused_or_read(body: bytes) -> None:
    assert _ends_well(b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3">' + body)


@QUICK
@given(st.integers(0, len(LETTER) - 1))
def test_a_letter_cut_anywhere_is_refused(size: int) -> None:
    cut = LETTER[:size].rstrip()

    assert cut == LETTER.rstrip() or _is_refused(cut)


@QUICK
@given(st.integers(0, len(LETTER) - 1), st.binary(min_size=1, max_size=3))
def test_a_letter_with_changed_bytes_is_refused_or_converted(at: int, change: bytes) -> None:
    assert _ends_well(LETTER[:at] + change + LETTER[at + len(change) :])


def _is_refused(body: bytes) -> bool:
    try:
        read(body)
    except RejectedError:
        return True
    return False
