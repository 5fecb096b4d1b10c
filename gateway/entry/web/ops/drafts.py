"""Rows of a site table that would mend a cause: proposed, tried, kept as a draft for review.

Nothing here changes a table that is in force. A draft is a file of its own, with who wrote it and
why; it takes effect when somebody moves its rows into `mappings/sites` and restarts.
"""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, InboxRow
from gateway.entry.web.ops.quarantine import QuarantineReader, as_trial, together
from gateway.entry.web.ops.values import Draft, Trial
from gateway.mapping.loader import Mappings
from gateway.mapping.sites import Site, Sites
from gateway.mapping.yamltext import read_text_yaml
from gateway.pipeline.convert import Converter

#: Findings that a list of the site table settles: its key, and the field that has to be in it.
_LISTS = {"RLS-HL7-023": ("processing_ids", 11), "RLS-HL7-024": ("versions", 12)}
_MOST = 8000
_LISTED = 20
_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class DraftDesk:
    """Proposes, tries and keeps rows of site tables.

    Attributes:
        reader: of the quarantine.
        mappings: in force.
        converter_of: builds a converter on other mappings.
        folder: of drafts; None: none are kept.
    """

    reader: QuarantineReader
    mappings: Mappings
    converter_of: Callable[[Mappings], Converter]
    folder: Path | None

    async def proposed(self, number: int, code: str) -> Draft | None:
        """Return the rows that would settle a finding; None where no table can.

        Args:
            number: of an input with the finding.
            code: of the finding.
        """
        row = await self.reader.store.read(lambda tx: tx.inbox.get(number))
        if row is None or row.channel not in (Channel.MLLP, Channel.HTTP):
            return None
        site = self._site(row)
        lines = []
        if site.name not in self.mappings.sites.by_name:
            application, facility = row.header.sender
            named = {"application": application, "facility": facility}
            lines.append(f"sources: [{json.dumps(named, ensure_ascii=False)}]")
        if code in _LISTS:
            key, field = _LISTS[code]
            known = sorted(getattr(site, key))
            wanted = header_field(row.body, field)
            values = [*known, *([wanted] if wanted and wanted not in known else [])]
            lines.append(f"{key}: {json.dumps(values)}")
        kept = await asyncio.to_thread(self._kept, site.name)
        return Draft(site.name, "\n".join(lines), self.folder is not None, kept)

    async def tried(self, numbers: Sequence[int], site: str, text: str) -> Trial:
        """Convert inputs again as if the rows were in force, and keep nothing.

        Raises:
            RejectedError: the rows are wrong (RLS-WEB-043, RLS-CFG-002).
        """
        changed = self.merged(site, text)
        others = [one for name, one in self.mappings.sites.by_name.items() if name != site]
        mappings = replace(self.mappings, sites=Sites([*others, changed]))
        converter = await asyncio.to_thread(self.converter_of, mappings)
        replayer = replace(self.reader.replayer, converter=converter)
        return as_trial(await replayer.rows(together(numbers), dry_run=True))

    async def keep(self, site: str, text: str, said: Sequence[str], now: datetime) -> str:
        """Write the rows as a draft; return the name of its file.

        Args:
            site: name of the table.
            text: its rows.
            said: who, why and about what, a line each.
            now: instant.

        Raises:
            RejectedError: the rows are wrong (RLS-WEB-043, RLS-CFG-002), or no folder is set or
                can be written (RLS-WEB-044).
        """
        self.merged(site, text)
        folder = self.folder
        if folder is None:
            raise RejectedError([_no_folder()])
        stem = f"{site}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        head = "".join(f"# {' '.join(line.split())}\n" for line in said)
        body = f"{head}name: {site}\n{text.strip()}\n"
        try:
            return await asyncio.to_thread(_write, folder, stem, body)
        except OSError as error:
            raise RejectedError([_no_folder()]) from error

    def merged(self, site: str, text: str) -> Site:
        """Return a site with rows over its own; of a table in a row, keys are added.

        Raises:
            RejectedError: the rows are wrong (RLS-WEB-043, RLS-CFG-002).
        """
        try:
            told = read_text_yaml(text[:_MOST].replace("\r\n", "\n"), "draft").data
        except FatalError as error:
            raise RejectedError(error.issues) from error
        if not isinstance(told, dict) or not told or "name" in told:
            raise RejectedError([_wrong("draft")])
        base = self.mappings.sites.by_name.get(site, Site(name=site)).model_dump(mode="json")
        rows: dict[str, Any] = {
            key: {**base[key], **value}
            if isinstance(value, dict) and isinstance(base.get(key), dict)
            else value
            for key, value in told.items()
        }
        try:
            return Site.model_validate({**base, **rows, "name": site})
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise RejectedError([_wrong(f"draft {place}")]) from error

    def _site(self, row: InboxRow) -> Site:
        application, facility = row.header.sender
        found = self.mappings.sites.for_sender(application, facility)
        if found is not self.mappings.sites.default:
            return found
        name = _NAME.sub("-", (facility or application).lower()).strip("-")[:40] or "new-site"
        return Site(name=name)

    def _kept(self, site: str) -> tuple[str, ...]:
        if self.folder is None or not self.folder.is_dir():
            return ()
        return tuple(sorted((f.name for f in self.folder.glob(f"{site}-*.yaml")), reverse=True))[
            :_LISTED
        ]


def _write(folder: Path, stem: str, body: str) -> str:
    """Write a file that is not there yet; return its name.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        name = f"{stem}-{number}.yaml"
        with suppress(FileExistsError), (folder / name).open("x", encoding="utf-8") as file:
            file.write(body)
            return name
    raise AssertionError


def header_field(body: bytes, number: int) -> str:
    """Return the first component of a field of MSH; empty when there is none."""
    line = re.split(rb"[\r\n]", body.lstrip(b"\xef\xbb\xbf"), maxsplit=1)[0].decode("latin-1")
    if not line.startswith("MSH") or len(line) < 8:
        return ""
    fields = line.split(line[3])
    return fields[number - 1].split(line[4])[0] if len(fields) >= number else ""


def _wrong(where: str) -> Issue:
    return Issue(
        code="RLS-WEB-043",
        severity=Severity.ERROR,
        where=where,
        what="the rows are none of a site table.",
        fix="Write keys of a site table as `mappings/sites/demo.yaml` shows them, without `name`.",
    )


def _no_folder() -> Issue:
    return Issue(
        code="RLS-WEB-044",
        severity=Severity.ERROR,
        where="setting operation.drafts",
        what="no folder for drafts is set, or it cannot be written.",
        fix="Set RELAIS_OPERATION_DRAFTS to a folder that the gateway may write to.",
    )
