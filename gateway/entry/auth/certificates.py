"""The certificate a caller of the HTTP door showed, as requests know it (RFC 8705).

The server notes it on each connection; a header that claims one is nothing here: a proxy that ends
TLS in front of the gateway ends mutual TLS too.
"""

import hashlib
import re
import ssl
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from starlette.types import Scope

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity

_EXTENSION = "relais.certificate"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def certificate_of(scope: Scope) -> str:
    """Return the SHA-256 of the certificate of a caller, in hex; empty when it showed none."""
    found: str = scope.get("extensions", {}).get(_EXTENSION, "")
    return found


def note_certificate(scope: MutableMapping[str, Any], digest: str) -> None:
    """Note the certificate of a connection on a request that came by it."""
    scope.setdefault("extensions", {})[_EXTENSION] = digest


def digest_of_peer(connection: Any) -> str:
    """Return the SHA-256 of the certificate the other end of a TLS connection showed."""
    der = connection.getpeercert(True) if connection is not None else None
    return hashlib.sha256(der).hexdigest() if der else ""


def digest_in(file: Path) -> str:
    """Return the SHA-256 of the first certificate of a PEM file, in hex.

    Raises:
        RejectedError: there is none (RLS-SEC-049).
    """
    try:
        found = _PEM.search(file.read_text(encoding="ascii"))
        der = ssl.PEM_cert_to_DER_cert(found[0]) if found else b""
    except (OSError, ValueError):
        der = b""
    if not der:
        raise RejectedError([_no_certificate()])
    return hashlib.sha256(der).hexdigest()


def _no_certificate() -> Issue:
    return Issue(
        code="RLS-SEC-049",
        severity=Severity.ERROR,
        where="--certificate",
        what="there is no certificate in the file.",
        fix="Give the certificate the client connects with, as PEM.",
    )
