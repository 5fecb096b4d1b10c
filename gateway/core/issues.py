"""The problem as a value: what is wrong, where, and how to fix it.

Does not decide what to do about a problem; `core.errors` carries issues across a border.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Severity of an issue, in the words of FHIR `OperationOutcome.issue.severity`."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"

    @property
    def refuses(self) -> bool:
        """Tell whether an input with such an issue is refused."""
        return self in (Severity.FATAL, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about an input, a configuration or another system's answer.

    Attributes:
        code: `RLS-<family>-<nnn>`, never reused; catalogue in docs/reference/errors.md.
        severity: FHIR severity.
        where: place, such as `PID-3[2].4`, an XPath or a file and line; never a value.
        what: one sentence without patient data.
        fix: what the sender or the operator does next.
        hl7_code: HL7 table 0357, with the French 198 and 199.
        hl7_user_code: HL7 table 0533 (900 to 906) for a functional refusal, else None.
    """

    code: str
    severity: Severity
    where: str
    what: str
    fix: str
    hl7_code: int = 207
    hl7_user_code: int | None = None

    def __str__(self) -> str:
        """Give the one message form used everywhere: code, place, fault, fix."""
        return f"{self.code} at {self.where}: {self.what} Fix: {self.fix}"
