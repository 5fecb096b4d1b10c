"""What a ledger says that people were told: one opening of a gap each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.facts import ExpectationRow, LedgerLine, Status, told_of
from gateway.simulation.letters import ids
from gateway.simulation.region import Patient
from gateway.simulation.steps import LetterSent, Request


@dataclass(frozen=True)
class Opening:
    """One opening.

    Attributes:
        patient: number in the region; 0 when nobody knows.
        visit: that should have been followed; empty when the trigger names none.
        left_for: status it went to later, empty while it is open.
        left_at: when.
        part: of one event of a feed.
    """

    rule: str
    gap_id: str
    episode: int
    patient: int
    visit: str
    estab: str
    opened_at: datetime
    left_for: str = ""
    left_at: datetime | None = None
    part: bool = False


def openings(
    rows: Mapping[str, ExpectationRow],
    lines: Iterable[LedgerLine],
    numbers: Mapping[str, int],
    visits: Mapping[str, str],
) -> list[Opening]:
    """Return the openings of a ledger, in its order for each gap.

    Args:
        rows: by gap id.
        lines: of the ledger.
        numbers: number in the region by Patient id.
        visits: visit by document and request.
    """
    history: dict[str, list[LedgerLine]] = defaultdict(list)
    for line in lines:
        history[line.gap_id].append(line)
    found: list[Opening] = []
    for gap_id, told in history.items():
        row = rows[gap_id]
        details = row.details
        visit = _visit(row, visits)
        for line, after in zip(told, [*told[1:], None], strict=True):
            if line.to_status is Status.OVERDUE:
                found.append(
                    Opening(
                        row.rule,
                        gap_id,
                        line.episode,
                        numbers.get(told_of(row.patient.id)[0], 0),
                        visit,
                        str(details.get("estab", "")),
                        line.instant,
                        after.to_status.value if after else "",
                        after.instant if after else None,
                        str(details.get("feed", "")).count(":") > 1,
                    )
                )
    return found


def standings(
    rows: Iterable[ExpectationRow], numbers: Mapping[str, int], visits: Mapping[str, str]
) -> dict[tuple[str, int, str], str]:
    """Return where the expectations about a visit ended, and by what, by (rule, patient, visit)."""
    found: dict[tuple[str, int, str], str] = {}
    for row in rows:
        place = (row.rule, numbers.get(told_of(row.patient.id)[0], 0), _visit(row, visits))
        by = row.details.get("closed_by") or row.details.get("cancelled_by") or ""
        found[place] = f"{row.status.value} {by}".strip()
    return found


def _visit(row: ExpectationRow, visits: Mapping[str, str]) -> str:
    details = row.details
    named = details.get("setid") or details.get("doc") or details.get("request")
    return str(details.get("visit") or visits.get(str(named), ""))


def visits_of(patients: Iterable[Patient]) -> dict[str, str]:
    """Return the visit of each letter and of each request; answers and mails name none."""
    found = {}
    for patient in patients:
        for content in (step.content for step in patient.steps):
            if isinstance(content, LetterSent):
                found[ids(content).set_id] = content.visit.number
            elif isinstance(content, Request):
                found[content.number] = content.visit.number
    return found
