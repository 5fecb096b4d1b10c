"""What programmes of care, tumour boards and work-ups of mammograms assert about a pathway.

Does not decide what follows (`pathway`). Keys are those of the entries, so an unchanged line of a
new version is the same fact and a line that is left out is dropped (`pathway.facts`). CI-SIS
volets CANCER-PPS, CANCER-FRCP, CANCER-D2LM; HL7 ActMood, ActStatus.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from gateway.cda.cancer_screening import frequency_of
from gateway.cda.codes import number
from gateway.cda.contacts import stamp
from gateway.cda.followup import planned_time, planned_type
from gateway.cda.reader import Node
from gateway.cda.telling import Telling, converter, first_of
from gateway.core.timestamps import PARIS, Timestamp
from gateway.mapping.facts import instant_text

_CALLED_OFF = ("aborted", "cancelled", "nullified")
_CASES = {"ORG-134": "discussed", "ORG-128": "recorded"}
_INITIAL, _RELAPSE = "MED-268", "MED-244"
_MONTHS = {"mo": 1, "a": 12}
_DAYS = {"d": 1, "wk": 7}


# --- documents --------------------------------------------------------------------------------


@converter("board_case")
def board_case(node: Node, _telling: Telling) -> str | None:
    """Return whether a tumour board discussed the case or recorded it only.

    Spec: CI-SIS CANCER-FRCP, ORG-127: ORG-134 discussed, ORG-128 recorded.
    """
    return _CASES.get(node.get("code"))


@converter("is_first_line")
def is_first_line(node: Node, _telling: Telling) -> bool | None:
    """Tell whether the cancer is in its first phase; a relapse is another line.

    Spec: CI-SIS JDV_PhaseCancer: MED-268 initial phase, MED-244 relapse.
    """
    return {_INITIAL: True, _RELAPSE: False}.get(node.get("code"))


@converter("moment")
def moment(node: Node, _telling: Telling) -> str | None:
    """Return the moment of an effectiveTime, its start when it is a period."""
    return first_of(node.child("low")) or first_of(node)


@converter("said_moment")
def said_moment(node: Node, telling: Telling) -> str | None:
    """Return the date an observation says: its value, else when it was made.

    Spec: CI-SIS CANCER-PPS, ORG-189 and GEN-178, a value of type EIVL_TS with `@value`.
    """
    times = node.child("effectiveTime")
    return first_of(node.child("value")) or (moment(times, telling) if times else None)


# --- steps of a programme ---------------------------------------------------------------------


@converter("step_name", gives=("STEP", "STEP_DROPPED"))
def step_name(node: Node, _telling: Telling) -> str | None:
    """Return `STEP` for a planned line, `STEP_DROPPED` once it is called off."""
    if planned_type(node) is None:
        return None
    return "STEP_DROPPED" if _is_called_off(node) else "STEP"


def _is_called_off(node: Node) -> bool:
    status = node.child("statusCode")
    return status is not None and status.get("code") in _CALLED_OFF


@converter("step")
def step(node: Node, telling: Telling) -> str | None:
    """Return the key of a planned line.

    Entry ids repeat in real documents, so setId, section, codes and rank make the key.
    """
    return _key(node, telling) if planned_type(node) is not None else None


@converter("stop")
def stop(node: Node, telling: Telling) -> str | None:
    """Return the key of the end of all active treatments."""
    return _key(node, telling)


def _key(node: Node, telling: Telling) -> str | None:
    entry = telling.context.entries.get(node.key)
    if entry is None:
        return None
    text = "|".join((telling.context.set_key, *map(str, entry)))
    return f"PPS|{blake2b(text.encode(), digest_size=16).hexdigest()}"


# --- requests ---------------------------------------------------------------------------------


@converter("request_kind")
def request_kind(node: Node, telling: Telling) -> str | None:
    """Return the kind of request a planned act is: by its content, its value, its code."""
    kinds = telling.context.tables.requests
    paths = (("code", "qualifier", "value"), ("value",), ("code",))
    codes = (found.get("code") for path in paths if (found := node.down(*path)) is not None)
    return next((kinds[code] for code in codes if code in kinds), None)


@converter("request_step", gives=("*.SENT", "*.WITHDRAWN"))
def request_step(node: Node, telling: Telling) -> str | None:
    """Return what is asserted of a request: `<kind>.SENT`, `<kind>.WITHDRAWN` when called off."""
    kind = request_kind(node, telling) if planned_type(node) is not None else None
    if kind is None:
        return None
    return f"{kind}.WITHDRAWN" if _is_called_off(node) else f"{kind}.SENT"


@converter("request")
def request(node: Node, telling: Telling) -> str | None:
    """Return the key of a request that a document makes, as that of an order."""
    type_ = planned_type(node)
    found = telling.context.entry_id(type_, node) if type_ else None
    part = "withdrawn" if _is_called_off(node) else "sent"
    return f"{type_}/{found}|{part}" if found else None


@converter("item_start")
def item_start(node: Node, _telling: Telling) -> str | None:
    """Return when a planned act is to begin."""
    return _start(node)


def _start(node: Node) -> str | None:
    times = planned_time(node)
    return first_of(times) or (first_of(times.child("low")) if times is not None else None)


@converter("control_date")
def control_date(node: Node, telling: Telling) -> str | None:
    """Return when the conduct after a mammogram is due: its date and the frequency of control.

    Spec: CI-SIS CANCER-D2LM, GEN-007 with MED-120.
    """
    often = frequency_of(node)
    since = stamp(node.child("effectiveTime"))
    if often is None or since is None:
        return _start(node)
    due = _after(since, number(often.get("value")), often.get("unit"))
    return instant_text(due) if due is not None else None


def _after(since: Timestamp, count: float | None, unit: str) -> datetime | None:
    """Return a moment so many months or days later in Paris; the last of a month stays one."""
    start = since.bounds_utc()[0].astimezone(PARIS)
    if not count:
        return None
    if unit in _DAYS:
        due = start + timedelta(days=count * _DAYS[unit])
    elif unit in _MONTHS:
        year, month = divmod(start.year * 12 + start.month - 1 + int(count * _MONTHS[unit]), 12)
        last = monthrange(year, month + 1)[1]
        due = start.replace(year=year, month=month + 1, day=min(start.day, last))
    else:
        return None
    return due.astimezone(UTC)
