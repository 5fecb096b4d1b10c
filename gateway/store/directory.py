"""Queries on the directory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select

from gateway.core.directory import Asked, Entry, SourceState
from gateway.store import directorycodec as codec
from gateway.store.codec import instant_text, key_text
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES

_ENTRY = TABLES["directory_entry"].c
_SOURCE = TABLES["directory_source"].c


class DirectorySql:
    """The statements of the directory for one database."""

    def __init__(self, c: Compiler) -> None:
        entry, source = TABLES["directory_entry"], TABLES["directory_source"]
        self.put = c.upsert(entry, codec.EntryColumns._fields)
        self.note = c.upsert(source, codec.SourceColumns._fields)
        self.states = c(select(*_SOURCE).order_by(_SOURCE.origin))
        of_origin = _ENTRY.origin == bindparam("of_origin")
        self.forget = c(
            entry.delete().where(of_origin, _ENTRY.seen_at < bindparam("before")),
            "of_origin",
            "before",
        )
        self.forget_answers = c(
            entry.delete().where(of_origin, c.among(_ENTRY.rpps, "numbers")), "of_origin", "numbers"
        )
        bodies = select(_ENTRY.rpps, _ENTRY.finess, _ENTRY.body)
        self.professionals = c(bodies.where(c.among(_ENTRY.rpps, "numbers")), "numbers")
        self.structures = c(
            bodies.where(_ENTRY.rpps == bindparam("nobody"), c.among(_ENTRY.finess, "numbers")),
            "nobody",
            "numbers",
        )
        # One statement for each way to narrow; what else is asked for is compared afterwards.
        body = select(_ENTRY.body)
        self.narrowed = {
            name: c(body.where(_ENTRY[name] == bindparam("asked")), "asked")
            for name in ("rpps", "address", "finess")
        }
        spelled = (_ENTRY.words.like(bindparam("name")), _ENTRY.town.like(bindparam("place")))
        self.spelled = c(body.where(*spelled), "name", "place")


class SqlDirectory:
    """`core.directory.DirectoryQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: DirectorySql) -> None:
        self._session = session
        self._sql = sql

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep entries; one that is there already from the same source is replaced."""
        self._session.run_many(self._sql.put, [codec.entry_columns(one) for one in entries])

    def forget(self, origin: str, before: datetime) -> int:
        """Forget what a source said before an instant; return how many entries."""
        return self._session.run(self._sql.forget, (key_text(origin), instant_text(before)))

    def forget_answers(self, origin: str, rpps: Sequence[str]) -> None:
        """Forget what a source said about professionals: it answers anew."""
        self._session.run(self._sql.forget_answers, (key_text(origin), given(sorted(rpps))))

    def find(self, asked: Asked, limit: int) -> list[Entry]:
        """Return entries, by name, then address."""
        rpps, finess, address, words, town = codec.question(asked)
        keys = (("rpps", rpps), ("address", address), ("finess", finess))
        statement, parameters = next(
            ((self._sql.narrowed[name], (value,)) for name, value in keys if value),
            (self._sql.spelled, (_pattern(words), _pattern(town))),
        )
        found = [codec.read_entry(row[0]) for row in self._session.rows(statement, parameters)]
        meant = [one for one in found if codec.is_meant(codec.entry_columns(one), asked)]
        return codec.in_order(meant)[:limit]

    def of_professionals(self, rpps: Sequence[str]) -> Mapping[str, list[Entry]]:
        """Return the entries of each professional that has any."""
        found: dict[str, list[Entry]] = {}
        for number, _, body in self._session.rows(self._sql.professionals, (given(sorted(rpps)),)):
            found.setdefault(number, []).append(codec.read_entry(body))
        return {number: codec.in_order(entries) for number, entries in found.items()}

    def of_structures(self, finess: Sequence[str]) -> Mapping[str, list[Entry]]:
        """Return the entries of structures themselves, without those of people."""
        found: dict[str, list[Entry]] = {}
        for _, number, body in self._session.rows(
            self._sql.structures, ("", given(sorted(finess)))
        ):
            found.setdefault(number, []).append(codec.read_entry(body))
        return {number: codec.in_order(entries) for number, entries in found.items()}

    def note(self, state: SourceState) -> None:
        """Keep the state of a source."""
        self._session.run(self._sql.note, codec.source_columns(state))

    def states(self) -> list[SourceState]:
        """Return every source that was ever read or failed, by origin."""
        return [codec.read_source(row) for row in self._session.rows(self._sql.states)]


def _pattern(words: Sequence[str]) -> str:
    """Return a pattern that narrows: the first word; the rest is compared afterwards."""
    return f"% {words[0]}%" if words else "%"
