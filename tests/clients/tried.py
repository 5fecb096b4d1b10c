"""What each client is to show, and the table that says so (`docs/reference/clients.md`)."""

from collections.abc import Mapping

from tests.clients.conftest import PERSONS
from tests.conftest import ROOT
from tests.support.docs.markdown import cells

PAGE = ROOT / "docs" / "reference" / "clients.md"
WORKS, NOT_THERE = "works", "no such call"

#: What every client must see of the same gateway, whatever it calls it.
SEEN: dict[str, object] = {
    "capability": "4.0.1",
    "read": "ESSAI03",
    "unknown": 404,
    "pages": PERSONS,
    "history": ["2", "1"],
    "unchanged": 304,
    "everything": ["e1", "p00"],
    "no token": 401,
}


def verdicts(seen: Mapping[str, object]) -> dict[str, str]:
    """Return what the table says of each thing that was tried.

    Args:
        seen: by name of `SEEN`; what the client has no call for is left out.
    """
    return {
        name: NOT_THERE
        if name not in seen
        else WORKS
        if seen[name] == expected
        else f"{seen[name]!r}"
        for name, expected in SEEN.items()
    }


def told(client: str) -> dict[str, str]:
    """Return the row of a client in the table."""
    rows = [parts for line in PAGE.read_text("utf-8").splitlines() if (parts := cells(line))]
    head = next(row for row in rows if row[0] == "client")
    (row,) = [row for row in rows if row[0].startswith(f"{client} ")]
    return dict(zip(head[1:], row[1:], strict=True))
