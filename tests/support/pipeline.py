"""Builders for tests of the pipeline: a clock, a converter that does what the test wants."""

import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from gateway.core.contributions import Contribution, Kind, Target, TraceLine, Version
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, Header, InboxStatus, RawMessage
from gateway.pipeline.commit import CommitRules
from gateway.pipeline.folds import FOLDS
from gateway.pipeline.prepared import Opened, Policy, Prepared

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RULES = CommitRules(FOLDS)


class HandClock:
    """A clock moved by hand."""

    def __init__(self, now: datetime = START) -> None:
        self.instant = now

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self.instant

    def advance(self, **parts: float) -> None:
        """Move forward."""
        self.instant += timedelta(**parts)


def raw(text: str) -> RawMessage:
    """Build an input; `id:content` gives control id and content."""
    return RawMessage(text.encode(), Channel.MLLP, START)


class FakeConverter:
    """Reads inputs of the form `control id:patient:word`.

    `slow:<seconds>`, `bad`, `bug`, `shape` (of the resource) and `value` (one that breaks its
    type) as word do what they say.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.converted = 0

    def open(self, message: RawMessage) -> Opened:
        """Read the header."""
        text = message.body.decode()
        digest = sha256(message.body).hexdigest()
        header = Header(("APP", "FAC"), text.split(":")[0], "ADT^A01", digest, digest)

        def answer(code: str, issues: tuple[Issue, ...]) -> bytes:
            shown = "AE" if code == "refuse" else code
            return f"{shown} {header.control_id} {','.join(i.code for i in issues)}".encode()

        return Opened(message, header, answer, self.policy, parsed=text)

    def prepare(self, opened: Opened, *, keep_only: bool = False) -> Prepared:
        """Convert, or do what the word says."""
        if keep_only:
            return Prepared(opened, InboxStatus.RECEIVED)
        self.converted += 1
        _, patient, word, *more = opened.parsed.split(":")
        if word == "slow":
            time.sleep(float(more[0]))
        if word == "bad":
            issue = Issue("RLS-HL7-000", Severity.ERROR, "PID-3", "nothing.", "Send it.", 101)
            return Prepared(opened, InboxStatus.QUARANTINED, issues=(issue,))
        if word == "bug":
            issue = Issue("RLS-MAP-000", Severity.ERROR, "gateway", "it broke.", "Report it.")
            return Prepared(opened, InboxStatus.FAILED, issues=(issue,))
        return Prepared(opened, InboxStatus.CONVERTED, contributions=_parts(patient, word, opened))

    def explain(self, opened: Opened) -> tuple[TraceLine, ...]:
        """Tell that the gender comes from PID-8."""
        patient = opened.parsed.split(":")[1]
        return (TraceLine(f"Patient/{patient}", "gender", "PID-8", "gender", "HL7 v2.5 3.4.2.8"),)


def _parts(patient: str, word: str, opened: Opened) -> tuple[Contribution, ...]:
    target = Target("Patient", patient)
    minute = int(word) if word.isdigit() else 0
    at = START + timedelta(minutes=minute)
    version = Version(at, at, 0, opened.header.canonical_sha256)
    partial = {
        "resourceType": "Patient",
        "id": patient,
        "name": [{"use": "official", "family": f"F{minute}"}],
        # R4 allows one gender out of four.
        "gender": "purple" if word == "value" else "female",
    }
    if word == "shape":
        partial["colour"] = "purple"
    hospital = Target("Organization", "hospital")
    return (
        Contribution(target, version, partial),
        Contribution(
            hospital,
            version,
            {"resourceType": "Organization", "id": "hospital", "name": "CHU"},
            kind=Kind.SHARED,
        ),
    )
