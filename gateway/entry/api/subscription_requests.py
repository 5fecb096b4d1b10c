"""What the operations on Subscription read of a request, and which subscription it is about."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson
from fastapi import Request

from gateway.core.contributions import Json
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.errors import RejectedError
from gateway.core.ports import Transaction
from gateway.entry.api import subscription_faults as faults
from gateway.entry.api.asked import handling_is_lenient
from gateway.entry.api.bodies import read_body
from gateway.fhir.search_faults import place, unknown_parameter
from gateway.fhir.subscription_faults import not_a_subscription
from gateway.pipeline import subscribed

Pairs = list[tuple[str, str]]

_MEDIA = frozenset({"application/fhir+json", "application/json"})
_LIMIT = 64 * 1024
#: What every request may say about its answer.
_GENERAL = ("_format", "_pretty")


def owned(tx: Transaction, id_: str, client: str) -> SubscriptionRow:
    """Return a subscription of a client.

    Raises:
        RejectedError: unknown, somebody else's, or deleted.
    """
    row = tx.subscriptions.get(id_)
    if row is None or row.client != client:
        raise RejectedError([faults.unknown()])
    if is_deleted(tx, id_):
        raise RejectedError([faults.deleted()])
    return row


def is_deleted(tx: Transaction, id_: str) -> bool:
    """Tell whether a subscription was deleted."""
    stored = subscribed.current(tx, id_)
    return stored is not None and stored.deleted


async def body_of(request: Request) -> Json:
    """Read the resource in the body of a request.

    Raises:
        RejectedError: it is no JSON object (RLS-SUB-011), or not to be read at all (RLS-NET).
    """
    body = await read_body(request, _MEDIA, _LIMIT)
    try:
        sent = orjson.loads(body.data)
    except orjson.JSONDecodeError:
        raise RejectedError([not_a_subscription()]) from None
    if not isinstance(sent, dict):
        raise RejectedError([not_a_subscription()])
    return sent


async def parameters_of(request: Request, known: Mapping[str, bool]) -> Pairs:
    """Read the parameters of an operation, from the address and from a Parameters resource.

    Args:
        request: of the client.
        known: names that are understood, and whether each may come more than once.

    Raises:
        RejectedError: one that is not understood, unless the client wants it left out
            (RLS-FHR-060), or one said twice (RLS-SUB-019); one issue each.
    """
    pairs = await _sent(request)
    names = [name for name, _ in pairs]
    found = [
        faults.bad_parameter(name, "given once")
        for name, is_list in known.items()
        if not is_list and names.count(name) > 1
    ]
    if not handling_is_lenient(request):
        offered = tuple(sorted((*known, *_GENERAL)))
        found += [
            unknown_parameter(place(name), "this operation", offered)
            for name in dict.fromkeys(names)
            if name not in offered
        ]
    if found:
        raise RejectedError(found)
    return pairs


async def _sent(request: Request) -> Pairs:
    text: bytes = request.scope["query_string"]
    pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
    if request.method != "POST" or request.headers.get("content-length", "0") == "0":
        return pairs
    sent = await body_of(request)
    parameters = sent.get("parameter", [])
    if sent.get("resourceType") != "Parameters" or not isinstance(parameters, list):
        raise RejectedError([faults.bad_parameter("body", "a Parameters resource")])
    for one in parameters:
        found = dict(one) if isinstance(one, dict) else {}
        values = [v for name, v in found.items() if name.startswith("value")]
        if len(values) != 1 or not isinstance(found.get("name"), str):
            raise RejectedError([faults.bad_parameter("body", "names with one value each")])
        pairs.append((found["name"], str(values[0])))
    return pairs


def number_of(asked: dict[str, str], name: str, default: int) -> int:
    """Return the number of an event among parameters.

    Raises:
        RejectedError: it is none (RLS-SUB-019).
    """
    text = asked.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise RejectedError([faults.bad_parameter(name, "the number of an event")])
    return int(text)
