"""Whatever the bytes, the validator gives a report, in every form, and quotes no value."""

import json
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.conformance import reports
from tests.conftest import ROOT
from tests.unit.conformance.judging import LENIENT, STRICT, judged
from tests.unit.hl7v2.compose import PID, admission

_PIECES = (
    *(b"|", b"^", b"~", b"&", b"\\", b'""', b"\r", b"\n", b"\x00", b"\xff", b"MSH|", b"ZBE|"),
    *(b"OBX|1|ED|", b"PRT||UC||RCT", b"\\X4\\", b"20261399", b"99991231235959+2500", b"9" * 30),
)


@lru_cache
def messages() -> tuple[bytes, ...]:
    """Return the messages of our fixtures that are short enough to be changed quickly."""
    found = (path.read_bytes() for path in sorted((ROOT / "fixtures/hl7v2").glob("*/*.er7")))
    return tuple(body for body in found if len(body) < 6000)


@st.composite
def spoilt(draw):
    """Draw a message with some bytes put in, taken out or exchanged."""
    body = bytearray(draw(st.sampled_from(messages())))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(body)))
        if draw(st.booleans()):
            body[at:at] = draw(st.sampled_from(_PIECES))
        else:
            del body[at : at + draw(st.integers(1, 40))]
    return bytes(body)


@settings(max_examples=60, deadline=None)
@given(spoilt(), st.sampled_from([LENIENT, STRICT]))
def test_any_bytes_have_a_report_in_every_form(body, site):
    report = judged(body, site)

    assert report.answer in ("", "AA", "AE", "AR")
    assert all(f.issue.where and f.issue.what and f.issue.fix for f in report.findings)
    assert list(reports.as_text([report]))
    assert json.loads(reports.as_json([report]))["inputs"]
    assert json.loads(reports.as_sarif([report], "1"))["runs"]
    etree.fromstring(reports.as_junit([report]).encode())


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(range(1, 34)), st.text("QXZ", min_size=12, max_size=20))
def test_a_value_that_is_wrong_is_not_quoted(number, value):
    fields = PID.split("|")
    fields += [""] * (number + 1 - len(fields))
    fields[number] = value

    report = judged(admission(PID="|".join(fields)))

    assert value not in reports.as_json([report])
