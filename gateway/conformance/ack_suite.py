"""The suite `hl7v2-ack`: what a receiver answers to good, bad and odd messages.

Does not open connections: it is given what sends one message and brings its answer. People and
structures are invented; control ids begin with the name of the run, so that two runs never meet.
Standards: HL7 v2.5 2.9, IHE ITI TF-2 C.2.3, PAM France 2.11 6.5.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.core.errors import RejectedError, RetriableError
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read

NAME = "hl7v2-ack"

#: Sends one message and returns its answer; RetriableError when none came.
Exchange = Callable[[bytes], Awaitable[bytes]]

_HEADER = (
    r"MSH|^~\&|RELAIS-KIT|RELAIS|TARGET|TARGET|{sent}||{kind}|{id}|{mode}|{version}|||"
    "{accept}||FRA|{charset}|FR||2.11^IHE_FRANCE-2.11-PAM"
)
_EVN = "EVN||{sent}||||{sent}"
_PID = (
    "PID|1||{id}^^^RELAIS&990000001&M^PI||ESSAI^{given}^{given}^^^^L||19790328|F|||"
    "|||||||D{id}^^^RELAIS&990000001&M^AN||||||||||||||PROV"
)
_PV1 = "PV1|1|I|4036^22^3^RELAIS&990000001&M^O|R|||||||||||||||V{id}^^^RELAIS&990000001&M^VN||03"
_ZBE = (
    "ZBE|M{id}^RELAIS^990000001|{start}||INSERT|N||Essai^^^^^RELAIS&990000001&M^UF^^^4036|"
    "Essai^^^^^RELAIS&990000001&M^UF^^^4036|HMS"
)
_SEGMENTS = (_EVN, _PID, _PV1, _ZBE)


@dataclass(frozen=True, slots=True)
class Check:
    """One message and the answer it must get.

    Attributes:
        id: name of the check.
        clause: what asks for it.
        title: one sentence.
        codes: MSA-1, any of these.
        condition: ERR-3.1 of one ERR, empty when none is asked for.
        place: segment and field that ERR-2 of that ERR names, empty when none is asked for.
        kind: MSH-9.
        mode: MSH-11, empty for that of the run.
        version: MSH-12.
        accept: MSH-15.
        charset: MSH-18.
        encoding: Python codec of the message.
        given: given name, to carry letters.
        start: ZBE-2, empty for the time of the run.
        segments: behind MSH.
        again: id of a check whose message is sent again, or whose control id is used again.
        changed: the control id is used again for another message.
    """

    id: str
    clause: str
    title: str
    codes: frozenset[str]
    condition: str = ""
    place: tuple[str, str] = ("", "")
    kind: str = "ADT^A01^ADT_A01"
    mode: str = ""
    version: str = "2.5^FRA^2.11"
    accept: str = ""
    charset: str = "UNICODE UTF-8"
    encoding: str = "utf-8"
    given: str = "CLAIRE"
    start: str = ""
    segments: tuple[str, ...] = _SEGMENTS
    again: str = ""
    changed: bool = False


_AA, _AE, _AR = frozenset({"AA"}), frozenset({"AE"}), frozenset({"AR"})
_SAME, _ACK = "HL7 v2.5 2.9.2", "IHE ITI TF-2 C.2.3"

CHECKS = (
    Check("accepted", _ACK, "a sound admission is accepted", _AA),
    Check("again", _ACK, "the same bytes again get the first answer", _AA, again="accepted"),
    Check(
        "reused-id", _ACK, "a control id used again for another message is refused",
        _AE, "205", again="accepted", changed=True, given="LUCIE",
    ),
    Check("unknown-type", _ACK, "an unknown message type", _AR, "200", kind="XXX^A01"),
    Check("unknown-event", _ACK, "an unknown trigger event", _AR, "201", kind="ADT^A99^ADT_A01"),
    Check("foreign-mode", _ACK, "a processing id of no table", _AR, "202", mode="X"),
    Check("foreign-version", _ACK, "a version nobody speaks", _AR | _AE, "203", version="1.9"),
    Check(
        "no-patient-number", _ACK, "PID-3 is empty", _AE, "101", ("PID", "3"),
        segments=(_EVN, _PID.replace("{id}^^^RELAIS&990000001&M^PI", ""), _PV1, _ZBE),
    ),
    Check("impossible-date", _ACK, "ZBE-2 is no date", _AE, "102", ("ZBE", "2"), start="20261399"),
    Check(
        "missing-segment", _ACK, "PID is missing", _AE, "100", ("PID", ""),
        segments=(_EVN, _PV1, _ZBE),
    ),
    Check(
        "wrong-order", _ACK, "PV1 stands before PID", _AE, "100",
        segments=(_EVN, _PV1, _PID, _ZBE),
    ),
    Check(
        "unused-event", "PAM-FR 2.11 5.3.2", "an event of the optional profile harms nobody",
        _AA, kind="ADT^A32^ADT_A21",
    ),
    Check("utf-8", "PAM-FR 2.11 6.5, MSH-18", "accents in UTF-8", _AA, given="ZOÉ Œ€"),
    Check(
        "8859-15", "PAM-FR 2.11 6.5, MSH-18", "accents, ligature and euro in ISO 8859-15",
        _AA, given="ZOÉ Œ€", charset="8859/15", encoding="iso8859-15",
    ),
    Check(
        "commit", _SAME, "in enhanced mode the commit answer comes", frozenset({"CA"}),
        accept="AL",
    ),
    Check(
        "commit-refused", _SAME, "in enhanced mode a refusal is a commit answer too",
        frozenset({"CR"}), "201", kind="ADT^A99^ADT_A01", accept="AL",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended; `why` is empty when it passed."""

    check: Check
    why: str

    @property
    def passed(self) -> bool:
        """Tell whether the answer was the one asked for."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the suite.

    Attributes:
        name: begins every control id, at most ten characters.
        sent: MSH-7, `YYYYMMDDHHMMSS`.
        mode: MSH-11 of messages that are to be accepted.
    """

    name: str
    sent: str
    mode: str = "T"

    def message(self, check: Check) -> bytes:
        """Return the message of a check."""
        if check.again and not check.changed:
            return self.message(_named(check.again))
        values = {
            "id": self.control_id(check),
            "sent": self.sent,
            "start": check.start or self.sent,
            "kind": check.kind,
            "mode": check.mode or self.mode,
            "version": check.version,
            "accept": check.accept,
            "charset": check.charset,
            "given": check.given,
        }
        lines = [line.format(**values) for line in (_HEADER, *check.segments)]
        return "\r".join([*lines, ""]).encode(check.encoding)

    def control_id(self, check: Check) -> str:
        """Return MSH-10 of a check; one that comes again has that of the first."""
        number = CHECKS.index(_named(check.again) if check.again else check)
        return f"{self.name}{number:02}"


async def run_suite(run: Run, exchange: Exchange) -> AsyncIterator[Result]:
    """Send the message of every check, in order, and judge its answer."""
    for check in CHECKS:
        try:
            answer = await exchange(run.message(check))
        except RetriableError as error:
            yield Result(check, f"no answer: {error.issues[0].what}")
            continue
        yield Result(check, fault(check, answer, run))


def fault(check: Check, answer: bytes, run: Run) -> str:
    """Return what is wrong with an answer, empty when nothing is."""
    try:
        message = read(answer)
    except RejectedError as error:
        return f"the answer cannot be read: {error.issues[0].what}"
    told = message.value("MSA-1")
    if told not in check.codes:
        return f"answered {told or 'without MSA'}, expected {' or '.join(sorted(check.codes))}"
    return "; ".join(_form(check, message, run) + _errors(check, message))


def _form(check: Check, message: Message, run: Run) -> list[str]:
    """Judge what every answer has: type, ids, addresses, character set."""
    wanted = (
        ("MSH-9.1", "ACK"),
        ("MSA-2", run.control_id(check)),
        ("MSH-5.1", "RELAIS-KIT"),
        ("MSH-6.1", "RELAIS"),
        ("MSH-18", check.charset),
    )
    found = [f"{place} is not {value}" for place, value in wanted if message.value(place) != value]
    return found + (["MSH-10 is empty"] if not message.control_id else [])


def _errors(check: Check, message: Message) -> list[str]:
    errors = message.segments_named("ERR")
    if not check.condition:
        wrong = any(error.field(4).upper().startswith("E") for error in errors)
        return ["a positive answer holds an error"] if wrong else []
    matching = [error for error in errors if error.field(3) == check.condition]
    if not matching:
        told = ", ".join(error.field(3) for error in errors) or "none"
        return [f"ERR-3 is {told}, expected {check.condition}"]
    segment, field = check.place
    if segment and not any(
        error.field(2) == segment and (not field or error.field(2, 3) == field)
        for error in matching
    ):
        return [f"ERR-2 does not name {segment}{'-' + field if field else ''}"]
    return []


def _named(id: str) -> Check:
    return next(check for check in CHECKS if check.id == id)


def matrix(results: Sequence[Result]) -> list[str]:
    """Return the table of checks and results, one line a check."""
    width = max(len(result.check.id) for result in results)
    return [
        f"{'pass' if one.passed else 'FAIL'}  {one.check.id:<{width}}  [{one.check.clause}] "
        f"{one.check.title}{': ' + one.why if one.why else ''}"
        for one in results
    ]
