"""Composed movements and what they assert, for the tests of facts."""

from datetime import UTC, datetime
from typing import Any

from gateway.core.facts import Assertion, Op, Received
from gateway.mapping.sites import Site
from gateway.pathway.facts import reduce
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, er7, msh, with_field
from tests.unit.hl7v2.test_adapter import SITE, contribute


def asserts(raw: bytes, site: Site = SITE, **options: Any) -> list[Assertion]:
    return contribute(raw, site, **options).assertions


def one(raw: bytes, event: str, site: Site = SITE) -> Assertion:
    found = [item for item in asserts(raw, site) if item.event == event]
    assert len(found) == 1, [item.event for item in found]
    return found[0]


def events(raw: bytes, site: Site = SITE) -> set[tuple[str, Op]]:
    return {(item.event, item.op) for item in asserts(raw, site)}


def movement(
    trigger: str = "A03",
    *extra: str,
    action: str = "INSERT",
    recorded: str = "20261120083000",
    start: str = "20261120081500",
    original: str = "",
    pv1: str = PV1,
    number: str = "M1^CHU-DEMO^990000001",
    pid: str = PID,
) -> bytes:
    """Compose a message of one movement."""
    structure = {"A11": "A09", "A13": "A01", "A22": "A21", "A53": "A52", "A04": "A01"}
    header = msh(f"ADT^{trigger}^ADT_{structure.get(trigger, trigger)}")
    evn = with_field(EVN, 2, recorded)
    zbe = with_field(with_field(with_field(ZBE, 1, number), 2, start), 4, action)
    return er7(header, evn, pid, pv1, with_field(zbe, 6, original), *extra)


def instant(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def appointment(trigger: str, status: str = "", at: str = "20261120083000") -> bytes:
    """Compose an appointment message."""
    header = msh(f"SIU^{trigger}^SIU_S12").replace("20261120083000", at)
    sch = with_field(with_field("SCH|P1^GAM|F1^AGENDA^990000001", 25, status), 26, "REQ1")
    return er7(header, sch, PID, "RGS|1", "AIS|1||ONCO|20261201140000|||30|MIN",
               "AIP|1||D1^MARTIN|nurse")  # fmt: skip


def facts_of(assertions: Any) -> dict[str, str]:
    """Return event by key of what remains of assertions received in this order."""
    start = instant(2026, 11, 20)
    received = [Received(item, start, order) for order, item in enumerate(assertions)]
    return {key: fact.event for key, fact in reduce(received).items()}
