"""Words of a feed whose clock was wrong, read by the right time once a person has allowed it.

A correction rewrites nothing. From its approval on, every word about a fact that it covers a word
of is said again, with the same key: what it covers with its event time, its emission and its place
in the order of the source moved, the others as they were. What is said again counts for more than
what was said before; a word that comes later is said again at once. When a correction is
withdrawn, all are said once more without it. So what was known when stays what it was, and a word
of the mended clock counts for more than the earlier ones that a clock that ran ahead had dated
behind it.

Only what the clock of the sender told is moved: event time, emission and order. A day, and what
lies ahead because it is planned, was written by a person from a calendar: of these the emission
and the order are moved alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from gateway.core.contributions import Version
from gateway.core.events import document_of
from gateway.core.facts import Assertion, Op, Received, Span
from gateway.core.feed_ports import ClockCorrection

#: On a fact that stands by a corrected time.
FLAG = "clock-corrected"
#: Before the instant since when a word is said so, in its hash and its revision; sorts above every
#: revision of a source.
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
    covering = _covering(known, corrections)
    return [
        *known,
        *(
            again
            for one in known
            if (mine := covering.get(_together(one.assertion)))
            for again in _again(one, mine)
        ),
    ]


def word_of(aid: str) -> str:
    """Return the hash of the word that an assertion says, or says again."""
    return aid.partition(_AGAIN)[0]


def _together(said: Assertion) -> str:
    """Return what the order of words is about: a fact, or a document with what it promises."""
    return document_of(said.event, said.attributes) or said.key


def _covering(
    known: Sequence[Received], corrections: Sequence[ClockCorrection]
) -> Mapping[str, Sequence[ClockCorrection]]:
    """Return the corrections that cover a word, by what the order of words is about."""
    found: dict[str, dict[int, ClockCorrection]] = defaultdict(dict)
    for one in known:
        said = one.assertion
        for correction in corrections:
            if correction.covers(said.source, said.sent_at, one.at):
                found[_together(said)][correction.number] = correction
    return {name: [of[n] for n in sorted(of)] for name, of in found.items()}


def _again(one: Received, corrections: Sequence[ClockCorrection]) -> Iterator[Received]:
    """Say a word again from each instant on at which other corrections hold than before."""
    ends = {over for c in corrections if (over := c.withdrawn_at) is not None}
    instants = sorted({c.approved_at for c in corrections} | ends)
    for since, until in pairwise([*instants, None]):
        if since is not None and (until is None or one.at < until):
            said = _said(one, corrections, since)
            yield Received(said, max(one.at, since), one.order, one.at)


def _said(one: Received, corrections: Sequence[ClockCorrection], since: datetime) -> Assertion:
    """Return a word as it is said from an instant on."""
    said = one.assertion
    holding = next(
        (
            c
            for c in corrections
            if c.approved_at <= since
            and (c.withdrawn_at is None or c.withdrawn_at > since)
            and c.covers(said.source, said.sent_at, one.at)
        ),
        None,
    )
    moved = said if holding is None else _moved(said, holding)
    mark = f"{_AGAIN}{since.isoformat(timespec='microseconds')}"
    return replace(moved, aid=f"{said.aid}{mark}", revision=f"{mark}|{moved.revision}")


def _moved(said: Assertion, correction: ClockCorrection) -> Assertion:
    offset = correction.offset
    moved = replace(
        said, sent_at=said.sent_at + offset, revision=_moved_revision(said.revision, offset)
    )
    by_day = said.when.high - said.when.low > _BY_DAY
    if said.op is Op.RETRACT or said.event in _PLANNED or by_day:
        return moved
    told = {OFFSET: correction.offset_s, AUTHOR: correction.author, REASON: correction.reason}
    return replace(
        moved,
        when=Span(said.when.low + offset, said.when.high + offset),
        attributes={**said.attributes, **told},
        flags=(*said.flags, FLAG),
    )


def _moved_revision(revision: str, offset: timedelta) -> str:
    """Return the place in the order of a source, by the right time; as it is when it tells none."""
    try:
        said = Version.from_key(revision)
    except ValueError:
        return revision
    if said.is_background:
        return said._replace(sent_at=said.sent_at + offset).key()
    recorded, sent = said.recorded_at + offset, said.sent_at + offset
    return said._replace(recorded_at=recorded, sent_at=sent).key()
