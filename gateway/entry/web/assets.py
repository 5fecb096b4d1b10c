"""The style sheet, the module and the icon, under names that change with their content."""

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_NAMES = (
    *("relais.css", "ops.css", "pilot.css", "workbench.css"),
    *("relais.js", "workbench.js", "icon.svg"),
)
#: Blanks of a style sheet that mean nothing: around braces, behind `;`, `,` and `: `.
_BLANKS = re.compile(rb"\s*([{};])\s*|([:,]) +")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    address: str
    content: bytes
    media_type: str


@lru_cache
def assets() -> dict[str, Asset]:
    """Return every asset by its plain name."""
    folder = files("gateway.entry.web") / "static"
    found = {}
    for name in _NAMES:
        content = (folder / name).read_bytes()
        stem, suffix = name.rsplit(".", 1)
        if suffix == "css":
            content = _BLANKS.sub(rb"\1\2", content).replace(b";}", b"}")
        digest = sha256(content).hexdigest()[:12]
        found[name] = Asset(f"/static/{stem}.{digest}.{suffix}", content, _TYPES[suffix])
    return found
