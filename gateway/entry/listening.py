"""An answering end for a sender under test: every message is judged, and answered as it deserves.

Keeps nothing. Does not open the door (`entry.mllp`) nor judge (`conformance.validate`).
"""

from collections.abc import Callable, Sequence
from itertools import count

from gateway.conformance.finding import Report
from gateway.core.clock import Clock
from gateway.core.issues import Issue
from gateway.core.messages import Incident, Outcome, RawMessage, Receipt
from gateway.entry.doors import House
from gateway.hl7v2 import ack


class Listening:
    """Judges what comes in.

    Attributes:
        reports: how many messages were judged.
    """

    def __init__(
        self,
        judge: Callable[[RawMessage, str], Report],
        clock: Clock,
        tell: Callable[[Report], None],
    ) -> None:
        """Prepare.

        Args:
            judge: of an input and its name makes a report.
            clock: dates the answers.
            tell: is given every report.
        """
        self._judge = judge
        self._clock = clock
        self._tell = tell
        self._numbers = count(1)
        self.reports = 0

    def house(self) -> House:
        """Return what stands behind the door."""
        return House(self.receive, self.answer_for, self.incident, self._clock)

    async def receive(self, raw: RawMessage) -> Receipt:
        """Judge one message and answer it: AE or AR with every error, else AA."""
        self.reports += 1
        report = self._judge(raw, f"message {self.reports}")
        self._tell(report)
        issues = [f.issue for f in report.findings if f.issue.severity.refuses]
        if not report.answer:
            return Receipt(Outcome.UNANSWERED)
        # A message that a lenient door would repair is refused here: its sender is under test.
        code = report.answer if report.answer != "AA" else "AE" if issues else "AA"
        answer = self._ack(raw.body, code, issues if code != "AA" else ())
        return Receipt(Outcome.REJECTED if issues else Outcome.ACCEPTED, tuple(issues), answer)

    def answer_for(self, body: bytes, issue: Issue) -> bytes:
        """Answer what never reached the judge."""
        return self._ack(body, ack.code_for([issue]), [issue])

    async def incident(self, incident: Incident) -> None:
        """Pass over what is no message: nothing is kept here."""

    def _ack(self, body: bytes, code: str, issues: Sequence[Issue]) -> bytes:
        if not ack.is_wanted(body, code):
            return b""
        number = f"L{next(self._numbers)}"
        return ack.build(body, code, issues, now=self._clock.now(), control_id=number)
