"""Claims of targets that other targets may contradict, in memory."""

from collections.abc import Iterable, Mapping, Sequence

from gateway.core.contributions import Claim, Target
from gateway.store import codec
from gateway.store.journal import Journal


class MemoryClaims:
    """Claims of targets that other targets may contradict."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._claims: dict[Target, frozenset[Claim]] = {}
        #: Targets that claim, or have claimed, each (kind, value).
        self._targets: dict[tuple[str, str], dict[Target, None]] = {}

    def replace(self, claims: Mapping[Target, Sequence[Claim]]) -> set[tuple[str, str]]:
        """Make these the claims of each target; return the (kind, value) pairs that changed."""
        changed: set[tuple[str, str]] = set()
        for target, wanted in claims.items():
            after = frozenset(
                Claim(c.kind, codec.key_text(c.value), target, codec.storable(c.content))
                for c in wanted
            )
            different = after ^ self._claims.get(target, frozenset())
            changed |= {(claim.kind, claim.value) for claim in different}
            self._journal.put(self._claims, target, after)
            for claim in after:
                known = self._targets.setdefault((claim.kind, claim.value), {})
                self._journal.put(known, target, None)
        return changed

    def sharing(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Claim]]:
        """Return every claim on each (kind, value)."""
        wanted = {(kind, codec.key_text(value)) for kind, value in pairs}
        found: dict[tuple[str, str], list[Claim]] = {}
        for pair in sorted(wanted):
            for target in self._targets.get(pair, ()):
                for claim in self._claims.get(target, ()):
                    if (claim.kind, claim.value) == pair:
                        found.setdefault(pair, []).append(claim)
        for shared_claims in found.values():
            shared_claims.sort(key=lambda claim: (claim.target, claim.content))
        return found

    def held(self, targets: Sequence[Target]) -> dict[Target, list[Claim]]:
        """Return the claims of each target that has any."""
        held = {
            target: sorted(self._claims.get(target, ()), key=_claim_order) for target in targets
        }
        return {target: claims for target, claims in held.items() if claims}


def _claim_order(claim: Claim) -> tuple[str, str, str]:
    return claim.kind, claim.value, claim.content
