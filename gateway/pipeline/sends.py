"""What is known of a send, asserted as a fact of the letter it carried.

Does not decide what a state proves (`pipeline.outgoing`, `pipeline.submissions`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.core.contributions import Target
from gateway.core.facts import Assertion, Op, Span, told_of
from gateway.core.ports import Transaction
from gateway.pipeline.dossiers import told_under

#: A document waits for a qualified identity of its patient.
HELD = "SND.HELD_NO_INS"


@dataclass(frozen=True, slots=True)
class Word:
    """One thing that is known.

    Attributes:
        key: business key of the fact.
        channel: mss or dmp.
        happened: when, aware.
        attributes: beside those every send has.
    """

    event: str
    key: str
    channel: str
    happened: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)


def held_key(doc: str) -> str:
    """Return the key of a document that waits for an INS, whatever the channel."""
    return f"SND|{doc}|held|"


def hold_word(
    tx: Transaction, delivery_id: int, channel: str, said: Mapping[str, Any], now: datetime
) -> None:
    """Assert that a row waits for a qualified identity.

    Args:
        tx: an open transaction.
        delivery_id: of the row.
        channel: mss or dmp.
        said: what `pipeline.outgoing.pathway_of` kept with the row.
        now: instant of the transaction.
    """
    attributes = {"read_requested": said.get("read_requested", "")} if channel == "mss" else {}
    word = Word(HELD, held_key(str(said["doc"])), channel, now, attributes)
    store_word(tx, delivery_id, word, said, now)


def unsay(tx: Transaction, delivery_id: int, now: datetime) -> None:
    """Take back everything a row said: it waits for nothing any more."""
    patients = tx.facts.replace([(-delivery_id, now, [])])
    tx.watch.touch(dict.fromkeys(tx.facts.persons(patients).values(), now))


def store_word(
    tx: Transaction, delivery_id: int, word: Word, said: Mapping[str, Any], now: datetime
) -> None:
    """Assert a word about an outbox row; what the row said under the same key is taken back.

    Args:
        tx: an open transaction.
        delivery_id: of the row.
        word: what is known.
        said: what `pipeline.outgoing.pathway_of` kept with the row.
        now: instant of the transaction.
    """
    instant = word.happened.astimezone(UTC).replace(microsecond=0)
    revision = f"{instant:%Y-%m-%dT%H:%M:%SZ}|{delivery_id:012d}"
    name = f"{word.event}|{word.key}|{revision}"
    attributes = {
        "estab": said["estab"],
        "doc": said["doc"],
        "about": said.get("about", ""),
        "channel": word.channel,
        **word.attributes,
    }
    assertion = Assertion(
        aid=hashlib.sha256(name.encode()).hexdigest(),
        event=word.event,
        key=word.key,
        op=Op.ASSERT,
        revision=revision,
        when=Span(instant, instant),
        sent_at=instant,
        patient=_holder(tx, said),
        source=said["source"],
        attributes={name: value for name, value in attributes.items() if value != ""},
    )
    # No input says it: rows of the outbox are numbered below zero beside those of the inbox.
    assertions = [assertion, *_kept(tx, delivery_id, assertion)]
    patients = tx.facts.replace([(-delivery_id, now, assertions)])
    persons = tx.facts.persons(patients)
    tx.watch.touch(dict.fromkeys(persons.values(), now))


def _holder(tx: Transaction, said: Mapping[str, Any]) -> Target:
    """Return whom the facts of a letter are with: its dossier may have been moved since."""
    found = (
        one.assertion.patient
        for one in told_under(tx, said["patient"])
        if one.assertion.attributes.get("setid") == said["doc"]
        and one.assertion.event.startswith("DOC.")
        and one.assertion.patient is not None
        and told_of(one.assertion.patient.id)[0] == said["patient"]
    )
    return next(found, Target("Patient", said["patient"]))


def _kept(tx: Transaction, delivery_id: int, assertion: Assertion) -> list[Assertion]:
    """Return what a row asserts under other keys: being read takes no arrival back, nor a wait."""
    if assertion.patient is None:
        return []
    return [
        one.assertion
        for one in told_under(tx, told_of(assertion.patient.id)[0])
        if one.order == -delivery_id and one.assertion.key != assertion.key
    ]
