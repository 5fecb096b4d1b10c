"""The rules that ship with the program, through the one reader of YAML files."""

from collections.abc import Collection
from pathlib import Path

from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.mapping.loader import read_yaml_file
from gateway.mapping.yamltext import TextDocument
from gateway.pathway import faults
from gateway.pathway.enrich import Tables
from gateway.pathway.published import FIRST_RELEASE, PUBLISHED, Lists
from gateway.pathway.rules import Rules, load


def rules_folder(folder: Path | None = None) -> Path:
    """Return the folder of the rules, by default `profiles/pathways`."""
    return folder or data_folder("profiles") / "pathways"


def load_rules(
    folder: Path | None = None, tables: Tables | None = None, added: Path | None = None
) -> Rules:
    """Read every rule file of a folder, by default `profiles/pathways`.

    Rules that are not of the first release of that folder are off; without such a list all are on.
    Those of a folder that is `added` stand beside them, or in the place of lower versions.

    Raises:
        FatalError: every fault of every file (RLS-CFG-002, RLS-PTH-001 to 011), or there is none
            (RLS-PTH-017).
    """
    root = rules_folder(folder)
    paths = sorted(root.glob("*.y*ml"))
    if not paths:
        raise FatalError([faults.no_rules(str(root))])
    documents, issues = read_documents(paths, root.name)
    lists = read_lists(root)
    issues += lists.changed(documents.values())
    try:
        rules = lists.in_force(load(documents, tables))
    except FatalError as error:
        raise FatalError([*issues, *error.issues]) from error
    if issues:
        raise FatalError(issues)
    return rules if added is None else rules.overlaid(load_rules(added, tables))


def rule_ids(folder: Path | None = None, added: Path | None = None) -> frozenset[str]:
    """Return the ids of the rules of a folder, and of one beside it, as their files are named."""
    folders = [rules_folder(folder), *([added] if added else [])]
    return frozenset(path.stem.partition(".")[0] for one in folders for path in one.glob("*.y*ml"))


def read_documents(
    paths: Collection[Path], folder: str
) -> tuple[dict[str, TextDocument], list[Issue]]:
    """Return the rule files by stem, and what is wrong with those that are no YAML."""
    documents: dict[str, TextDocument] = {}
    issues: list[Issue] = []
    for path in paths:
        try:
            documents[path.stem] = read_yaml_file(path, f"{folder}/{path.name}")
        except FatalError as error:
            issues += error.issues
    return documents, issues


def read_lists(root: Path) -> Lists:
    """Read what a folder of rules promises.

    Raises:
        FatalError: a list cannot be read (RLS-CFG-002).
    """
    published, first = root / PUBLISHED, root / FIRST_RELEASE
    return Lists(
        read_yaml_file(published, f"{root.name}/{PUBLISHED}").data if published.exists() else {},
        read_yaml_file(first, f"{root.name}/{FIRST_RELEASE}") if first.exists() else None,
    )
