"""Mutes held to a perimeter: a client mutes, lifts and lists what it may be shown, nothing else.

A mute of a gap or a person is shown with the person; one of a rule at an establishment to clients
whose territory it is in; one of a recipient domain concerns the whole installation, and is for
clients without a perimeter.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from gateway.core.access import Client, Sight
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Transaction
from gateway.core.work import Mute, Scope
from gateway.fhir import mute_faults
from gateway.fhir.mutes import Asked
from gateway.pipeline import mutes, seen
from gateway.pipeline.seen_gaps import SeenGaps

#: What a client is told is not there, when it is not shown.
_HIDDEN = {Scope.GAP: "gap", Scope.PATIENT_RULE: "patient"}


def mute_for(
    tx: Transaction, wish: Asked, rules: Collection[str], now: datetime, sight: Sight | None
) -> Mute:
    """Keep a mute that somebody asks for; return it.

    Args:
        tx: a transaction that writes and sees everything.
        wish: what is asked for.
        rules: ids of all rules.
        now: instant of the commit.
        sight: of who asks; None: everything.

    Raises:
        RejectedError: it is wrong, what would be muted is not there or not shown (RLS-GAP-021 to
            026), or it reaches beyond the territory (RLS-SEC-055).
    """
    if sight is None or not sight.has_territory:
        return mutes.mute(tx, wish, rules, now)
    shown = seen.decided_by(tx, sight)
    made = mutes.mute(tx, wish, rules, now, shown.resources)
    if not _is_shown(tx, made, sight):
        # The transaction ends with the refusal: nothing of the mute is kept.
        hidden = _HIDDEN.get(made.scope)
        raise RejectedError([mute_faults.nothing_there(hidden) if hidden else _beyond()])
    return made


def lift_for(tx: Transaction, mute_id: str, by: str, now: datetime, sight: Sight | None) -> Mute:
    """End a mute before its time; one that is not shown is not there.

    Raises:
        RejectedError: there is none (RLS-GAP-027), or it is over (RLS-GAP-028).
    """
    if not any(one.id == mute_id for one in shown_mutes(tx, tx.work.mutes(), sight)):
        raise RejectedError([mute_faults.no_mute()])
    return mutes.lift(tx, mute_id, by, now)


def shown_mutes(tx: Transaction, found: Iterable[Mute], sight: Sight | None) -> list[Mute]:
    """Return those of some mutes that a client may be shown."""
    if sight is None or not sight.has_territory:
        return list(found)
    return [one for one in found if _is_shown(tx, one, sight)]


def _is_shown(tx: Transaction, made: Mute, sight: Sight) -> bool:
    parts = made.subject.split("|")[1:]
    if made.scope is Scope.GAP:
        return SeenGaps(tx, sight, tx.watch).gap(parts[0]) is not None
    if made.scope is Scope.PATIENT_RULE:
        key = ("Patient", parts[0])
        return key in seen.seen_by(tx, sight).resources.current([key])
    if made.scope is Scope.RULE_ESTABLISHMENT:
        client = tx.access.client(sight.client)
        return client is not None and set(parts[1:]) <= _territory(client)
    return False


def _territory(client: Client) -> set[str]:
    return {*(client.territory or ()), *client.own}


def _beyond() -> Issue:
    return Issue(
        code="RLS-SEC-055",
        severity=Severity.ERROR,
        where="http.body scope",
        what="the mute would silence what is outside of the territory of the client.",
        fix="Mute a gap, a person or a rule at an establishment of the territory; the operator "
        "mutes the rest (relais pathway mute).",
    )
