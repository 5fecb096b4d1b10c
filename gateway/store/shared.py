"""Rows of shared contributions: equal content kept once, with the newest and oldest who said it.

Pure; the three stores use it, so that a replay gives the same rows everywhere. The oldest speaker
is kept so that content survives when its newest speaker is converted again and says otherwise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway.core.contributions import Contribution, Kind
from gateway.store.codec import payload_hash, target_text, write_payload


class Said(NamedTuple):
    """When something was said, and by which input; sorts by version, then ordinal."""

    version: str
    ordinal: int
    inbox_id: int


class SharedRow(NamedTuple):
    """One content of one target.

    Attributes:
        newest: highest version of this content.
        oldest: lowest version still known.
    """

    target: str
    content_hash: str
    newest: Said
    oldest: Said

    def also(self, newest: Said, oldest: Said) -> "SharedRow":
        """Return the row after more inputs said the same, itself when that changes nothing."""
        if newest <= self.newest and oldest >= self.oldest:
            return self
        return self._replace(newest=max(newest, self.newest), oldest=min(oldest, self.oldest))

    def without(self, inbox_id: int) -> "SharedRow | None":
        """Return the row after an input took its word back, None when nobody is left."""
        newest, oldest = self.newest, self.oldest
        if newest.inbox_id == inbox_id:
            return None if oldest.inbox_id == inbox_id else self._replace(newest=oldest)
        # Forgetting the oldest makes a replay of every input end as a first conversion does.
        return self._replace(oldest=newest) if oldest.inbox_id == inbox_id else self


#: (target, content hash)
SharedKey = tuple[str, str]


class SharedChange(NamedTuple):
    """What a replacement does to the shared rows.

    Attributes:
        written: rows that are new or differ.
        deleted: keys of rows nobody says any more.
        targets: targets whose fold may give something else.
    """

    written: list[SharedRow]
    deleted: list[SharedKey]
    targets: set[str]


def change(
    before: Mapping[SharedKey, SharedRow],
    by_inbox: Mapping[int, Sequence[tuple[SharedKey, str, int]]],
) -> SharedChange:
    """Return what becomes of shared rows when inputs say what they say now.

    Args:
        before: every row of a target that is spoken about, and every row an input spoke.
        by_inbox: for each input, (key, version, ordinal) of each content.
    """
    after = dict(before)
    for inbox_id, key in _taken_back(before, by_inbox):
        kept = after[key].without(inbox_id) if key in after else None
        if kept is None:
            after.pop(key, None)
        else:
            after[key] = kept
    for key, (newest, oldest) in _extremes(by_inbox).items():
        known = after.get(key)
        words = Said(*newest), Said(*oldest)
        after[key] = SharedRow(*key, *words) if known is None else known.also(*words)
    written = [row for key, row in after.items() if before.get(key) is not row]
    deleted = [key for key in before if key not in after]
    touched = {row.target for row in written} | {target for target, _ in deleted}
    return SharedChange(written, deleted, _reordered(touched, before, after))


def _taken_back(
    before: Mapping[SharedKey, SharedRow],
    by_inbox: Mapping[int, Sequence[tuple[SharedKey, str, int]]],
) -> list[tuple[int, SharedKey]]:
    """Return the contents an input is known to have said and does not say any more."""
    held = {
        (said.inbox_id, key)
        for key, row in before.items()
        for said in (row.newest, row.oldest)
        if said.inbox_id in by_inbox
    }
    if not held:
        return []
    spoken_now = {(inbox_id, word[0]) for inbox_id, words in by_inbox.items() for word in words}
    return sorted(held - spoken_now)


def _extremes(
    by_inbox: Mapping[int, Sequence[tuple[SharedKey, str, int]]],
) -> dict[SharedKey, tuple[tuple[str, int, int], tuple[str, int, int]]]:
    """Return who said each content last and who said it first, in a batch of inputs."""
    found: dict[SharedKey, tuple[tuple[str, int, int], tuple[str, int, int]]] = {}
    for inbox_id, words in by_inbox.items():
        for key, version, ordinal in words:
            said = (version, ordinal, inbox_id)
            known = found.get(key)
            if known is None:
                found[key] = (said, said)
            elif said > known[0]:
                found[key] = (said, known[1])
            elif said < known[1]:
                found[key] = (known[0], said)
    return found


def _reordered(
    touched: set[str],
    before: Mapping[SharedKey, SharedRow],
    after: Mapping[SharedKey, SharedRow],
) -> set[str]:
    """Return targets whose contents, oldest first, are not the same list as before.

    A content said again may overtake another one: the fold gives something else then, although
    every content was known.
    """
    old, new = _orders(touched, before), _orders(touched, after)
    return {target for target in touched if old.get(target) != new.get(target)}


def _orders(touched: set[str], rows: Mapping[SharedKey, SharedRow]) -> dict[str, list[str]]:
    found: dict[str, list[tuple[Said, str]]] = {}
    for (target, content_hash), row in rows.items():
        if target in touched:
            found.setdefault(target, []).append((row.newest, content_hash))
    return {target: [content for _, content in sorted(row)] for target, row in found.items()}


def spoken(
    parts: Iterable[Contribution],
    payloads: dict[SharedKey, bytes],
    version_of: Callable[[Contribution], str],
) -> list[tuple[SharedKey, str, int]]:
    """Return (key, version, ordinal) of each shared contribution; add their bytes to `payloads`."""
    found: list[tuple[SharedKey, str, int]] = []
    for part in parts:
        if part.kind is Kind.SHARED:
            # The rest of what such a part may say would be in its payload.
            plain = not (part.removals or part.annotates or part.movement or part.document)
            key, payload = _known(_Same(part)) if plain else _written(_Same(part))
            payloads[key] = payload
            found.append((key, version_of(part), part.ordinal))
    return found


class _Same:
    """A contribution that is recognised by its target and by the very object it says.

    The doctor of many messages is one object in all of their contributions, and no object of a
    contribution ever changes.
    """

    __slots__ = ("_number", "part")

    def __init__(self, part: Contribution) -> None:
        self.part = part
        self._number = id(part.resource)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same):
            return False
        mine, others = self.part, other.part
        return mine.resource is others.resource and mine.target == others.target


def _written(same: _Same) -> tuple[SharedKey, bytes]:
    part = same.part
    payload = write_payload(part)
    return (target_text(part.target), payload_hash(payload)), payload


_known = lru_cache(maxsize=2048)(_written)
