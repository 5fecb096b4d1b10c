"""Drafts of mapping files: written beside the mapping, checked by its loader, never in force.

A draft is a file of its own in the folder of drafts (`operation.drafts`), where the drafts of site
tables are too, with who wrote it and why. The newest of each file counts in a comparison; it takes
effect when somebody moves it into the mappings of the installation and restarts.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.bench.jobs import Tree
from gateway.entry.settings import Settings
from gateway.entry.web.ops.drafts import DraftDesk
from gateway.mapping.loader import read_yaml_file

_STAMP = re.compile(r"(?P<stem>.+)-\d{8}T\d{6}Z-\d+\.yaml")
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class MappingDrafts:
    """Reads and keeps drafts.

    Attributes:
        settings: of the installation.
        sites: of drafts of site tables.
    """

    settings: Settings
    sites: DraftDesk

    @property
    def root(self) -> Path:
        """Return the folder of the mappings in force."""
        return self.settings.mappings or data_folder("mappings")

    @property
    def is_keepable(self) -> bool:
        """Tell whether there is a folder for drafts."""
        return self.settings.operation.drafts is not None

    def files(self) -> tuple[str, ...]:
        """Return the files of the mapping by path."""
        found = (path.relative_to(self.root).as_posix() for path in self.root.rglob("*.y*ml"))
        return tuple(sorted(found))

    def kept(self) -> dict[str, Path]:
        """Return the newest draft of each file of the mapping, by its path."""
        folder = self.settings.operation.drafts
        if folder is None or not folder.is_dir():
            return {}
        found: dict[str, Path] = {}
        for below in sorted((folder / "mappings").rglob("*.yaml")):
            match = _STAMP.fullmatch(below.relative_to(folder / "mappings").as_posix())
            if match:
                found[f"{match['stem']}.yaml"] = below
        for rows in sorted(folder.glob("*.yaml")):
            match = _STAMP.fullmatch(rows.name)
            if match:
                found.setdefault(f"sites/{match['stem']}.yaml", rows)
        return dict(sorted(found.items()))

    def text(self, path: str) -> str | None:
        """Return the text of a file with its newest draft; None when it is no file of ours."""
        if path not in self.files():
            return None
        draft = self.kept().get(path)
        if draft is None:
            return (self.root / path).read_text(encoding="utf-8")
        return self._whole(path, draft)

    def in_force(self) -> Tree:
        """Return the mappings in force."""
        return Tree(self.settings.mappings)

    def drafted(self, path: str = "", text: str = "") -> Tree:
        """Return the mappings with every draft that is kept, and with a text over them.

        Args:
            path: of the file the text stands for; empty: there is none.
            text: of that file.

        Raises:
            RejectedError: a draft of a site table is wrong (RLS-WEB-043).
        """
        read = {name: self._whole(name, file) for name, file in self.kept().items() if name != path}
        if path:
            read[path] = plain(text)
        return Tree(self.settings.mappings, tuple(sorted(read.items())))

    def trees(self) -> tuple[str, ...]:
        """Return the names of the trees that can be compared."""
        beside = ("beside",) if self.settings.workbench.mappings else ()
        return ("installed", *(("drafts",) if self.kept() else ()), *beside)

    def tree(self, name: str) -> Tree:
        """Return a tree by its name; an unknown one is that in force."""
        if name == "beside":
            return Tree(self.settings.workbench.mappings)
        return self.drafted() if name == "drafts" else self.in_force()

    def keep(self, path: str, text: str, said: Sequence[str], now: datetime) -> str:
        """Write a draft; return the name of its file.

        Raises:
            RejectedError: there is no folder for drafts (RLS-WEB-127), or the text is too long.
        """
        folder = self.settings.operation.drafts
        if folder is None or path not in self.files() or len(text) > _LONGEST:
            raise RejectedError([_not_kept()])
        place = folder / "mappings" / path
        head = "".join(f"# {' '.join(line.split())}\n" for line in said)
        stem = f"{place.stem}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            for number in count(1):
                file = place.with_name(f"{stem}-{number}.yaml")
                if not file.exists():
                    file.write_text(f"{head}{plain(text)}", encoding="utf-8")
                    return file.name
        except OSError as error:
            raise RejectedError([_not_kept()]) from error
        raise AssertionError

    def _whole(self, path: str, draft: Path) -> str:
        """Return the text a draft stands for: rows of a site table lie over the table."""
        if draft.parent != self.settings.operation.drafts:
            return draft.read_text(encoding="utf-8")
        name = Path(path).stem
        try:
            rows = dict(read_yaml_file(draft).data)
        except FatalError as error:
            raise RejectedError(error.issues) from error
        rows.pop("name", None)
        changed = self.sites.merged(name, json.dumps(rows, ensure_ascii=False))
        told = {"name": name, **changed.model_dump(mode="json", exclude_defaults=True)}
        return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def plain(text: str) -> str:
    """Return a text of a form with the line ends of a file."""
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def _not_kept() -> Issue:
    return Issue(
        code="RLS-WEB-127",
        severity=Severity.ERROR,
        where="setting operation.drafts",
        what="the draft cannot be kept: no folder for drafts is set, or it cannot be written.",
        fix="Set RELAIS_OPERATION_DRAFTS to a folder that the gateway may write to.",
    )
