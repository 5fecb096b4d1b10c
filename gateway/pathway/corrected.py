"""Words of a feed whose clock was wrong, read by the right time once a person has allowed it.

A correction rewrites nothing. A word that it covers is said again, with the same key, the time
moved and a revision just above its own: known from the approval on, or with the word itself when
that came later. Withdrawn, the word is said once more as it was. So what was known when stays what
it was, and any later word of the source still counts for more.

Only what the clock of the sender told is moved: event time and emission. A day, and what lies
ahead because it is planned, was written by a person from a calendar.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from gateway.core.facts import Assertion, Op, Received, Span
from gateway.core.feed_ports import ClockCorrection

#: On a fact that stands by a corrected time.
FLAG = "clock-corrected"
#: Between a word and the correction it is said again by, in its hash and its revision; sorts above
#: every character of a revision.
_AGAIN = "~"
_PLANNED = frozenset({"ENC.PREADMIT", "ENC.DISCH_PLANNED"})
#: An hour that exists twice is still a time of day; more is a date.
_BY_DAY = timedelta(hours=6)
#: Of the assertion of a corrected word, for people: seconds added, by whom, why.
OFFSET, AUTHOR, REASON = "corrected_s", "corrected_by", "corrected_for"


def corrected(
    received: Iterable[Received], corrections: Sequence[ClockCorrection]
) -> list[Received]:
    """Return assertions with those that are said again by the right time.

    Args:
        received: assertions about some persons; unchanged without corrections.
        corrections: of all feeds, withdrawn ones too.
    """
    known = list(received)
    if not corrections:
        return known
    return [*known, *(again for one in known for again in _again(one, corrections))]


def word_of(aid: str) -> str:
    """Return the hash of the word that an assertion says, or says again."""
    return aid.partition(_AGAIN)[0]


def _again(one: Received, corrections: Sequence[ClockCorrection]) -> Iterator[Received]:
    said = one.assertion
    if said.op is Op.RETRACT or said.event in _PLANNED or _AGAIN in said.aid:
        return
    if said.when.high - said.when.low > _BY_DAY:
        return
    for correction in corrections:
        if not correction.covers(said.source, said.sent_at):
            continue
        over = correction.withdrawn_at
        if over is not None and over <= one.at:
            continue
        at = max(one.at, correction.approved_at)
        yield Received(_moved(said, correction), at, one.order)
        if over is not None:
            yield Received(_repeated(said, f"{correction.number:06}b"), over, one.order)


def _moved(said: Assertion, correction: ClockCorrection) -> Assertion:
    again = _repeated(said, f"{correction.number:06}a")
    told = {OFFSET: correction.offset_s, AUTHOR: correction.author, REASON: correction.reason}
    return replace(
        again,
        when=Span(said.when.low + correction.offset, said.when.high + correction.offset),
        sent_at=said.sent_at + correction.offset,
        attributes={**said.attributes, **told},
        flags=(*said.flags, FLAG),
    )


def _repeated(said: Assertion, number: str) -> Assertion:
    """Return a word that is said again: of one key it counts for more than the word itself."""
    return replace(
        said, aid=f"{said.aid}{_AGAIN}{number}", revision=f"{said.revision}{_AGAIN}{number}"
    )
