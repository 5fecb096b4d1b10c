"""Read an acknowledgement that answers a message of ours.

Does not build any (`hl7v2.ack`) nor settle what it answers. What has no MSA, or an MSA-1 outside
of its table, is no answer. Standard: HL7 v2.5 2.9, 2.15.8 (MSA), tables 0008, 0155 and 0357.
"""

import re
from dataclasses import dataclass

from gateway.core.errors import RejectedError
from gateway.hl7v2.message import Message
from gateway.hl7v2.rawheader import header_of
from gateway.hl7v2.reader import read

_CODES = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})
#: Conditions of the header: the same message would be refused again.
_OF_HEADER = frozenset({"200", "201", "202", "203"})
_CODE = re.compile(r"[A-Za-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        code: MSA-1.
        control_id: MSA-2, the MSH-10 of what is answered.
        error: code of ERR-3 (table 0357), empty when there is none.
        user_error: code of ERR-5 (table 0533), empty when there is none.
    """

    code: str
    control_id: str
    error: str = ""
    user_error: str = ""

    @property
    def is_positive(self) -> bool:
        """Tell whether it says yes."""
        return self.code in ("AA", "CA")

    @property
    def is_final(self) -> bool:
        """Tell whether it is the word of the application, after which none comes."""
        return self.code.startswith("A")

    @property
    def may_come_again(self) -> bool:
        """Tell whether the unchanged message may be sent later.

        Spec: IHE ITI TF-2 C.2.3 (AR not caused by a value of MSH).
        """
        return self.code in ("AR", "CR") and self.error not in _OF_HEADER

    @property
    def condition(self) -> str:
        """Return the codes of the refusal, without any word of the other side."""
        return " ".join(code for code in (self.error, self.user_error) if code)


def read_answer(body: bytes) -> Answer | None:
    """Read an acknowledgement; None when it is none."""
    try:
        return answer_in(read(body))
    except RejectedError:
        return None


def answer_in(message: Message) -> Answer | None:
    """Return the answer a message holds; None when it is no acknowledgement."""
    code = message.value("MSA-1").upper()
    if code not in _CODES:
        return None
    return Answer(
        code,
        message.value("MSA-2").strip(),
        _known(message.value("ERR-3.1")),
        _known(message.value("ERR-5.1")),
    )


def wants_application_ack(body: bytes) -> bool:
    """Tell whether a message of ours asks for the word of the application (MSH-16)."""
    return header_of(body).field(16).upper() in ("AL", "ER", "SU")


def _known(text: str) -> str:
    """Return a code, never a sentence the other side put in its place."""
    return text if _CODE.fullmatch(text) else ""
