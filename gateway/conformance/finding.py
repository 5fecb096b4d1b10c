"""What a check found, the report on one input, and the form of kinds of finding.

Does not check anything. Each `Kind` is one code of docs/reference/errors.md with the clause it
stands for; codes that the doors use as well are made in `gateway.hl7v2`.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.core.issues import Issue, Severity


class Layer(StrEnum):
    """Who found it."""

    #: The bytes: character set, separators, lines.
    READER = "reader"
    #: What the doors judge before they convert.
    INTAKE = "intake"
    #: The base standard: elements, types, cardinality, formats of FHIR R4.
    SHAPE = "shape"
    #: The message profile: structure, usage, cardinality, length, tables.
    PROFILE = "profile"
    #: Values that contradict each other.
    COHERENCE = "coherence"
    #: What the conversion refused or left out.
    CONVERSION = "conversion"
    #: Another implementation of the base standard.
    SECOND_OPINION = "second-opinion"
    #: A code that is in no value set bound to its place.
    VALUE_SET = "value-set"
    #: The XML schema of a configured test kit.
    SCHEMA = "schema"
    #: A schematron of a configured test kit.
    SCHEMATRON = "schematron"
    #: A check of ours that could not be made: no fault of the input.
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about a message or document.

    Attributes:
        issue: code, severity, place, what, fix.
        clause: what asks for it, `PAM-FR 2.11 6.13.4`; empty for a matter of bytes.
        layer: who found it.
        repaired: a lenient source repairs it and answers AA; a strict one refuses.
    """

    issue: Issue
    clause: str
    layer: Layer
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One check that an input was given to, or should have been.

    Attributes:
        name: `header and coherence`, `value sets`, `schematron CI-SIS_LDL-SES_2022.01`.
        tool: whose rules they are: ours, a folder of value sets, a test kit.
        version: of those rules, empty when they tell none.
        digest: SHA-256 of those rules, in hex; empty when they are ours.
        ran: it came to an end, whatever it found.
        note: why it did not run, or what it could not see.
    """

    name: str
    tool: str
    version: str = ""
    digest: str = ""
    ran: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one input.

    Attributes:
        name: of the input, as the user gave it.
        message_type: MSH-9 as `ADT^A01`, or `CDA` with the document model; empty when unreadable.
        control_id: MSH-10, or the id of the document.
        answer: AA, AE or AR as the door would answer, by the message alone when the door was not
            asked; for a document the HTTP status; empty for an acknowledgement, which is not
            answered.
        findings: worst first, then in the order of the input.
        checks: what a document was checked with; empty for a message.
    """

    name: str
    message_type: str
    control_id: str
    answer: str
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Tell whether the input breaks a rule."""
        return any(finding.issue.severity.refuses for finding in self.findings)

    @property
    def is_complete(self) -> bool:
        """Tell whether every check that was asked for came to an end."""
        return not any(finding.layer is Layer.ENGINE for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """Return how many findings have a severity."""
        return sum(finding.issue.severity is severity for finding in self.findings)


#: Order of findings in a report.
WORST_FIRST = (Severity.FATAL, Severity.ERROR, Severity.WARNING, Severity.INFORMATION)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding.

    Attributes:
        code: `RLS-HL7-3nn` of a message, `RLS-CDA-3nn` of a document.
        severity: unless the profile says otherwise.
        hl7_code: HL7 table 0357.
        layer: who finds it.
        clause: unless the profile says otherwise.
        what: sentence with the words of `at` in braces.
        fix: the same.
    """

    code: str
    severity: Severity
    hl7_code: int
    layer: Layer
    clause: str
    what: str
    fix: str

    def at(
        self, where: str, *, clause: str = "", severity: Severity | None = None, **words: str
    ) -> Finding:
        """Return a finding of this kind.

        Args:
            where: place, never a value.
            clause: instead of the one of the kind.
            severity: the same.
            words: what stands in braces in the sentences.
        """
        issue = Issue(
            self.code,
            severity or self.severity,
            where,
            self.what.format(**words),
            self.fix.format(**words),
            self.hl7_code,
        )
        return Finding(issue, clause or self.clause, self.layer)
