"""What a client may be shown, as a condition on rows of `resource` and `resource_history`.

The one predicate every search, count and listing carries when it is asked for a client; the same
words in memory are `MemorySight`. Decides nothing: permits were decided by `sharing.decision`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
)

from gateway.core.access import Sight
from gateway.core.ports import StoredResource
from gateway.fhir.compartment import HANDOFF, category_of
from gateway.store.codec import instant_text, key_text
from gateway.store.columns import TEXT
from gateway.store.tables import TABLES

_HANDOFF: tuple[ColumnElement[str], ...] = tuple(
    literal_column(f"'{name}'") for name in sorted(HANDOFF)
)
_EMPTY: ColumnElement[str] = literal_column("''")


def form(sight: Sight | None) -> tuple[object, ...]:
    """Return what the text of a condition depends on."""
    return () if sight is None else (sight.has_territory,)


def values(sight: Sight | None) -> dict[str, str]:
    """Return the values of a condition by their names."""
    if sight is None:
        return {}
    return {
        "sight_client": key_text(sight.client),
        "sight_person": key_text(sight.person or sight.client),
        "sight_now": instant_text(sight.now),
        "sight_letter": sight.audience.value,
    }


def seen(row: Any, sight: Sight) -> ColumnElement[bool]:
    """Return the condition that a client may be shown a row.

    Args:
        row: columns of `resource` or of `resource_history`.
        sight: whose condition; its values come by `values`.
    """
    own = TABLES["subscription"].alias("own").c
    mine = exists().where(own.id == row.id, own.client == _given("sight_client"))
    of_others = row.type == literal_column("'Subscription'")
    met = or_(~of_others, mine)
    if not sight.has_territory:
        return met
    permit = TABLES["access_permit"].alias("permit").c
    category = case(
        (row.type.in_(_HANDOFF), literal_column("'handoff'")), else_=literal_column("'document'")
    )
    permitted = exists().where(
        permit.client.in_((_given("sight_client"), _given("sight_person"))),
        permit.category == category,
        permit.patient == row.patient,
        permit.until > _given("sight_now"),
    )
    shown = func.replace(row.masks, _given("sight_letter"), _EMPTY) == row.masks
    return and_(met, shown, or_(row.patient == _EMPTY, permitted))


def seen_past(row: Any, sight: Sight) -> ColumnElement[bool]:
    """Return the condition that a client may be shown a superseded version: it and the current."""
    now = TABLES["resource"].alias("seen_now").c
    same = and_(now.type == row.type, now.id == row.id)
    return and_(seen(row, sight), exists().where(same, seen(now, sight)))


def _given(name: str) -> ColumnElement[str]:
    return bindparam(name, "", type_=TEXT)


class MemorySight:
    """The same condition on versions in memory."""

    def __init__(
        self,
        sight: Sight,
        permitted: set[tuple[str, str]],
        owner_of: Callable[[str], str | None],
    ) -> None:
        self._sight, self._permitted, self._owner_of = sight, permitted, owner_of

    def sees(self, row: StoredResource) -> bool:
        """Tell whether a client may be shown a version."""
        sight = self._sight
        if row.type == "Subscription" and self._owner_of(row.id) != sight.client:
            return False
        if not sight.has_territory:
            return True
        if sight.audience.value in row.masks:
            return False
        return not row.patient or (row.patient, category_of(row.type)) in self._permitted

    def sees_past(
        self, row: StoredResource, current: Mapping[tuple[str, str], StoredResource]
    ) -> bool:
        """Tell whether a client may be shown a version, which may be superseded."""
        return self.sees(row) and self.sees(current[row.type, row.id])
