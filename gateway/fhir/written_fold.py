"""The fold of a type that clients write: the last word of its client is the whole resource.

What inputs of hospitals said about a resource is never replaced by what a client wrote: where both
speak, the inputs are folded and the client is left out. Decision:
docs/adr/0014-what-clients-write.md.
"""

from collections.abc import Sequence

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.fhir.fold import Fold

#: The place a deletion removes: everything.
EVERYTHING = "*"


class WrittenFold:
    """Folds what clients wrote; everything else is left to the fold of the type."""

    def __init__(self, inner: Fold) -> None:
        """Wrap the fold of what inputs say."""
        self._inner = inner

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim what inputs claim; a client claims nothing."""
        said = [part for part in parts if not part.writer]
        return self._inner.claims(target, said) if said else ()

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Return the resource as inputs tell it, else as it was last written, unless deleted."""
        said = [part for part in parts if not part.writer]
        if said:
            return self._inner.resources(target, said, rivals)
        last = last_word(parts)
        return [] if last is None or is_deletion(last) else [dict(last.resource)]


def last_word(parts: Sequence[Contribution]) -> Contribution | None:
    """Return what was written last; None when nothing was."""
    return max(parts, key=lambda part: (part.version, part.ordinal), default=None)


def is_deletion(part: Contribution) -> bool:
    """Tell whether a client took the resource away."""
    return EVERYTHING in part.removals
