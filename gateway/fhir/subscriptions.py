"""Subscription resources: what is honoured, what is kept, what is shown.

A subscription that could never be honoured is refused when it is written. Standard: FHIR R4
Subscription with the profile backport-subscription (Subscriptions R5 Backport 1.1.0). Sends
nothing; notifications are in `fhir.notifications`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from gateway.core.contributions import Json
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.egress import EgressPolicy
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.systems import FHIR_BASE
from gateway.core.timestamps import PARIS
from gateway.fhir import nde, shape
from gateway.fhir import subscription_faults as faults
from gateway.fhir.findings import TYPE
from gateway.fhir.subscription_channels import (
    CHANNEL_TYPE,
    CONTENTS,
    ChannelRules,
    channel_of,
    headers_of,
    judge_form,
    judge_reach,
)
from gateway.fhir.subscription_filters import FilterError, Wish, read_filter, write_filter
from gateway.fhir.topics import TOPICS, Topic

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport"
PROFILE = f"{BACKPORT}/StructureDefinition/backport-subscription"
FILTER = f"{BACKPORT}/StructureDefinition/backport-filter-criteria"
CONTENT = f"{BACKPORT}/StructureDefinition/backport-payload-content"
HEARTBEAT = f"{BACKPORT}/StructureDefinition/backport-heartbeat-period"
TIMEOUT = f"{BACKPORT}/StructureDefinition/backport-timeout"
MAX_COUNT = f"{BACKPORT}/StructureDefinition/backport-max-count"
#: Ours: what the client of the subscription writes itself is not told to it.
MUTES_OWN = f"{FHIR_BASE}/StructureDefinition/subscription-mutes-own"
#: Ours: no more events a second are sent than the receiver wants.
PER_SECOND = f"{FHIR_BASE}/StructureDefinition/subscription-events-per-second"

#: Events of one notification at most, whatever is asked for.
MOST = 500
#: Stands for the value of a header wherever a subscription is shown.
MASK = "***"

_NUMBERS = {
    HEARTBEAT: ("valueUnsignedInt", 10, 7 * 86400),
    TIMEOUT: ("valueUnsignedInt", 1, 60),
    MAX_COUNT: ("valuePositiveInt", 1, MOST),
    PER_SECOND: ("valuePositiveInt", 1, 1000),
}


@dataclass(frozen=True, slots=True)
class SubscriptionRules:
    """What an installation honours.

    Attributes:
        egress: endpoints that may be called.
        contents: levels of content a client may ask for.
        per_client: subscriptions of one client at most.
        channels: types of channels that are sent by.
        mail_domains: domains mails may go to, their sub-domains included; `*` admits all.
    """

    egress: EgressPolicy = field(default_factory=EgressPolicy)
    contents: frozenset[str] = frozenset(CONTENTS)
    per_client: int = 100
    channels: frozenset[str] = frozenset({"rest-hook", "message", "websocket", "nde"})
    mail_domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription asks for.

    Attributes:
        headers: name and value of what each request carries.
        heartbeat_s: 0: never.
        timeout_s: 0: as the installation does.
        end: after it nothing is sent.
        max_count: events of one notification at most.
        channel: type of the channel.
        mutes_own: the writes of its client are no events for it.
        start: what happened before is not told.
        per_second: events a second at most; 0: as the installation does.
    """

    topic: Topic
    filters: tuple[Wish, ...]
    content: str
    mime: str
    endpoint: str
    headers: tuple[tuple[str, str], ...] = ()
    heartbeat_s: int = 0
    timeout_s: int = 0
    end: datetime | None = None
    max_count: int = 1
    channel: str = "rest-hook"
    mutes_own: bool = False
    start: datetime | None = None
    per_second: int = 0

    @property
    def is_pushed(self) -> bool:
        """Tell whether events leave through the outbox; a websocket fetches them by itself."""
        return self.channel != "websocket"


def accept(resource: Json, rules: SubscriptionRules, now: datetime) -> tuple[Json, Terms, str]:
    """Judge a Subscription a client wrote.

    Args:
        resource: as sent.
        rules: of the installation.
        now: instant of the request.

    Returns:
        The Subscription as it is kept (without id, status and error), its terms, and its status:
        `off` when that was sent, else `requested` (a client cannot activate by itself).

    Raises:
        RejectedError: it cannot be honoured; one issue per fault.
    """
    if not isinstance(resource, dict) or resource.get("resourceType") != "Subscription":
        raise RejectedError([faults.not_a_subscription()])
    wrong = [issue for issue in shape.check(resource) if issue.severity.refuses]
    if nde.is_of_guide(resource):
        if any(issue.code == TYPE.code for issue in wrong):
            # What is no object has no elements to be read as the guide has them.
            raise RejectedError(wrong)
        resource = nde.as_topic_subscription(resource)
        wrong = [issue for issue in shape.check(resource) if issue.severity.refuses]
    if wrong:
        raise RejectedError([*wrong, *_beside(resource, wrong, rules, now)])
    terms, found = _judged(resource, rules, now)
    if found or terms is None:
        raise RejectedError(found)
    # The guide of the French volet knows no handshake: what is sent first is the first event.
    status = "active" if terms.channel == "nde" else "requested"
    return _kept(resource, terms), terms, "off" if resource["status"] == "off" else status


@lru_cache(maxsize=1024)
def terms_of(body: bytes) -> Terms:
    """Return the terms of a Subscription as it is kept.

    Raises:
        RejectedError: what is kept cannot be honoured any more, such as an unknown topic.
    """
    try:
        resource = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RejectedError([faults.not_a_subscription()]) from None
    # What was kept has no status: that is the running side's.
    wrong = shape.check({**resource, "status": "off"}) if isinstance(resource, dict) else []
    if wrong or not isinstance(resource, dict):
        raise RejectedError(wrong or [faults.not_a_subscription()])
    terms, found = _terms(resource)
    if terms is None or found:
        raise RejectedError(found)
    return terms


def shown(row: SubscriptionRow) -> Json:
    """Return the Subscription as clients see it: status in, values of headers out."""
    resource: Json = orjson.loads(row.body)
    channel = dict(resource["channel"])
    if "header" in channel:
        channel["header"] = [f"{line.partition(':')[0]}: {MASK}" for line in channel["header"]]
    made = {
        **{name: resource[name] for name in resource if name not in ("criteria", "channel")},
        "status": row.status,
        **({"error": row.error} if row.error else {}),
        "criteria": resource["criteria"],
        "channel": channel,
    }
    return {"resourceType": "Subscription", "id": row.id, **_without(made, "resourceType", "id")}


def with_secrets(resource: Json, before: bytes) -> Json:
    """Put back header values that a client read masked and wrote as it read them."""
    known = {
        line.partition(":")[0].lower(): line
        for line in orjson.loads(before)["channel"].get("header", ())
    }
    channel = resource.get("channel")
    if not isinstance(channel, dict) or not isinstance(channel.get("header"), list):
        return resource
    lines = [
        known.get(line.partition(":")[0].lower(), line)
        if isinstance(line, str) and line.partition(":")[2].strip() == MASK
        else line
        for line in channel["header"]
    ]
    return {**resource, "channel": {**channel, "header": lines}}


def _kept(resource: Json, terms: Terms) -> Json:
    kept = _without(resource, "id", "status", "error", "text", "meta")
    kept["meta"] = {"profile": [PROFILE]}
    if terms.filters:
        written = [write_filter(wish, terms.topic) for wish in terms.filters]
        extensions = [{"url": FILTER, "valueString": text} for text in written]
        kept["_criteria"] = {"extension": extensions}
    return kept


def _without(value: Json, *names: str) -> Json:
    return {name: item for name, item in value.items() if name not in names}


def _judged(
    resource: Json, rules: SubscriptionRules, now: datetime
) -> tuple[Terms | None, list[Issue]]:
    """Return the terms of a well-shaped Subscription and every fault of it."""
    terms, found = _terms(resource)
    # What no channel can carry is said once, not again by what this installation offers.
    said = {(one.code, one.where) for one in found}
    more = _against_rules(resource, rules, now)
    return terms, [*found, *(one for one in more if (one.code, one.where) not in said)]


def _beside(
    resource: Json, wrong: Sequence[Issue], rules: SubscriptionRules, now: datetime
) -> list[Issue]:
    """Return what else is wrong with a Subscription that has places out of shape.

    Those places are left out, and nothing is said of them a second time.
    """
    places = [issue.where.split(".")[1:] for issue in wrong]
    names = {place[0].partition("[")[0] for place in places if place}
    channel = resource.get("channel")
    if not isinstance(channel, dict) or not isinstance(resource.get("criteria"), str):
        return []
    if any(place in (["channel"], ["channel", "type"]) for place in places):
        return []
    inner = {
        place[1].partition("[")[0] for place in places if place[0] == "channel" and len(place) > 1
    }
    left = _without(resource, *(names - {"channel", "criteria"}))
    _, found = _judged({**left, "channel": _without(channel, *inner)}, rules, now)
    taken = tuple(issue.where for issue in wrong)
    return [
        one
        for one in found
        if not any(f"{where}.".startswith(f"{one.where}.") or where == one.where for where in taken)
    ]


def _terms(resource: Json) -> tuple[Terms | None, list[Issue]]:
    """Read the terms of a well-shaped Subscription; None when they make no sense at all."""
    channel = resource["channel"]
    found = _foreign(resource)
    name, taken = channel_of(channel, found)
    topic = TOPICS.get(resource["criteria"])
    if topic is None:
        found.append(faults.unknown_topic(sorted(TOPICS)))
    filters = [] if topic is None else _filters(resource, topic, found)
    content = _extension(channel.get("_payload"), CONTENT).get("valueCode")
    judge_form(channel, content or "", taken, found)
    headers = headers_of(channel.get("header", ()), found) if taken.has_headers else []
    numbers = {url: _number(channel, url, found) for url in _NUMBERS}
    if topic is None:
        return None, found
    terms = Terms(
        topic=topic,
        filters=tuple(filters),
        content=content if content in CONTENTS else "empty",
        mime=channel.get("payload", ""),
        endpoint=channel.get("endpoint", ""),
        headers=tuple(headers),
        heartbeat_s=numbers[HEARTBEAT],
        timeout_s=numbers[TIMEOUT],
        end=_end(resource),
        max_count=numbers[MAX_COUNT] or 1,
        channel=name,
        start=_instant(_extension(resource, nde.START).get("valueDateTime", "")),
        per_second=numbers[PER_SECOND],
        mutes_own=_extension(resource, MUTES_OWN).get("valueBoolean") is True,
    )
    return terms, found


def _instant(text: str) -> datetime | None:
    """Return an instant as it is written; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=PARIS)


def _end(resource: Json) -> datetime | None:
    return datetime.fromisoformat(resource["end"]) if "end" in resource else None


def _against_rules(resource: Json, rules: SubscriptionRules, now: datetime) -> list[Issue]:
    found: list[Issue] = []
    channel = resource["channel"]
    content = _extension(channel.get("_payload"), CONTENT).get("valueCode")
    if content in CONTENTS and content not in rules.contents:
        found.append(faults.unsupported_content([c for c in CONTENTS if c in rules.contents]))
    # An unknown channel was told of where the form is judged; its endpoint is that of a rest-hook.
    name, _ = channel_of(channel, [])
    reach = ChannelRules(rules.channels, rules.egress, rules.mail_domains)
    found += judge_reach(name, channel.get("endpoint", ""), reach)
    end = _end(resource)
    if end is not None and end <= now:
        found.append(faults.ended())
    return found


def _foreign(resource: Json) -> list[Issue]:
    """Find extensions on criteria and channel that would silently be without effect."""
    channel = resource["channel"]
    places: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        ("criteria", resource.get("_criteria"), (FILTER,)),
        ("channel", channel, tuple(_NUMBERS)),
        ("channel.type", channel.get("_type"), (CHANNEL_TYPE,)),
        ("channel.payload", channel.get("_payload"), (CONTENT,)),
        ("channel.endpoint", channel.get("_endpoint"), ()),
    )
    found = [
        faults.unknown_extension(f"Subscription.{place}")
        for place, holder, known in places
        for one in [*(holder or {}).get("extension", ())]
        if one["url"] not in known
    ]
    if channel.get("modifierExtension") or resource.get("modifierExtension"):
        found.append(faults.unknown_extension("Subscription.modifierExtension"))
    return found


def _filters(resource: Json, topic: Topic, found: list[Issue]) -> list[Wish]:
    wishes: list[Wish] = []
    extensions = (resource.get("_criteria") or {}).get("extension", ())
    for index, one in enumerate(e for e in extensions if e["url"] == FILTER):
        try:
            wishes += read_filter(one.get("valueString", ""), topic)
        except FilterError as error:
            found.append(faults.refused_filter(index, str(error)))
    return wishes


def _number(channel: Json, url: str, found: list[Issue]) -> int:
    extension = _extension(channel, url)
    if not extension:
        return 0
    name, low, high = _NUMBERS[url]
    value = extension.get(name)
    if not isinstance(value, int) or not low <= value <= high:
        found.append(faults.out_of_range(url.rpartition("/")[2], low, high))
        return 0
    return value


def _extension(holder: Json | None, url: str) -> Json:
    extensions: Sequence[Json] = (holder or {}).get("extension", ())
    return next((one for one in extensions if one["url"] == url), {})
