"""The rules that ship with the program, through the one reader of YAML files."""

from pathlib import Path

from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.mapping.loader import read_yaml_file
from gateway.mapping.yamltext import TextDocument
from gateway.pathway.enrich import Tables
from gateway.pathway.rules import Rules, load


def load_rules(folder: Path | None = None, tables: Tables | None = None) -> Rules:
    """Read every rule file of a folder, by default `profiles/pathways`.

    Raises:
        FatalError: every fault of every file (RLS-CFG-002, RLS-PTH-001 to 008).
    """
    root = folder or data_folder("profiles") / "pathways"
    documents: dict[str, TextDocument] = {}
    issues: list[Issue] = []
    for path in sorted(root.glob("*.y*ml")):
        try:
            documents[path.stem] = read_yaml_file(path, f"{root.name}/{path.name}")
        except FatalError as error:
            issues += error.issues
    try:
        rules = load(documents, tables)
    except FatalError as error:
        raise FatalError([*issues, *error.issues]) from error
    if issues:
        raise FatalError(issues)
    return rules
