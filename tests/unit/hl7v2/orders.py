"""Composed orders, referrals and appointments, for the tests of their mapping and their facts."""

from typing import Any

from gateway.core.contributions import Json
from gateway.pipeline.folds import fold_alone
from tests.unit.hl7v2.compose import PID, er7, msh
from tests.unit.hl7v2.test_adapter import SITE, contribute

PLACER, FILLER = "P9^CHU-DEMO^990000001", "F3^PSY^990000001"
PSYCHOLOGY, LABORATORY = "PSY^Soutien^L", "718-7^Hb^LN"
_SENT_AT = "20261120083000"


def at(header: str, instant: str) -> str:
    return header.replace(_SENT_AT, instant)


def orc(control: str, placer: str = PLACER, filler: str = "", status: str = "", **more: str) -> str:
    """Return an ORC; `more` names fields, `f9`."""
    fields = {1: control, 2: placer, 3: filler, 5: status}
    fields |= {int(name[1:]): value for name, value in more.items()}
    return "|".join(["ORC", *(fields.get(n, "") for n in range(1, max(fields) + 1))])


def obr(code: str = PSYCHOLOGY, **more: str) -> str:
    """Return an OBR; `more` names fields, `f31`."""
    fields = {1: "1", 4: code} | {int(name[1:]): value for name, value in more.items()}
    return "|".join(["OBR", *(fields.get(n, "") for n in range(1, max(fields) + 1))])


def order(*segments: str, sent: str = _SENT_AT, kind: str = "ORM^O01^ORM_O01") -> bytes:
    """Compose an order message; without segments a new order of psychology."""
    return er7(at(msh(kind), sent), PID, *(segments or (orc("NW"), obr())))


def said(control: str, minute: int, status: str = "", *, code: str = PSYCHOLOGY) -> bytes:
    """Compose one word about the order P9, so many minutes after half past eight."""
    detail = (obr(code),) if code else ()
    return order(orc(control, status=status), *detail, sent=f"2026112008{30 + minute:02}00")


def referral(status: str, event: str = "I12", sent: str = _SENT_AT, code: str = "SMR") -> bytes:
    """Compose a word about the referral R5."""
    return er7(
        at(msh(f"REF^{event}^REF_I12"), sent),
        f"RF1|{status}|R|MED|||R5^CHU-DEMO^990000001|20261201",
        "PRD|RP|MARTIN^Anne|||||10000023084^RPPS",
        "PRD|RT|SMR DES TESTS|||||990000209^FINEG",
        PID,
        *([f"OBR|1|||{code}^Demande^L"] if code else []),
    )


def folded(type_: str, *messages: bytes) -> list[Json]:
    """Return the resources of a type that remain of messages."""
    parts = [part for raw in messages for part in contribute(raw, SITE).contributions]
    return [one for one in fold_alone(parts) if one["resourceType"] == type_]


def only(type_: str, *messages: bytes) -> Json:
    found = folded(type_, *messages)
    assert len(found) == 1, [one["id"] for one in found]
    return found[0]


def codes(concept: Json) -> list[Any]:
    return [coding["code"] for coding in concept["coding"]]
