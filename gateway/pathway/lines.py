"""The ledger and the gaps as NDJSON, to the byte: UTC with `Z`, whole seconds, keys in order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.core.facts import ExpectationRow, LedgerLine, Status, feed_of
from gateway.pathway.facts import stamp


def ledger_line(line: LedgerLine) -> bytes:
    """Return one transition as a line of NDJSON, with its line end."""
    return _line(
        {
            "instant": stamp(line.instant),
            "gap_id": line.gap_id,
            "episode": line.episode,
            "rule": line.rule,
            "rule_version": line.rule_version,
            "from": line.from_status,
            "to": line.to_status,
            "cause": line.cause,
        }
    )


def gap_line(row: ExpectationRow, identifiers: Sequence[Mapping[str, str]]) -> bytes:
    """Return one gap, in its present episode, as a line of NDJSON, with its line end.

    Args:
        row: the expectation; `episodes` gives one row per opening.
        identifiers: of its Patient, as FHIR (`system`, `value`).
    """
    return _line(
        {
            "gap_id": row.gap_id,
            "episode": row.episode,
            "rule": row.rule,
            "rule_version": row.rule_version,
            "severity": row.severity,
            # A gap of a feed is nobody's.
            "patient": None
            if feed_of(row.patient.id)
            else {
                "id": row.patient.id,
                "identifiers": [
                    {"system": one.get("system", ""), "value": one.get("value", "")}
                    for one in identifiers
                ],
            },
            "trigger": row.trigger,
            "anchor": stamp(row.anchor),
            "deadline": _stamp(row.deadline),
            "status": row.status,
            "opened_at": _stamp(row.opened_at),
            "closed_at": _stamp(row.closed_at),
            "evidence": list(row.evidence),
        }
    )


def episodes(row: ExpectationRow, lines: Iterable[LedgerLine]) -> list[ExpectationRow]:
    """Return one row per opening of an expectation, with the status each was left with.

    Args:
        row: as it stands now.
        lines: its ledger, in order.
    """
    found: list[ExpectationRow] = []
    for line in lines:
        if line.to_status is Status.OVERDUE:
            found.append(
                replace(
                    row,
                    status=line.to_status,
                    episode=line.episode,
                    rule_version=line.rule_version,
                    opened_at=line.instant,
                    closed_at=None,
                )
            )
        elif found and line.episode == found[-1].episode:
            last = found[-1]
            closed = line.instant if line.from_status is Status.OVERDUE else last.closed_at
            found[-1] = replace(last, status=line.to_status, closed_at=closed)
    return found


def in_order(lines: Iterable[LedgerLine]) -> list[LedgerLine]:
    """Return lines of many persons in the one order of a printed ledger.

    By instant, messages before timers, gap id. Lines of one gap within a second keep the order
    they were given in.
    """
    ranked: list[tuple[tuple[datetime, int, str], LedgerLine]] = []
    last: dict[tuple[datetime, str], int] = {}
    for line in lines:
        place = (line.instant, line.gap_id)
        rank = last[place] = max(last.get(place, 0), int(line.cause in ("timer", "feed")))
        ranked.append(((line.instant, rank, line.gap_id), line))
    ranked.sort(key=lambda one: one[0])
    return [line for _rank, line in ranked]


def _stamp(instant: datetime | None) -> str | None:
    return stamp(instant) if instant else None


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
