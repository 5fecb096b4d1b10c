"""The plain pages of the API: where the doors are, and what they take.

Pages are built as element trees, so every text is escaped; they need no script. The dashboards of
people are elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import APIRouter
from starlette.responses import Response

_STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2rem; border-bottom: 1px solid #bbb; }
h3 { margin-bottom: 0; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
a { color: #0b5394; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #16181b; }
  a { color: #8ab4f8; }
}
"""


@dataclass(frozen=True, slots=True)
class Door:
    """An address inputs or clients come to.

    Attributes:
        name: what it takes.
        address: `mllp://host:port` or an HTTP address.
    """

    name: str
    address: str


def pages_router(
    doors: Sequence[Door], version: str, description: Callable[[], dict[str, Any]]
) -> APIRouter:
    """Return `/about`, `/docs` and their style sheet.

    Args:
        doors: what the page lists.
        version: version of the software.
        description: gives the OpenAPI description.
    """
    router = APIRouter(include_in_schema=False)
    first_page = _landing(doors, version)

    async def landing() -> Response:
        """List the doors."""
        return _html(first_page)

    async def docs() -> Response:
        """Describe every HTTP address."""
        return _html(_description(description()))

    async def style() -> Response:
        """Give the style sheet of these pages."""
        headers = {"Cache-Control": "max-age=3600"}
        return Response(_STYLE, media_type="text/css", headers=headers)

    router.add_api_route("/about", landing)
    router.add_api_route("/docs", docs)
    router.add_api_route("/assets/api.css", style)
    return router


def _html(page: bytes) -> Response:
    return Response(page, media_type="text/html; charset=utf-8")


def _landing(doors: Sequence[Door], version: str) -> bytes:
    page, body = _page("Relais")
    _text(body, "p", f"FHIR gateway, version {version}.")
    _text(body, "h2", "Doors")
    table = SubElement(body, "table")
    for door in doors:
        row = SubElement(table, "tr")
        _text(row, "th", door.name, scope="row")
        _text(SubElement(row, "td"), "code", door.address)
    _text(body, "h2", "Read more")
    links = SubElement(body, "ul")
    for address, words in (
        ("/", "The pages of people: what is missing, and for whom"),
        ("/docs", "Every HTTP address, described"),
        ("/fhir/metadata", "What the FHIR server does (CapabilityStatement)"),
        ("/health/ready", "Whether inputs sent now would be stored"),
    ):
        _text(SubElement(links, "li"), "a", words, href=address)
    return _written(page)


def _description(description: dict[str, Any]) -> bytes:
    page, body = _page(f"{description['info']['title']}: HTTP addresses")
    _text(body, "p", description["info"].get("description", ""))
    areas: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            area = (operation.get("tags") or ["Other"])[0]
            areas.setdefault(area, []).append((method.upper(), path, operation))
    for area, operations in areas.items():
        _text(body, "h2", area)
        for method, path, operation in operations:
            _operation(body, method, path, operation)
    return _written(page)


def _operation(body: Element, method: str, path: str, operation: dict[str, Any]) -> None:
    _text(SubElement(body, "h3"), "code", f"{method} {path}")
    _text(body, "p", operation.get("description") or operation.get("summary", ""))
    rows = [
        (item["name"], f"{item['in']}. {item.get('description', '')}".strip())
        for item in operation.get("parameters", ())
    ]
    rows += [("body", media) for media in operation.get("requestBody", {}).get("content", {})]
    rows += [
        (status, answer.get("description", ""))
        for status, answer in operation.get("responses", {}).items()
        if status != "422"
    ]
    table = SubElement(body, "table")
    for name, words in rows:
        row = SubElement(table, "tr")
        _text(row, "th", name, scope="row")
        _text(row, "td", words)


def _page(title: str) -> tuple[Element, Element]:
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", title)
    SubElement(head, "link", rel="stylesheet", href="/assets/api.css")
    body = SubElement(SubElement(page, "body"), "main")
    _text(body, "h1", title)
    return page, body


def _text(parent: Element, name: str, words: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = words


def _written(page: Element) -> bytes:
    written: bytes = tostring(page, encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + written
