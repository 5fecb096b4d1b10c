"""A document judged by a test kit: its schema, its schematrons for all, that of its model.

A check that cannot be made is told as ours and never as a fault of the document; what schema and
schematron say is told as they say it, also where they contradict each other. Never used by a door:
the first document may take a minute.
"""

import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.cda.models import model_of
from gateway.conformance.cda.profiles import DocumentModel
from gateway.conformance.finding import Check, Finding
from gateway.conformance.toolkit.kit import Kit
from gateway.conformance.toolkit.lanes import Lane, Serve, WorkerDiedError, WorkerSlowError
from gateway.conformance.toolkit.workcopy import make_work_copy
from gateway.conformance.toolkit.worker import NO_SAXON, Answer, Found, Job, serve
from gateway.core.issues import Severity

_STEP = re.compile(
    r"/(?:@)?(?:\*:|[\w\-]+:)?(?P<name>[\w.\-]+|\*)"
    r"(?P<tests>(?:\[(?:[^\[\]']|'[^']*')*\])*)"
)
_POSITION = re.compile(r"\[(\d+)\]")
_LOCAL_NAME = re.compile(r"local-name\(\)\s*=\s*'([^']+)'")
#: A worker that dies is asked once more, for it may have died of what came before.
_ATTEMPTS = 2


class Verdict(NamedTuple):
    """What a kit says of one document."""

    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One file to check with.

    Attributes:
        kind: `schema` or `schematron`.
        path: relative to the kit.
        note: why it is not quite that of the document, empty when it is.
    """

    kind: str
    path: str
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind} {Path(self.path).stem}"


class Toolkit:
    """A test kit with its worker processes; several callers may use it at once."""

    def __init__(
        self,
        kit: Kit,
        models: Mapping[str, DocumentModel],
        *,
        workers: int,
        seconds: float,
        target: Serve = serve,
    ) -> None:
        """Prepare a kit; nothing is copied or started yet.

        Args:
            kit: from `find_kit`.
            models: document models, which name their schematrons.
            workers: processes; each schematron is compiled in one of them only.
            seconds: longest time to compile a schematron, and to run one on a document.
            target: what runs in the processes.
        """
        self._kit = kit
        self._models = models
        self._folder = tempfile.TemporaryDirectory(prefix="relais-cda-kit-")
        root = Path(self._folder.name)
        engine = tuple(str(root / path) for path in kit.engine)
        self._lanes = [Lane(engine, seconds, target) for _ in range(workers)]
        self._seconds = seconds
        self._lock = threading.Lock()
        self._lane_of: dict[str, Lane] = {}
        self._mended: list[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Return the worker processes."""
        return tuple(self._lanes)

    def close(self) -> None:
        """End the processes and remove the work copy."""
        for lane in self._lanes:
            lane.close()
        self._folder.cleanup()

    def judge(self, document: Document) -> Verdict:
        """Check one document with everything the kit has for it."""
        mended = self._prepare()
        kit = self._kit
        copy = Check(
            f"kit {kit.title}", kit.name, kit.version, kit.digest, note=f"mended: {mended}"
        )
        sheets = list(self._sheets(document))
        body = document.alone()
        with ThreadPoolExecutor(len(self._lanes)) as waiting:
            # These threads only wait for processes.
            parts = list(waiting.map(lambda one: self._check(document, one, body), sheets))
        checks = [check for _, check in parts]
        return Verdict(
            tuple(finding for findings, _ in parts for finding in findings),
            tuple([copy, *checks] if mended else checks),
        )

    def _prepare(self) -> str:
        """Make the work copy once; return what was mended in it."""
        with self._lock:
            if self._mended is None:
                self._mended = make_work_copy(self._kit, Path(self._folder.name))
            return "; ".join(dict.fromkeys(self._mended))

    def _sheets(self, document: Document) -> Iterator[_Sheet]:
        kit = self._kit
        if kit.schema:
            yield _Sheet("schema", kit.schema)
        for path in kit.common:
            yield _Sheet("schematron", path)
        named = model_of(document, self._models)
        if named is None or not named[1].schematrons:
            return
        template, model = named
        version = template.get("extension")
        path, chosen = "", ""
        for name in model.schematrons:
            path, chosen = kit.sheet_of(name, version)
            if chosen == version:
                break
        if path:
            note = "" if chosen == version else f"the document says version {version or 'none'}"
            yield _Sheet("schematron", path, note)

    def _check(self, document: Document, sheet: _Sheet, body: bytes) -> tuple[list[Finding], Check]:
        problem, answer = self._ask(sheet, body)
        check = Check(
            sheet.name,
            self._kit.name,
            self._kit.version,
            self._kit.digest,
            ran=not problem,
            note=problem[0].issue.what if problem else sheet.note,
        )
        found = [self._finding(document, sheet, one) for one in answer.found]
        return [*problem, *found], check

    def _ask(self, sheet: _Sheet, body: bytes) -> tuple[list[Finding], Answer]:
        """Compile where that was not done, then run; a fault of ours comes back as a finding."""
        path = str(Path(self._folder.name) / sheet.path)
        lane = self._lane(path)
        clause = f"{self._kit.title}, {sheet.name}"
        try:
            answer = _asked(lane, Job(sheet.kind, path))
            if not answer.problem:
                answer = _asked(lane, Job(sheet.kind, path, body))
        except WorkerDiedError as error:
            what = f"its process ended with code {error.args[0]}"
            return [kinds.CHECK_DIED.at(sheet.name, clause=clause, what=what)], Answer()
        except WorkerSlowError:
            seconds = f"{self._seconds:g}"
            return [kinds.CHECK_TOO_SLOW.at(sheet.name, clause=clause, seconds=seconds)], Answer()
        if answer.problem:
            fix = "Report the kit's version, or mend the kit."
            if answer.problem == NO_SAXON:
                fix = "Install it: pip install 'relais-gateway[toolkit]'."
            copy = re.escape(self._folder.name.lstrip("/"))
            what = re.sub(rf"(?:file:)?/*{copy}/", "", answer.problem).rstrip(".")
            made = kinds.CHECK_NOT_MADE.at(sheet.name, clause=clause, what=what, fix=fix)
            return [made], Answer()
        return [], answer

    def _lane(self, path: str) -> Lane:
        """Return the lane of a sheet; sheets are dealt out in the order they are first used."""
        with self._lock:
            at = len(self._lane_of) % len(self._lanes)
            return self._lane_of.setdefault(path, self._lanes[at])

    def _finding(self, document: Document, sheet: _Sheet, found: Found) -> Finding:
        clause = f"{self._kit.title}, {Path(sheet.path).stem} {found.rule}".strip()
        where = place_of(document, found.location)
        severity = Severity(found.severity)
        if sheet.note and severity.refuses:
            # Rules of another version than that of the document prove nothing against it.
            severity = Severity.WARNING
        if sheet.kind == "schema":
            fix = "Send what the schema of CDA allows here, in its order."
            return kinds.BREAKS_SCHEMA.at(
                where, clause=clause, severity=severity, what=found.text.rstrip("."), fix=fix
            )
        return kinds.BREAKS_SCHEMATRON.at(where, clause=clause, severity=severity, what=found.text)


def place_of(document: Document, location: str) -> str:
    """Return the place of an SVRL location in the words of our own findings.

    Args:
        document: that was checked.
        location: path of names with or without prefixes, positions where there are several.
    """
    node: Node | None = None
    steps = list(_STEP.finditer(location))
    for at, step in enumerate(steps):
        name = _LOCAL_NAME.search(step["tests"])
        wanted = name[1] if name else step["name"]
        position = _POSITION.search(step["tests"])
        if node is None:
            node = document.root
            continue
        if step[0].startswith("/@"):
            return f"{node.place}/@{wanted}"
        same = [child for child in node.elements() if wanted in ("*", child.name)]
        index = int(position[1]) - 1 if position else 0
        if index >= len(same):
            return "/".join([node.place, *(part["name"] for part in steps[at:])])
        node = same[index]
    return node.place if node is not None else document.place


def _asked(lane: Lane, job: Job) -> Answer:
    for attempt in range(_ATTEMPTS):
        try:
            return lane.ask(job)
        except WorkerDiedError:
            if attempt + 1 == _ATTEMPTS:
                raise
    raise WorkerDiedError(None)
