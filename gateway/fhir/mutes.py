"""The operations on mutes: what clients send and what they read (FHIR R4 operations, Parameters).

Judges what is asked for by itself; whether what would be muted exists is the store's to say
(`pipeline.mutes`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.timestamps import utc_seconds
from gateway.core.work import LONGEST_MUTE, SHORTEST_NOTE, Mute, Reason, Scope, subject
from gateway.fhir import mute_faults as faults

#: What each scope is about, in the order of its subject; those in brackets may be left out.
SUBJECTS: Mapping[Scope, tuple[str, ...]] = {
    Scope.GAP: ("gap",),
    Scope.PATIENT_RULE: ("patient", "rule"),
    Scope.RULE_ESTABLISHMENT: ("rule", "organization", "[other-organization]"),
    Scope.RECIPIENT_DOMAIN: ("domain",),
}
_COMMON = ("scope", "reason", "until", "from", "note", "author")
_REFERENCES = {"gap": "DetectedIssue", "patient": "Patient"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A mute as somebody asks for it, each value as it was sent; empty when it was not.

    Attributes:
        parts: what is muted, by the names of `SUBJECTS`.
        author: who asks, as the gateway knows them.
    """

    scope: str
    reason: str
    until: str
    note: str
    author: str
    parts: Mapping[str, str]
    since: str = ""


def asked(sent: Any, client: str) -> Asked:
    """Read the Parameters of `$relais-mute`.

    Args:
        sent: the body.
        client: who sent it; stands beside the author that it may name.

    Raises:
        RejectedError: they cannot be read (RLS-GAP-020, 021).
    """
    known = {name.strip("[]") for names in SUBJECTS.values() for name in names}
    values = parameters(sent, {*_COMMON, *known})
    named = values.get("author", "").strip()
    return Asked(
        scope=values.get("scope", ""),
        reason=values.get("reason", ""),
        until=values.get("until", ""),
        since=values.get("from", ""),
        note=values.get("note", ""),
        author=f"{named} ({client})" if named else client,
        parts={name: value for name, value in values.items() if name not in _COMMON},
    )


def parameters(sent: Any, known: Iterable[str]) -> dict[str, str]:
    """Return the values of Parameters by name; a reference without its type.

    Raises:
        RejectedError: it is no Parameters (RLS-GAP-020), or one is not to be had (RLS-GAP-021).
    """
    if not isinstance(sent, dict) or sent.get("resourceType") != "Parameters":
        raise RejectedError([faults.no_parameters()])
    names, found, wrong = sorted(known), dict[str, str](), list[Issue]()
    listed = sent.get("parameter", [])
    for said in listed if isinstance(listed, list) else [None]:
        one: Json = said if isinstance(said, dict) else {}
        name = one.get("name")
        if not isinstance(name, str) or name not in names:
            wrong.append(faults.wrong_parameter("?", "not known", names))
            continue
        values = [value for key, value in one.items() if key.startswith("value")]
        text = _text(values[0]) if len(values) == 1 else None
        if text is None or name in found:
            reason = "said twice" if name in found else "without one readable value"
            wrong.append(faults.wrong_parameter(name, reason))
            continue
        type_ = _REFERENCES.get(name)
        found[name] = text.removeprefix(f"{type_}/") if type_ else text
    if wrong:
        raise RejectedError(wrong)
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("reference")
    return value.strip() if isinstance(value, str) and value.strip() else None


def judged(wish: Asked, now: datetime) -> Mute:
    """Return the mute that is asked for.

    Args:
        wish: what is asked for.
        now: instant of the commit.

    Raises:
        RejectedError: every fault of it (RLS-GAP-021, 022, 024 to 026).
    """
    wrong: list[Issue] = []
    scope = next((one for one in Scope if one.value == wish.scope), None)
    reason = next((one for one in Reason if one.value == wish.reason), None)
    if scope is None:
        wrong.append(faults.wrong_code("scope", [one.value for one in Scope]))
    else:
        wrong += _wrong_parts(scope, wish.parts)
    if reason is None:
        wrong.append(faults.wrong_code("reason", [one.value for one in Reason]))
    since = _instant(wish.since) if wish.since else now.replace(microsecond=0)
    if since is None or since < now.replace(microsecond=0):
        wrong.append(faults.past_start())
        since = now
    until = _instant(wish.until)
    if until is None:
        wrong.append(faults.wrong_end("is missing, or no instant with offset"))
    elif until <= max(since, now):
        wrong.append(faults.wrong_end("is not after its start"))
    elif until - since > LONGEST_MUTE:
        wrong.append(faults.wrong_end("is too far"))
    if len(wish.note.strip()) < SHORTEST_NOTE:
        wrong.append(faults.short_note())
    if wrong or scope is None or reason is None or until is None:
        raise RejectedError(wrong)
    names = (name.strip("[]") for name in SUBJECTS[scope])
    about = subject(scope, *(wish.parts[name] for name in names if name in wish.parts))
    name = "|".join((about, wish.author, utc_seconds(since), utc_seconds(until)))
    return Mute(
        id=sha256(name.encode()).hexdigest()[:16],
        scope=scope,
        subject=about,
        reason=reason,
        author=wish.author,
        since=since,
        until=until,
        note=wish.note.strip(),
    )


def _wrong_parts(scope: Scope, parts: Mapping[str, str]) -> Iterable[Issue]:
    names = SUBJECTS[scope]
    for name in names:
        if name not in parts and not name.startswith("["):
            yield faults.wrong_parameter(name, "missing", names)
    for name in parts:
        if name not in {one.strip("[]") for one in names}:
            yield faults.wrong_parameter(name, f"not for the scope {scope.value}", names)


def _instant(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(UTC).replace(microsecond=0) if read.tzinfo is not None else None


def shown(mutes: Iterable[Mute]) -> Json:
    """Return mutes as Parameters, one `mute` each."""
    found = [{"name": "mute", "part": list(_parts(one))} for one in mutes]
    return {"resourceType": "Parameters", **({"parameter": found} if found else {})}


def _parts(mute: Mute) -> Iterable[Json]:
    yield {"name": "id", "valueString": mute.id}
    yield {"name": "scope", "valueCode": mute.scope.value}
    values = mute.subject.split("|")[1:]
    for name, value in zip(SUBJECTS[mute.scope], values, strict=False):
        yield {"name": name.strip("[]"), "valueString": value}
    yield {"name": "reason", "valueCode": mute.reason.value}
    yield {"name": "author", "valueString": mute.author}
    yield {"name": "from", "valueDateTime": utc_seconds(mute.since)}
    yield {"name": "until", "valueDateTime": utc_seconds(mute.until)}
    yield {"name": "note", "valueString": mute.note}
    if mute.lifted_at is not None:
        yield {"name": "lifted", "valueDateTime": utc_seconds(mute.lifted_at)}
        yield {"name": "lifted-by", "valueString": mute.lifted_by}
