"""Converts and judges one input as the doors do, and says where each value comes from.

Runs in the process of the workbench (`bench.process`); keeps nothing. The functions are those of
`relais convert --explain` and `relais validate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from gateway import __version__
from gateway.cda.document import Document
from gateway.conformance.cda.profiles import load_cda_profiles
from gateway.conformance.cda.validate import CdaValidator
from gateway.conformance.finding import Finding, Report
from gateway.conformance.profiles import load_profiles
from gateway.conformance.validate import Validator
from gateway.core.contributions import Json, TraceLine
from gateway.core.coverage import SectionCoverage
from gateway.core.errors import RejectedError
from gateway.core.facts import Assertion, Op
from gateway.core.issues import Issue
from gateway.core.messages import InboxStatus, RawMessage
from gateway.entry.bench.explained import made_of, resolver
from gateway.entry.bench.inputs import Kind, channel_of
from gateway.entry.bench.jobs import Look, Tree
from gateway.entry.bench.shown import Sheet, placed
from gateway.entry.bench.study import Found, Study
from gateway.entry.judging import PROCESSING_IDS, Judge, build_converter
from gateway.entry.judging_documents import DocumentJudge, value_sets_of
from gateway.entry.judging_resources import build_resource_judge
from gateway.entry.settings import Settings
from gateway.entry.unread import unread_fields
from gateway.entry.web.segments import segments, shown_text
from gateway.fhir import bundle
from gateway.hl7v2 import adapter as hl7_adapter
from gateway.hl7v2.message import Message
from gateway.mapping.loader import Mappings, load_mappings
from gateway.pipeline.convert import Conversion, Converter
from gateway.pipeline.folds import fold_alone
from gateway.pipeline.mend import fit_alone
from gateway.pipeline.prepared import Prepared

_TEXT = 16 * 1024


@dataclass(slots=True)
class Made:
    """What an input became, before anything is shown of it.

    Attributes:
        prepared: as the doors have it.
        resources: folded.
        trace: of their values.
        coverage: what became of the sections of its documents.
    """

    prepared: Prepared
    resources: list[Json] = field(default_factory=list)
    trace: Sequence[TraceLine] = ()
    coverage: tuple[SectionCoverage, ...] = ()


class Studies:
    """Looks at inputs; remembers the mappings it has read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mappings = lru_cache(maxsize=4)(self._read)
        self._converter = lru_cache(maxsize=8)(self._built)
        self._plans = lru_cache(maxsize=4)(
            lambda tree: hl7_adapter.compile_plans(self._mappings(tree))
        )
        self._messages = Validator(load_profiles(), PROCESSING_IDS)
        self._documents = CdaValidator(
            load_cda_profiles(), __version__, value_sets_of(settings.cda)
        )

    def _read(self, tree: Tree) -> Mappings:
        return load_mappings(tree.folder, dict(tree.drafts))

    def _built(self, tree: Tree, site: str) -> Converter:
        return build_converter(self._settings, site or None, self._mappings(tree))

    def mappings(self, tree: Tree) -> Mappings:
        """Return the mappings of a tree.

        Raises:
            FatalError: a file of it is wrong.
        """
        return self._mappings(tree)

    def made(self, look: Look, *, trace: bool = False) -> Made:
        """Convert an input as if no other were stored.

        Raises:
            FatalError: a mapping file is wrong, or there is no such site.
        """
        converter = self._converter(look.tree, look.site)
        opened = converter.open(RawMessage(look.body, channel_of(look.body), look.now))
        prepared = fit_alone(converter, converter.prepare(opened))
        if prepared.status is not InboxStatus.CONVERTED:
            return Made(prepared)
        told = converter.explained(opened) if trace else Conversion()
        return Made(prepared, fold_alone(prepared.contributions), told.trace, told.coverage)

    def study(self, look: Look) -> Study:
        """Look at an input.

        Raises:
            FatalError: a mapping file is wrong, or there is no such site.
        """
        if look.kind is Kind.FHIR:
            return self._resource(look)
        made = self.made(look, trace=True)
        prepared = made.prepared
        if look.kind is Kind.CDA:
            judge = DocumentJudge(self._documents, self._converter(look.tree, look.site), None)
            report = judge.report(prepared, "")
        else:
            message_judge = Judge(self._messages, self._converter(look.tree, look.site))
            report = message_judge.report(prepared, "")
        sheet, text, charset = self._sheet(look, made)
        resolve = resolver(sheet.anchors)
        shown, more = made_of(made.resources, made.trace, resolve)
        found = placed(map(_found, report.findings), resolve)
        return Study(
            kind=look.kind.value,
            status=prepared.status.value,
            type=report.message_type or prepared.opened.header.message_type,
            control_id=report.control_id,
            answer=report.answer,
            charset=charset,
            site=prepared.opened.site.name,
            flags=tuple(dict.fromkeys((*prepared.opened.flags, *prepared.flags))),
            found=found,
            blocks=sheet.linked(shown, found),
            left_out=sheet.left_out,
            text=text,
            made=shown,
            more=more,
            facts=tuple(_fact(one) for one in prepared.assertions),
            unchecked=_unchecked(report),
            bundle=_bundle(made.resources) if look.with_bundle else b"",
        )

    def _resource(self, look: Look) -> Study:
        report = build_resource_judge(self._settings).report(look.body, "")
        return Study(
            kind=look.kind.value,
            status="judged",
            type=report.message_type,
            control_id=report.control_id,
            found=tuple(map(_found, report.findings)),
            text=look.body[:_TEXT].decode("utf-8", "replace"),
            unchecked=_unchecked(report),
        )

    def _sheet(self, look: Look, made: Made) -> tuple[Sheet, str, str]:
        """Return the input in blocks; where it cannot be cut, its text; and its charset."""
        sheet, opened = Sheet(), made.prepared.opened
        wanted = {line.source.partition("/@")[0] for line in made.trace}
        wanted |= {issue.where.partition("/@")[0] for issue in made.prepared.issues}
        if look.kind is Kind.CDA:
            if not isinstance(opened.parsed, Document):
                return sheet, look.body[:_TEXT].decode("utf-8", "replace"), ""
            sheet.take_document(opened.parsed, made.coverage, wanted)
            return sheet, "", ""
        charset = opened.parsed.charset if isinstance(opened.parsed, Message) else "utf-8"
        text, _ = shown_text(look.body.lstrip(b"\xef\xbb\xbf\x0b\r\n\t "), charset)
        cut = segments(text, ())
        sheet.take_segments(cut, self._unread(look, made))
        for carried in made.prepared.documents:
            sheet.take_document(carried.document, made.coverage, wanted)
        return sheet, "" if cut else text[:_TEXT], charset

    def _unread(self, look: Look, made: Made) -> set[str]:
        opened = made.prepared.opened
        if not made.resources or not isinstance(opened.parsed, Message):
            return set()
        try:
            found = unread_fields(opened, opened.parsed, self._plans(look.tree), self._settings)
        except RejectedError:
            return set()
        return {place for places in found.values() for place in places}


def _found(finding: Finding) -> Found:
    issue: Issue = finding.issue
    return Found(
        issue.code,
        issue.severity.value,
        issue.where,
        issue.what,
        issue.fix,
        clause=finding.clause,
        layer=finding.layer.value,
        repaired=finding.repaired,
    )


def _fact(one: Assertion) -> tuple[str, str, str]:
    """Return what is asserted: event with its operation, instant, key."""
    instant = one.when.low.isoformat(timespec="minutes").replace("+00:00", "Z")
    return (one.event if one.op is Op.ASSERT else f"{one.event} ({one.op.value})", instant, one.key)


def _unchecked(report: Report) -> tuple[tuple[str, str], ...]:
    return tuple((check.name, check.note) for check in report.checks if not check.ran)


def _bundle(resources: list[Json]) -> bytes:
    return orjson.dumps(bundle.assemble(resources), option=orjson.OPT_INDENT_2)
