"""From bytes to contributions: read, judge, map. No store, no answer sent.

Joins `hl7v2` and `cda`, which do not know each other: a document carried by a message takes the
CDA way, under the envelope of the message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import structlog

from gateway.cda import adapter as cda_adapter
from gateway.cda import facts as cda_facts
from gateway.cda.reader import read as read_cda
from gateway.core.contributions import Contribution, Kind, TraceLine
from gateway.core.coverage import SectionCoverage
from gateway.core.envelope import Envelope
from gateway.core.errors import RejectedError
from gateway.core.facts import Assertion
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, Header, InboxStatus, RawMessage
from gateway.fhir.document_stays import is_of_document
from gateway.fhir.identity import Ids
from gateway.hl7v2 import adapter as hl7_adapter
from gateway.hl7v2 import canonical, intake
from gateway.hl7v2 import envelope as hl7_envelope
from gateway.hl7v2 import facts as hl7_facts
from gateway.hl7v2.derived import provenance_lines
from gateway.hl7v2.message import Message
from gateway.hl7v2.provenance import provenance
from gateway.hl7v2.rawheader import header_of
from gateway.hl7v2.reader import read as read_hl7
from gateway.mapping.sites import Site
from gateway.pipeline import bugs, business_acks, masked, senders
from gateway.pipeline.acks import Acks, no_ack
from gateway.pipeline.carried import FLAG_ELSEWHERE, Carried, carried, elsewhere
from gateway.pipeline.full_check import fully_checked
from gateway.pipeline.mend import fit_alone
from gateway.pipeline.prepared import Opened, Policy, Prepared
from gateway.pipeline.reading import as_the_site_wants
from gateway.pipeline.withdrawn import withdrawal

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.core.clock import Clock
    from gateway.mapping.loader import Mappings

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """What an installation accepts.

    Attributes:
        processing_ids: MSH-11 accepted where the site does not say.
        test_ins: INS under the roots of test and demonstration may be used.
        site: name of the site to use whatever the sender, for `relais convert --site`.
        validation: `full` asks `fhir.resources` as well, where the site does not say.
    """

    processing_ids: frozenset[str] = frozenset({"P"})
    test_ins: bool = False
    site: str | None = None
    validation: str = "compiled"


@dataclass(slots=True)
class Conversion:
    """What one input says, with everything noticed on the way."""

    contributions: list[Contribution] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    trace: list[TraceLine] = field(default_factory=list)
    location: str = ""
    assertions: list[Assertion] = field(default_factory=list)
    feed: str = ""
    coverage: tuple[SectionCoverage, ...] = ()
    documents: Sequence[Carried] = ()


class Converter:
    """Converts inputs; stateless but for the number of its acknowledgements."""

    def __init__(
        self, mappings: "Mappings", ids: Ids, clock: "Clock", options: ConvertOptions
    ) -> None:
        self._sites = mappings.sites
        self._ids = ids
        self._clock = clock
        self._options = options
        self._hl7_plans = hl7_adapter.compile_plans(mappings)
        self._cda_plans = cda_adapter.compile_plans(mappings)
        self._numbers = count(int(clock.now().timestamp() * 1000))

    def now(self) -> "datetime":
        """Return the instant for MSH-7 of an acknowledgement."""
        return self._clock.now()

    def next_control_id(self) -> str:
        """Return a new MSH-10 for an acknowledgement."""
        return f"R{next(self._numbers)}"

    # --- opening --------------------------------------------------------------------------

    def open(self, raw: RawMessage) -> Opened:
        """Read the header of an input; never fails, whatever the bytes."""
        if raw.channel is Channel.CDA:
            return self._open_cda(raw)
        try:
            message: Message | None = read_hl7(raw.body, declared_charset=raw.charset)
            fault: RejectedError | None = None
        except RejectedError as error:
            message, fault = None, error
        found = header_of(raw.body if message is None else message)
        header = canonical.header(raw.body, found)
        site = self._site(header)
        if message is not None:
            read, fault = as_the_site_wants(raw, message, site)
            if read is not message:
                message, found = read, header_of(read)
        flags = message.flags if message is not None else ()
        stranger = senders.stranger(raw, header, self._sites)
        if stranger is not None:
            header, fault = senders.disowned(header), stranger
            flags = (*flags, senders.FLAG)
        return Opened(
            raw=raw,
            header=header,
            answer=Acks(self, found, site),
            policy=_policy(site),
            parsed=message if fault is None else fault,
            site=site,
            flags=flags,
        )

    def _open_cda(self, raw: RawMessage) -> Opened:
        try:
            parsed: Any = read_cda(raw.body)
        except RejectedError as error:
            parsed = error
        document = None if isinstance(parsed, RejectedError) else parsed
        header = cda_adapter.header(document, raw.body)
        return Opened(
            raw=raw,
            header=header,
            answer=no_ack,
            policy=Policy(),
            parsed=parsed,
            site=self._site(header),
        )

    def _site(self, header: Header) -> Site:
        if self._options.site is not None:
            return self._sites.by_name[self._options.site]
        application, facility = header.sender
        if application == cda_adapter.SENDER:
            return self._sites.for_finess(facility)
        return self._sites.for_sender(application, facility)

    # --- preparing ------------------------------------------------------------------------

    def prepare(self, opened: Opened, *, keep_only: bool = False) -> Prepared:
        """Convert an opened input; never fails: a fault becomes a status with its issues.

        Args:
            opened: from `open`.
            keep_only: judge the header only; the row is stored `received`, mapped later.
        """
        try:
            prepared = self._prepare(opened, keep_only=keep_only)
            full = (opened.site.validation or self._options.validation) == "full"
            return fully_checked(prepared) if full else prepared
        except RejectedError as error:
            return Prepared(
                opened, InboxStatus.QUARANTINED, issues=error.issues, flags=opened.flags
            )
        except Exception as error:  # noqa: BLE001 - the one place that turns a bug into a row
            place = bugs.place_of(error)
            _log.error("conversion_broke", error=type(error).__name__, place=place)
            return Prepared(
                opened, InboxStatus.FAILED, issues=(bugs.broke(place),), flags=opened.flags
            )

    def _prepare(self, opened: Opened, *, keep_only: bool) -> Prepared:
        if isinstance(opened.parsed, RejectedError):
            raise opened.parsed
        if opened.raw.channel is Channel.CDA:
            if keep_only:
                return Prepared(opened, InboxStatus.RECEIVED)
            return _converted(opened, self._cda(opened, trace=False))
        message: Message = opened.parsed
        verdict = intake.judge(
            message,
            processing_ids=opened.site.processing_ids or self._options.processing_ids,
            versions=opened.site.versions or intake.VERSIONS,
            lenient=opened.site.is_lenient,
        )
        if verdict.action is intake.Action.UNANSWERED:
            return Prepared(opened, InboxStatus.IGNORED, issues=verdict.issues, unanswered=True)
        if verdict.action is intake.Action.IGNORE:
            return Prepared(
                opened,
                InboxStatus.IGNORED,
                issues=verdict.issues,
                flags=message.flags,
                feed=hl7_facts.feed_of(message, opened.site),
            )
        if verdict.action is intake.Action.REJECT:
            raise RejectedError(verdict.issues)
        if keep_only:
            return Prepared(opened, InboxStatus.RECEIVED, flags=message.flags)
        if message.message_type == "ZAM":
            feed = hl7_facts.feed_of(message, opened.site)
            return business_acks.prepared(opened, message, feed)
        conversion = self._hl7(opened, message, trace=False)
        conversion.issues += verdict.issues
        return _converted(opened, conversion)

    def explain(self, opened: Opened) -> Sequence[TraceLine]:
        """Tell where each value of an input that converts comes from."""
        return self.explained(opened).trace

    def explained(self, opened: Opened) -> Conversion:
        """Convert an input that converts once more, with its trace."""
        if opened.header.message_type.startswith("ZAM"):
            return Conversion()
        if opened.raw.channel is Channel.CDA:
            return masked.explained(self._cda(opened, trace=True))
        return masked.explained(self._hl7(opened, opened.parsed, trace=True))

    def accepted(self, opened: Opened) -> Prepared:
        """Convert an opened input as if no other were stored.

        Raises:
            RejectedError: as `convert`.
        """
        prepared = fit_alone(self, self.prepare(opened))
        if prepared.status is not InboxStatus.CONVERTED:
            raise RejectedError(prepared.issues or (_no_input(),))
        return prepared

    def convert(self, raw: RawMessage, *, trace: bool = False) -> Conversion:
        """Convert one input for a person who looks at it.

        Raises:
            RejectedError: the input is refused or set aside, or its resources break their shape.
        """
        opened = self.open(raw)
        prepared = self.accepted(opened)
        explained = self.explained(opened) if trace else Conversion()
        return Conversion(
            contributions=list(prepared.contributions),
            issues=list(prepared.issues),
            flags=list(prepared.flags),
            trace=explained.trace,
            coverage=explained.coverage,
            location=prepared.location,
            assertions=list(prepared.assertions),
            feed=prepared.feed,
        )

    # --- mapping --------------------------------------------------------------------------

    def _hl7(self, opened: Opened, message: Message, *, trace: bool) -> Conversion:
        documents = carried(message, lenient=opened.site.is_lenient)
        cda_ids = cda_adapter.identifiers(documents[0].document) if documents else ()
        mapped = hl7_adapter.contribute(
            message,
            self._hl7_plans,
            opened.site,
            self._ids,
            header=opened.header,
            cda_identifiers=cda_ids,
            test_ins=self._options.test_ins,
            trace=trace,
        )
        conversion = Conversion(
            list(mapped.contributions),
            list(mapped.issues),
            [*message.flags, *mapped.flags],
            list(mapped.trace),
            assertions=list(mapped.assertions),
            feed=mapped.feed,
        )
        if outside := elsewhere(message):
            conversion.issues += outside
            conversion.flags.append(FLAG_ELSEWHERE)
        if documents:
            envelope = hl7_adapter.envelope(
                message,
                opened.site,
                self._ids,
                cda_identifiers=cda_ids,
                test_ins=self._options.test_ins,
            )
            for one in documents:
                self._embedded(opened, one, envelope, conversion, trace=trace)
            conversion.documents = documents
        about = provenance(conversion.contributions, message, opened.header, self._ids)
        if about is not None:
            if documents and any(is_of_document(p.resource) for p in conversion.contributions):
                # It points to an Encounter that may give way to the stay of another message.
                about = replace(about, kind=Kind.OWN)
            conversion.contributions.append(about)
            if trace:
                conversion.trace += provenance_lines(about.target.id)
        return conversion

    def _embedded(
        self,
        opened: Opened,
        carried: Carried,
        envelope: Envelope,
        conversion: Conversion,
        *,
        trace: bool,
    ) -> None:
        mapped = cda_adapter.contribute(
            carried.document,
            self._cda_plans,
            opened.site,
            self._ids,
            digest=opened.header.canonical_sha256,
            envelope=envelope,
            test_ins=self._options.test_ins,
            trace=trace,
        )
        if hl7_envelope.request(opened.parsed) is hl7_envelope.Request.DELETE:
            mapped = withdrawal(mapped)
        conversion.contributions += mapped.contributions
        conversion.issues += mapped.issues
        conversion.flags += (*carried.place.flags, *mapped.flags)
        conversion.trace += mapped.trace
        conversion.assertions += mapped.assertions
        conversion.coverage += mapped.coverage

    def _cda(self, opened: Opened, *, trace: bool) -> Conversion:
        mapped = cda_adapter.contribute(
            opened.parsed,
            self._cda_plans,
            opened.site,
            self._ids,
            digest=opened.header.canonical_sha256,
            envelope=None,
            test_ins=self._options.test_ins,
            trace=trace,
        )
        location = next(
            (f"{t.type}/{t.id}" for c in mapped.contributions
             if (t := c.target).type == "DocumentReference" and not c.annotates),
            "",
        )  # fmt: skip
        return Conversion(
            list(mapped.contributions),
            list(mapped.issues),
            list(mapped.flags),
            list(mapped.trace),
            location,
            list(mapped.assertions),
            cda_facts.feed(opened.site, opened.header.sender[1]),
            mapped.coverage,
        )


def _policy(site: Site) -> Policy:
    return Policy(
        process=site.ack == "process",
        reuse_refused=site.control_id_reuse == "refuse",
        transient_ack=site.transient_ack,
    )


def _converted(opened: Opened, conversion: Conversion) -> Prepared:
    return Prepared(
        opened,
        InboxStatus.CONVERTED,
        contributions=tuple(conversion.contributions),
        issues=tuple(conversion.issues),
        flags=tuple(dict.fromkeys(conversion.flags)),
        location=conversion.location,
        assertions=tuple(conversion.assertions),
        feed=conversion.feed,
        documents=tuple(conversion.documents),
    )


def _no_input() -> Issue:
    return Issue(
        code="RLS-MAP-091",
        severity=Severity.ERROR,
        where="MSH-9",
        what="an acknowledgement or an event without effect gives no resource.",
        fix="Give a message that Relais maps; docs/conformance.md lists them.",
    )
