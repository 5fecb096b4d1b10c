"""FHIR messages that are understood, and the answer to one (FHIR R4 messaging 2.37).

One event: what a client would write is told. Each resource in focus is put by its first
identifier, so that a message sent twice has no second effect; the other entries are what these
refer to, and must be here already unless they are in focus too.
"""

from dataclasses import dataclass
from urllib.parse import quote

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.systems import FHIR_BASE
from gateway.fhir import write_faults as faults
from gateway.fhir.bundle_entries import MOST

EVENTS = f"{FHIR_BASE}/CodeSystem/message-event"
TOLD = "resources-told"


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that is understood.

    Attributes:
        header: its MessageHeader.
        transaction: what is to be carried out.
    """

    header: Json
    transaction: Json


def header_of(bundle: Json) -> Json:
    """Return the MessageHeader of a message.

    Raises:
        RejectedError: it is no message (RLS-FHR-266).
    """
    entries = bundle.get("entry")
    first = entries[0] if isinstance(entries, list) and entries else None
    header = first.get("resource") if isinstance(first, dict) else None
    if (
        bundle.get("resourceType") != "Bundle"
        or bundle.get("type") != "message"
        or not isinstance(header, dict)
        or header.get("resourceType") != "MessageHeader"
        or not all(isinstance(one, dict) for one in entries or ())
    ):
        raise RejectedError([faults.not_a_message("it does not begin with a MessageHeader")])
    if not isinstance(header.get("id"), str):
        raise RejectedError([faults.not_a_message("its MessageHeader has no id to answer to")])
    return header


def heard(bundle: Json) -> Json:
    """Return the transaction a message asks for.

    Raises:
        RejectedError: the event is none that is understood (RLS-FHR-267), or the message does not
            say what it tells (RLS-FHR-268).
    """
    header = header_of(bundle)
    event = header.get("eventCoding")
    if not isinstance(event, dict) or (event.get("system"), event.get("code")) != (EVENTS, TOLD):
        raise RejectedError([faults.unknown_event()])
    told = header.get("focus")
    focus = {
        one["reference"]
        for one in (told if isinstance(told, list) else ())
        if isinstance(one, dict) and isinstance(one.get("reference"), str)
    }
    if not focus:
        raise RejectedError([faults.bad_focus("MessageHeader.focus", "nothing is in focus")])
    entries, found = [], set[str]()
    for number, one in enumerate(bundle["entry"][1 : MOST + 2], start=1):
        resource, url = one.get("resource"), one.get("fullUrl", "")
        if not isinstance(resource, dict) or not isinstance(url, str):
            continue
        names = {url, f"{resource.get('resourceType')}/{resource.get('id')}"} & focus
        found |= names
        criteria = _criteria(resource)
        if criteria is None:
            if names:
                where = f"Bundle.entry[{number}].resource"
                raise RejectedError([faults.bad_focus(where, "it has no identifier")])
            continue
        type_ = str(resource.get("resourceType"))
        request = (
            {"method": "PUT", "url": f"{type_}?{criteria}"}
            if names
            else {"method": "POST", "url": type_, "ifNoneExist": criteria}
        )
        sent = {name: value for name, value in resource.items() if name != "id"}
        entries.append({"fullUrl": url, "resource": sent, "request": request})
    if focus - found:
        raise RejectedError([faults.bad_focus("MessageHeader.focus", "no entry is what it names")])
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _criteria(resource: Json) -> str | None:
    """Return what finds a resource by its first identifier."""
    listed = resource.get("identifier")
    one = listed[0] if isinstance(listed, list) and listed else listed
    if not isinstance(one, dict):
        return None
    system, value = one.get("system"), one.get("value")
    if not isinstance(system, str) or not isinstance(value, str) or not system or not value:
        return None
    escaped = "".join(f"\\{sign}" if sign in "\\|,$" else sign for sign in value)
    return f"identifier={quote(f'{system}|{escaped}', safe='')}"


def reply(header: Json, id_: str, now: str, code: str, endpoint: str) -> Json:
    """Return the MessageHeader of the answer to a message.

    Args:
        header: of the message.
        id_: of the answer.
        now: instant of the answer.
        code: `ok` or `fatal-error`.
        endpoint: address of this server.

    Returns:
        A message Bundle with the header alone; the caller adds the OperationOutcome.
    """
    events: Json = {n: header[n] for n in ("eventCoding", "eventUri") if n in header}
    head: Json = {
        "resourceType": "MessageHeader",
        "id": id_,
        **events,
        "source": {"name": "Relais", "endpoint": endpoint},
        "response": {"identifier": header["id"], "code": code},
    }
    return {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": now,
        "entry": [{"fullUrl": f"urn:uuid:{id_}", "resource": head}],
    }
