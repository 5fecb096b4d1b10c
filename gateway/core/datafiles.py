"""Where the data that ship with the program are: `mappings` and `profiles`.

Finds folders, does not read what is in them.
"""

from importlib.resources import files
from pathlib import Path

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity


def data_folder(name: str) -> Path:
    """Return a data folder: inside the installed package, else beside it in a checkout.

    Raises:
        FatalError: neither is there (RLS-CFG-001).
    """
    package = Path(str(files("gateway")))
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise FatalError(
        [
            Issue(
                code="RLS-CFG-001",
                severity=Severity.FATAL,
                where=name,
                what="this data folder is neither in the installed package nor beside it.",
                fix="Install the package again, or start from a complete checkout.",
            )
        ]
    )
