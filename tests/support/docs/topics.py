"""The page of the topics one can subscribe to, from their table."""

from collections.abc import Iterable

from gateway.fhir.topics import Filter, Topic
from tests.support.docs.markdown import NOTICE, table

_INTRO = """# Topics

{notice}

What one can subscribe to (Subscriptions R5 Backport 1.1.0).
The address of a topic is `https://relais.example/fhir/SubscriptionTopic/` and its name; it is the
`criteria` of a Subscription.
A filter is a search parameter of the focus; a reference also takes `:identifier` with
`system|value`.
Each topic is published as a Basic (R4) and as a SubscriptionTopic (R5) in `profiles/fhir`.
[Subscribe to gaps](../howto/subscribe-to-gaps.md) shows one from the first request on.

"""


def page(topics: Iterable[Topic]) -> str:
    """Write the page."""
    rows = [
        (
            f"`{topic.name}`",
            topic.description,
            topic.resource,
            ", ".join(topic.interactions),
            ", ".join(_filter(one) for one in topic.filters.values()),
        )
        for topic in topics
    ]
    head = ("topic", "an event is", "focus", "on", "filters")
    return _INTRO.format(notice=NOTICE) + table(head, rows) + "\n"


def _filter(one: Filter) -> str:
    to = f" ({one.target or 'any type'})" if one.kind == "reference" else ""
    return f"`{one.param}`{to}"
