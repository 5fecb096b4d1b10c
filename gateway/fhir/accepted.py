"""What of a resource a client sent is kept: its content, made safe, under the id it stands at.

Judges form and what a client may not say; profiles are judged by the caller. The server sets
version and time (FHIR R4 http 3.1.0.1.1).
"""

from collections.abc import Iterator

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir import shape
from gateway.fhir import write_faults as faults
from gateway.fhir.narrative import safe

#: Of `meta`, what is the client's to say.
_META = ("extension", "profile", "security", "tag")
_RESERVED = f"{IDENTIFIER_BASE}/"


def accepted(resource: Json, id_: str) -> Json:
    """Return a resource as it is kept.

    Args:
        resource: as sent, its references already those of this server.
        id_: where it stands.

    Raises:
        RejectedError: its shape is wrong, a narrative is none, or it bears an identifier of Relais;
            one issue per fault.
    """
    made = kept(resource, id_)
    issues = [issue for issue in shape.check(made) if issue.severity.refuses]
    # What has no shape cannot be looked into.
    if not issues:
        issues = [*_make_safe(made), *_reserved(made)]
    if issues:
        raise RejectedError(issues)
    return made


def kept(resource: Json, id_: str) -> Json:
    """Return a resource under an id, of its `meta` only what the client has a say in."""
    sent = resource.get("meta")
    meta = {name: sent[name] for name in _META if name in sent} if isinstance(sent, dict) else sent
    head: Json = {"resourceType": resource.get("resourceType"), "id": id_}
    if meta:
        head["meta"] = meta
    return head | {name: value for name, value in resource.items() if name not in _OWN}


_OWN = ("resourceType", "id", "meta")


def _make_safe(made: Json) -> Iterator[Issue]:
    """Replace every narrative by its safe form; `made` shares nothing with what was sent there."""
    top = str(made["resourceType"])
    if issue := _safe_text(made, top):
        yield issue
    if "contained" in made:
        made["contained"] = [dict(one) for one in made["contained"]]
        for number, one in enumerate(made["contained"]):
            if issue := _safe_text(one, f"{top}.contained[{number}]"):
                yield issue


def _safe_text(resource: Json, place: str) -> Issue | None:
    text = resource.get("text")
    if text is None:
        return None
    div = safe(str(text.get("div", "")))
    if div is None:
        return faults.bad_narrative(f"{place}.text.div")
    resource["text"] = {**text, "div": div}
    return None


def _reserved(made: Json) -> Iterator[Issue]:
    found = made.get("identifier", [])
    listed = found if isinstance(found, list) else [found]
    for number, one in enumerate(listed):
        if str(one.get("system", "")).startswith(_RESERVED):
            yield faults.reserved_identifier(f"{made['resourceType']}.identifier[{number}]")
