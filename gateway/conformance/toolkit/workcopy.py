"""Makes a copy of a test kit to work in, out of links, and mends there what does not run as it is.

The kit itself stays as it is. Mended are includes that name a file in other letters than the file
system has it, and lists of codes (`voc-<OID>-DYNAMIC.xml`) that the kit holds only as value set.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from gateway.conformance.cda.value_sets import ValueSets, load_value_sets
from gateway.conformance.toolkit.kit import PARTS, SCHEMATRONS, VALUE_SETS, Kit
from gateway.core.errors import FatalError

_INCLUDE = re.compile(rb"""<(?:\w+:)?(?:include|extends)\s[^>]*?\bhref\s*=\s*["']([^"']+)["']""")
_LIST = re.compile(rb"voc-([0-9.]+)-DYNAMIC\.xml")


def make_work_copy(kit: Kit, target: Path) -> list[str]:
    """Link every file of the kit that a check reads below `target`, and mend what can be.

    Returns:
        What was mended, one sentence each.
    """
    for part in PARTS:
        _link_folder(kit.folder / part, target / part)
    return [*_mend_includes(target / SCHEMATRONS), *_mend_lists(target)]


def _link_folder(source: Path, target: Path) -> None:
    for folder, _, names in os.walk(source):
        made = target / Path(folder).relative_to(source)
        made.mkdir(parents=True, exist_ok=True)
        for name in names:
            _link(Path(folder, name), made / name)


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source.resolve())
    except OSError:
        # A file system without links.
        shutil.copyfile(source, target)


def _mend_includes(root: Path) -> Iterator[str]:
    """Give files the names that includes call them by, those of their folders as well."""
    for sheet in sorted(root.rglob("*.sch")):
        for match in _INCLUDE.finditer(sheet.read_bytes()):
            wanted = Path(os.path.normpath(sheet.parent / match[1].decode("utf-8", "replace")))
            if wanted.exists() or not wanted.is_relative_to(root):
                continue
            found = _in_any_letters(root, wanted.relative_to(root).parts)
            if found is not None:
                wanted.parent.mkdir(parents=True, exist_ok=True)
                _link(found, wanted)
                yield (
                    f"{found.relative_to(root).as_posix()} is included as"
                    f" {wanted.relative_to(root).as_posix()}"
                )


def _in_any_letters(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Return the file below a folder whose path differs by its case only, None without one."""
    if not parts:
        return folder if folder.is_file() else None
    if not folder.is_dir():
        return None
    for path in sorted(folder.iterdir()):
        # Two folders may differ by their case: the one of the kit, and one made for an include.
        if path.name.casefold() == parts[0].casefold():
            found = _in_any_letters(path, parts[1:])
            if found is not None:
                return found
    return None


def _mend_lists(target: Path) -> Iterator[str]:
    """Make the lists of codes that schematrons read and the kit holds as value sets only."""
    lists: ValueSets | None = None
    for sheet in sorted((target / SCHEMATRONS).rglob("*.sch")):
        for oid in sorted({match[1].decode() for match in _LIST.finditer(sheet.read_bytes())}):
            path = sheet.parent / f"voc-{oid}-DYNAMIC.xml"
            if path.exists():
                continue
            if lists is None:
                try:
                    lists = load_value_sets(target / VALUE_SETS)
                except FatalError:
                    return
            if _write_list(lists, oid, path):
                yield f"{path.name} was made from the value set {oid}"


def _write_list(lists: ValueSets, oid: str, path: Path) -> bool:
    found = lists.get(oid)
    if found is None:
        return False
    root = etree.Element("valueSets")
    concepts = etree.SubElement(etree.SubElement(root, "valueSet", id=oid), "conceptList")
    for code, system in found.ends:
        etree.SubElement(concepts, "concept", code=code, codeSystem=system)
    path.write_bytes(etree.tostring(root, encoding="UTF-8"))
    return True
