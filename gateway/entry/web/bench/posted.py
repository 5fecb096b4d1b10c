"""A form with a file, read in memory: nothing of it touches a disk.

Reads `multipart/form-data` as browsers write it (RFC 7578; HTML living standard, multipart form
data) and refuses what no page of ours sent. Names of files are not looked at.
"""

import re
import secrets
from collections.abc import Mapping

from starlette.requests import Request

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.entry.bench.inputs import FILE_LIMIT, TEXT_LIMIT, too_large
from gateway.entry.web import access

_BOUNDARY = re.compile(r'^multipart/form-data\s*;.*?boundary="?([A-Za-z0-9\'()+_,./:=? -]{1,70})"?')
_NAME = re.compile(rb';\s*name="([^"\r\n]{1,64})"', re.I)
#: A file, a text whose signs may take four bytes each, and the small fields beside them.
_LIMIT = FILE_LIMIT + 4 * TEXT_LIMIT + 2**20
_MOST = 64


class Posted(dict[str, bytes]):
    """The fields of a form, the first of each name."""

    def text(self, name: str) -> str:
        """Return a field as text; empty when it is not there."""
        return self.get(name, b"").decode("utf-8", "replace")

    def word(self, name: str) -> str:
        """Return a short field without blanks around it."""
        return self.text(name)[:200].strip()


async def posted(request: Request) -> Posted:
    """Return the fields of a form that one of our pages sent.

    Raises:
        RejectedError: it is too large (RLS-WEB-121), is no form (RLS-WEB-122), or is of another
            site (RLS-SEC-011).
    """
    if not access.from_here(request):
        raise RejectedError([access.foreign_form()])
    found = _BOUNDARY.match(request.headers.get("content-type", ""))
    if found is None:
        raise RejectedError([_no_form()])
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LIMIT:
            raise RejectedError([too_large(FILE_LIMIT)])
    fields = fields_of(bytes(body), found[1].encode())
    if not _is_ours(request, fields):
        raise RejectedError([access.foreign_form()])
    return fields


def fields_of(body: bytes, boundary: bytes) -> Posted:
    """Cut the body of a form into its fields.

    Raises:
        RejectedError: it has no end, or a part without name (RLS-WEB-122).
    """
    mark = b"\r\n--" + boundary
    parts = (b"\r\n" + body).split(mark)
    if len(parts) < 2 or not parts[-1].startswith(b"--") or len(parts) > _MOST:
        raise RejectedError([_no_form()])
    fields = Posted()
    for part in parts[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            raise RejectedError([_no_form()])
        fields.setdefault(name[1].decode("latin-1"), content)
    return fields


def _is_ours(request: Request, fields: Mapping[str, bytes]) -> bool:
    kept = access.kept_token(request).encode()
    return bool(kept) and secrets.compare_digest(fields.get("token", b""), kept)


def _no_form() -> Issue:
    return Issue(
        code="RLS-WEB-122",
        severity=Severity.ERROR,
        where="http.body",
        what="the form cannot be read: it is cut, or not multipart/form-data.",
        fix="Open the page again and send the form from it.",
    )
