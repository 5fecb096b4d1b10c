"""The channels one can be told by, and what each of them can carry (FHIR R4 Subscription.channel).

Judges what a channel asks for; sends nothing. Subscriptions R5 Backport 1.1.0, channels.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.core.contributions import Json
from gateway.core.egress import EgressPolicy, EndpointError, read_endpoint
from gateway.core.issues import Issue
from gateway.fhir import nde
from gateway.fhir import subscription_faults as faults

ChannelType = Literal["rest-hook", "websocket", "message", "email"]

#: Says that a channel is none of R4's own (Subscriptions R5 Backport 1.1.0).
CHANNEL_TYPE = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-channel-type"
)
#: From the least to the most that a notification holds.
CONTENTS = ("empty", "id-only", "full-resource")

_VERSION = r"(?:\s*;\s*fhirversion\s*=\s*4\.0(?:\.1)?)?"
_FHIR = re.compile(rf"application/fhir\+(json|xml){_VERSION}", re.I)
_MAIL = re.compile(r"text/plain(?:\s*;\s*attach\s*=\s*application/fhir\+(json|xml))?", re.I)
_MAILTO = re.compile(r"mailto:([A-Za-z0-9._%+-]{1,64})@([A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24})")
#: `Name: value` of printable ASCII; no line end can be in it.
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*))")
#: What the connection, the payload, proxies or our signature decide.
_OURS = re.compile(
    r"host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|cookie"
    r"|proxy-.*|forwarded|via|x-forwarded-.*|x-real-ip|x-relais-.*",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Channel:
    """What one type of channel takes.

    Attributes:
        media: what `channel.payload` may be.
        medias: the same in words, for the issue.
        contents: levels of content it may carry.
        endpoint: what `channel.endpoint` is: `http`, `mail`, or empty for none.
        has_headers: it sends `channel.header`.
    """

    media: re.Pattern[str]
    medias: str
    contents: tuple[str, ...] = CONTENTS
    endpoint: Literal["http", "mail", ""] = "http"
    has_headers: bool = True


_BOTH = "application/fhir+json or application/fhir+xml"
CHANNELS: Mapping[str, Channel] = {
    "rest-hook": Channel(_FHIR, _BOTH),
    "message": Channel(_FHIR, _BOTH),
    "websocket": Channel(_FHIR, _BOTH, endpoint="", has_headers=False),
    # What the French volet has: a channel of its own, told by the extension of the guide.
    "nde": Channel(_FHIR, "application/fhir+json", CONTENTS[1:2]),
    # A mail is read by whoever runs the servers on its way: what a gap says never goes into one.
    "email": Channel(
        _MAIL,
        "text/plain, with ;attach=application/fhir+json or without",
        CONTENTS[:2],
        "mail",
        has_headers=False,
    ),
}


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """What an installation sends by.

    Attributes:
        offered: types of channels.
        egress: endpoints that may be called.
        mail_domains: domains mails may go to, their sub-domains included; `*` admits all.
    """

    offered: frozenset[str] = frozenset({"rest-hook", "message", "websocket", "nde"})
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    mail_domains: frozenset[str] = frozenset()


def channel_of(channel: Json, found: list[Issue]) -> tuple[str, Channel]:
    """Return the name of a channel and what it takes; of an unknown one those of a rest-hook."""
    name = channel["type"]
    if "_type" in channel:
        own = [one.get("valueCoding") for one in (channel["_type"] or {}).get("extension", ())]
        name = "nde" if own == [nde.CHANNEL] and name == "rest-hook" else ""
    if name not in CHANNELS:
        found.append(faults.unsupported_channel(sorted(set(CHANNELS) - {"nde"})))
        name = "rest-hook"
    return name, CHANNELS[name]


def judge_form(channel: Json, content: str, taken: Channel, found: list[Issue]) -> None:
    """Judge media type, content and endpoint by what the channel can carry at all."""
    if not taken.media.fullmatch(channel.get("payload", "")):
        found.append(faults.unsupported_mime(taken.medias))
    if content not in taken.contents:
        found.append(faults.unsupported_content(taken.contents))
    endpoint = channel.get("endpoint", "")
    if taken.endpoint and not endpoint:
        found.append(faults.refused_endpoint("it is missing"))
    elif endpoint and not taken.endpoint:
        found.append(faults.refused_endpoint("a websocket is opened by the client and has none"))
    if channel.get("header") and not taken.has_headers:
        found.append(faults.refused_header(0))


def judge_reach(type_: str, endpoint: str, rules: ChannelRules) -> list[Issue]:
    """Judge whether this installation sends by a channel to an endpoint."""
    if type_ not in rules.offered:
        return [faults.unsupported_channel(sorted(rules.offered))]
    if not endpoint:
        return []
    try:
        if CHANNELS[type_].endpoint == "mail":
            read_mailbox(endpoint, rules.mail_domains)
        else:
            read_endpoint(endpoint, rules.egress)
    except EndpointError as error:
        return [faults.refused_endpoint(str(error))]
    return []


def read_mailbox(endpoint: str, domains: frozenset[str]) -> str:
    """Return the address of a `mailto:` endpoint.

    Raises:
        EndpointError: it is none, or its domain is not among those mails may go to.
    """
    match = _MAILTO.fullmatch(endpoint)
    if match is None:
        msg = "it is not mailto: with one address"
        raise EndpointError(msg)
    domain = match[2].lower()
    if "*" not in domains and not any(
        domain == one or domain.endswith(f".{one}") for one in domains
    ):
        msg = "its domain is not among those this installation writes to"
        raise EndpointError(msg)
    return f"{match[1]}@{domain}"


def is_xml(payload: str) -> bool:
    """Tell whether a `channel.payload` asks for XML."""
    return "+xml" in payload.lower()


def attachment(payload: str) -> str:
    """Return the media type of the attachment a mail is asked to have; empty for none."""
    match = _MAIL.fullmatch(payload)
    return f"application/fhir+{match[1].lower()}" if match and match[1] else ""


def headers_of(lines: Sequence[str | None], found: list[Issue]) -> list[tuple[str, str]]:
    """Return name and value of each header; what is not sent becomes an issue."""
    headers: list[tuple[str, str]] = []
    for index, line in enumerate(lines):
        match = _HEADER.fullmatch(line or "")
        if match is None or _OURS.fullmatch(match[1]):
            found.append(faults.refused_header(index))
        else:
            headers.append((match[1], match[2].rstrip()))
    return headers
