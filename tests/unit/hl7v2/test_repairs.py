"""Every repair has two cases: a lenient site reads the message with a flag, a strict one refuses.

The last tests find the flags in the code, so that a new repair without both cases is noticed.
"""

import ast
import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.hl7v2.ack import code_for
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site, Sites
from gateway.pipeline.convert import Converter
from gateway.pipeline.prepared import Prepared
from tests.conftest import ROOT
from tests.support.docs.markdown import cells
from tests.support.mail import messages
from tests.support.pipeline import START, HandClock
from tests.unit.hl7v2.compose import (
    EVN,
    PID,
    PV1,
    SHIFTED_ZBE,
    ZBE,
    admission,
    er7,
    msh,
    named,
    with_field,
    with_msh,
)


class Repair(NamedTuple):
    """One repair: what needs it, and how a strict site refuses it."""

    flag: str
    body: bytes
    issue: tuple[str, str, int]
    code: str = "AE"


def header(old: str, new: str) -> bytes:
    return admission(MSH=msh().replace(old, new, 1))


_TILDE = PID.replace("~2790", "\u02dc2790", 1)
_UNDECLARED = er7(with_msh(18, ""), EVN, PID.replace("CLAIRE", "CÉLIE"), PV1, ZBE)
_REPORT = "OBX|1|FT|A^B^L||voir https://x.example/a?b=1&c=2||||||F"


def _in_pieces() -> bytes:
    """Return a letter whose document comes in two OBX."""
    line = next(one for one in messages()[0].split(b"\r") if one.startswith(b"OBX|1|ED"))
    cut = line.index(b"^Base64^") + 400
    rest = line[: line.index(b"^Base64^") + 8] + line[cut:]
    first = line[:cut] + b"||||||F"
    return messages()[0].replace(line, first + b"\r" + rest, 1)


REPAIRS = [
    Repair(
        "ed-incomplete",
        messages()[0].replace(b"^text^XML^Base64^", b"^^^^", 1),
        ("RLS-HL7-020", "OBX[1]-5.2", 101),
    ),
    Repair("document-joined", _in_pieces(), ("RLS-HL7-042", "OBX[2]", 198)),
    Repair(
        "value-as-text",
        er7(
            msh("ORU^R01^ORU_R01"),
            PID,
            PV1,
            "ORC|RE",
            "OBR|1|||A^B^L",
            "OBX|1|NM|A^B^L||+++||||||F",
        ),
        ("RLS-HL7-029", "OBX[1]-5", 102),
    ),
    Repair("bom", b"\xef\xbb\xbf" + admission(), ("RLS-HL7-014", "MSH", 100)),
    Repair("control-char", header("RELAIS", "REL\x02AIS"), ("RLS-HL7-012", "MSH", 102)),
    Repair("msh2-repair", header("\\&", "\\\\&"), ("RLS-HL7-015", "MSH-2", 102)),
    Repair("msh2-short", header("~\\&", "~&"), ("RLS-HL7-015", "MSH-2", 102)),
    Repair(
        "segment-name-repair",
        admission(PV1=PV1.replace("PV1", "pv1")),
        ("RLS-HL7-011", "line 4", 100),
    ),
    Repair(
        "segment-name-repair",
        admission(PV1=PV1.replace("PV1", "PV1 ")),
        ("RLS-HL7-011", "line 4", 100),
    ),
    Repair(
        "segment-continuation",
        admission(PID=PID.replace("rue du Test", "rue du\rTest")),
        ("RLS-HL7-010", "line 4", 100),
    ),
    Repair("tilde-repair", admission(PID=_TILDE), ("RLS-HL7-013", "PID-3", 102)),
    Repair(
        "unescaped-delimiter",
        er7(msh(), EVN, PID, PV1, ZBE, _REPORT),
        ("RLS-HL7-016", "MSH-2", 102),
    ),
    Repair("msh18-repair", admission(MSH=msh(charset="utf8")), ("RLS-HL7-009", "MSH-18", 103)),
    Repair(
        "msh18-repair",
        admission(MSH=msh(charset="8859/1~UNICODE UTF-8")),
        ("RLS-HL7-009", "MSH-18", 103),
    ),
    Repair("msh18-unknown", admission(MSH=msh(charset="GB 18030")), ("RLS-HL7-009", "MSH-18", 103)),
    Repair("charset-undeclared", _UNDECLARED, ("RLS-HL7-008", "MSH-18", 102)),
    Repair("charset_fallback", named("CÉLIE", "8859/15", "utf-8"), ("RLS-HL7-008", "MSH-18", 102)),
    Repair("zbe-shifted", admission(ZBE=SHIFTED_ZBE), ("RLS-HL7-033", "ZBE-4", 101)),
    Repair("zbe-missing", admission(ZBE=None), ("RLS-HL7-032", "ZBE", 100)),
    Repair(
        "zbe-action-assumed", admission(ZBE=with_field(ZBE, 4, "")), ("RLS-HL7-020", "ZBE-4", 101)
    ),
    Repair(
        "visit-from-account",
        admission(PV1=with_field(PV1, 19, "")),
        ("RLS-HL7-020", "PV1-19", 101),
    ),
]

#: Flags that tell what was seen and change nothing of the message, so that a strict site takes it.
REMARKS = {
    "cancel-without-original": "told by the store; a strict site refuses it there (204)",
    "identity-discontinuity": "told by the store; whose identity it is, is for a person to say",
    "external-content": "what it points to is never fetched; a strict site refuses it (FL-162)",
    "merged-id-used": "told by the store; the record that stands for it is known",
    "parent-unknown": "the replaced version may come later",
    "charset-suspect": "the bytes are valid in the declared character set",
    "frame-end": "the frame is whole; its CR belongs to the transport",
    "mllp-in-http": "the message is whole inside the frame bytes",
    "batch": "the message came in a batch",
    "duplicate": "the message was taken before",
    "control-id-reused": "decided by control_id_reuse of the site",
    "ack-downgraded": "told by the answer, not by the message",
    "sender-not-allowed": "always refused",
    "future-event": "a date may be right and late",
    "unmapped-uf": "the site table lacks the unit",
}


@lru_cache
def converter(leniency: str) -> Converter:
    mappings = load_mappings()
    mappings.sites = Sites([Site.model_validate({"name": "default", "leniency": leniency})])
    return build_converter(load(), clock=HandClock(), mappings=mappings)


def prepared(body: bytes, leniency: str) -> Prepared:
    made = converter(leniency)
    return made.prepare(made.open(RawMessage(body, Channel.MLLP, START)))


def each(repairs=REPAIRS):
    return [pytest.param(one, id=f"{one.flag} {one.issue[1]}") for one in repairs]


def test_the_message_all_cases_are_made_of_needs_no_repair():
    for leniency in ("lenient", "strict"):
        found = prepared(admission(), leniency)

        assert found.status is InboxStatus.CONVERTED
        assert {"unmapped-uf"} >= set(found.flags) - {"future-event"}


@pytest.mark.parametrize("case", each())
def test_a_lenient_site_repairs_and_flags(case):
    found = prepared(case.body, "lenient")

    assert found.status is InboxStatus.CONVERTED
    assert case.flag in found.flags


@pytest.mark.parametrize("case", each())
def test_a_strict_site_refuses_what_would_be_repaired(case):
    found = prepared(case.body, "strict")

    told = [(one.code, one.where, one.hl7_code) for one in found.issues if one.severity.refuses]
    assert found.status is InboxStatus.QUARANTINED
    assert case.issue in told
    assert code_for(found.issues) == case.code


#: What a movement, a document or a value lacks is seen where a refused message does not come.
_SEEN_LATE = (
    *("zbe-shifted", "zbe-missing", "zbe-action-assumed", "visit-from-account"),
    *("ed-incomplete", "document-joined", "value-as-text"),
)


@pytest.mark.parametrize("case", each([one for one in REPAIRS if one.flag not in _SEEN_LATE]))
def test_a_refused_message_keeps_the_flag_of_what_was_seen(case):
    assert case.flag in prepared(case.body, "strict").flags


@pytest.mark.parametrize("leniency", ["lenient", "strict"])
@pytest.mark.field("FL-056")
def test_a_wrong_structure_is_no_repair_since_the_event_decides(leniency):
    wrong = prepared(admission(MSH=msh("ADT^A01^ADT_A05")), leniency)
    missing = prepared(admission(MSH=msh("ADT^A01")), leniency)

    assert (wrong.status, missing.status) == (InboxStatus.CONVERTED,) * 2
    assert [(one.code, one.where) for one in wrong.issues] == [("RLS-HL7-031", "MSH-9.3")]
    assert missing.issues == ()


# Completeness.

_FLAG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_FOLDERS = ("gateway/hl7v2", "gateway/pipeline")
_DOORS = ("gateway/entry/api/hl7v2.py", "gateway/entry/api/batches.py")


def _is_flags(node: ast.AST) -> bool:
    name = ast.unparse(node).rpartition(".")[2].lower()
    return name in ("flag", "flags") or name.startswith("flag_")


def _constants(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _said(node: ast.AST) -> Iterator[str]:
    """Yield texts that stand where a flag is made: assigned, appended, given, or in a tuple."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(_is_flags(target) for target in targets):
            yield from _constants(node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        of_flags = node.func.attr == "append" and _is_flags(node.func.value)
        if of_flags or node.func.attr == "with_flags":
            for argument in node.args:
                yield from _constants(argument)
    elif isinstance(node, ast.keyword) and node.arg == "flags":
        yield from _constants(node.value)
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        for part in ast.walk(node.value):
            if isinstance(part, ast.Tuple) and len(part.elts) == 1:
                yield from _constants(part) if isinstance(part.elts[0], ast.Constant) else ()


def _is_codec(text: str) -> bool:
    try:
        codecs.lookup(text)
    except LookupError:
        return False
    return True


def flags_of(source: str) -> set[str]:
    """Return the flags that a module makes."""
    nodes = list(ast.walk(ast.parse(source)))
    texts = {text for node in nodes for text in _said(node)}
    return {text for text in texts if _FLAG.fullmatch(text) and not _is_codec(text)}


def made() -> set[str]:
    """Return the flags that the reader, the adapters, the pipeline and the doors make."""
    paths: list[Path] = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py")]
    paths += [ROOT / door for door in _DOORS]
    return {flag for path in paths for flag in flags_of(path.read_text(encoding="utf-8"))}


def test_every_flag_is_a_repair_with_both_cases_or_a_remark():
    told = {one.flag for one in REPAIRS} | set(REMARKS)

    assert made() - told == set()


def test_every_flag_told_here_is_made_somewhere():
    assert ({one.flag for one in REPAIRS} | set(REMARKS)) - made() == set()


def test_every_repair_is_documented_with_its_refusal():
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = [cells(line) for line in page.splitlines() if line.startswith("| ")]

    told = {(row[0], row[2]) for row in rows if len(row) == 3}
    assert {(one.flag, one.issue[0]) for one in REPAIRS} - told == set()


@pytest.mark.parametrize(
    "source",
    [
        "flags.append('new-repair')",
        "FLAG_NEW = 'new-repair'",
        "FLAG = 'new-repair'",
        "message.with_flags('new-repair')",
        "flags = (*flags, 'new-repair')",
        "mapped.flags += ['new-repair']",
        "Prepared(opened, flags=('new-repair',))",
        "def f():\n    return text, codec, ('new-repair',) if x else ()",
    ],
)
def test_a_flag_is_found_however_it_is_made(source):
    assert flags_of(source) == {"new-repair"}
