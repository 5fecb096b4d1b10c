"""Spans of what the gateway does, for an installation that gathers them; otherwise nothing is made.

A span has a name, an instant of beginning and end, and values of closed sets or numbers of our own
rows. Never an identifier of a person, a name, a text of an input: what is told here leaves the
gateway. Who gathers them is `entry.telemetry`; without it each call here returns at once.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, Self

from gateway.core.errors import RelaisError

#: What a span may be told.
Told = str | int | float | bool


class Span:
    """A span of an installation that gathers none: it does nothing."""

    __slots__ = ()

    def child(self, name: str, **told: Told) -> "Span":
        """Begin a part of this span."""
        return self

    def tell(self, **told: Told) -> None:
        """Add values."""

    def fail(self, code: str) -> None:
        """Mark it as failed, with the code of an Issue or the class of an error."""

    def drop(self) -> None:
        """Tell nothing of it, whatever follows."""

    def end(self) -> None:
        """End it; a second end does nothing."""

    def __enter__(self) -> Self:
        """Begin a block; an error that leaves it marks the span, its text stays here."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Somebody who goes away, or a stop, is no failure.
        if isinstance(error, RelaisError) and error.issues:
            self.fail(error.issues[0].code)
        elif kind is not None and issubclass(kind, Exception):
            self.fail(kind.__name__)
        self.end()


class Tracer(Protocol):
    """Gathers spans."""

    def start(
        self, name: str, parent: Span | None, links: Sequence[Span], told: dict[str, Told]
    ) -> Span:
        """Begin a span."""
        ...


NOTHING = Span()
#: The span of the request that runs.
around: ContextVar[Span | None] = ContextVar("around", default=None)
_tracer: list[Tracer] = []


def install(tracer: Tracer | None) -> None:
    """Gather spans from now on; None: no more."""
    _tracer[:] = [] if tracer is None else [tracer]


def start(name: str, links: Sequence[Span] = (), **told: Told) -> Span:
    """Begin a span inside the one of the request that runs, if there is one.

    Args:
        name: of a closed set: `input`, `commit`, `look`, `delivery`, `request`.
        links: spans it works for, of which none is around it.
        told: values.
    """
    if not _tracer:
        return NOTHING
    return _tracer[0].start(name, around.get(), links, told)
