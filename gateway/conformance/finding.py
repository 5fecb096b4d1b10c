"""What a check found, and the kinds of finding that only the conformance layer makes.

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
    #: The message profile: structure, usage, cardinality, length, tables.
    PROFILE = "profile"
    #: Values that contradict each other.
    COHERENCE = "coherence"
    #: What the conversion refused or left out.
    CONVERSION = "conversion"
    #: Another implementation of the base standard.
    SECOND_OPINION = "second-opinion"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about a message.

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
class Kind:
    """One kind of finding.

    Attributes:
        code: `RLS-HL7-3nn`.
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
