"""The server's side of one TLS connection: bytes in, bytes out, no socket.

Kept apart from the event loop: asyncio and uvloop differ in when they read and what they tell of
a failed handshake, and neither can answer a peer that closed its half. Standard: RFC 8446.
"""

import contextlib
import ssl

_RECORD = 2**16


class TlsSession:
    """State of one connection.

    Attributes:
        is_open: the handshake is done.
        has_eof: the peer said it sends no more.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "has_eof", "is_open")

    def __init__(self, context: ssl.SSLContext) -> None:
        self.is_open = False
        self.has_eof = False
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the socket and return what they say; empty while the handshake runs.

        Raises:
            ssl.SSLError: the peer is refused or speaks no TLS; `output` may hold an alert.
        """
        self._incoming.write(data)
        if not self.is_open:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.is_open = True
        said: list[bytes] = []
        try:
            while chunk := self._object.read(_RECORD):
                said.append(chunk)
            self.has_eof = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_eof = True
        return said[0] if len(said) == 1 else b"".join(said)

    def wrap(self, data: bytes) -> bytes:
        """Return the bytes for the socket that carry `data`."""
        self._object.write(data)
        return self._outgoing.read()

    def output(self) -> bytes:
        """Return bytes that TLS itself has for the socket."""
        return self._outgoing.read()

    def close(self) -> bytes:
        """Say that we send no more; return the bytes for the socket."""
        if self.is_open:
            # The peer's own close is not waited for.
            with contextlib.suppress(ssl.SSLError):
                self._object.unwrap()
        return self._outgoing.read()

    def certificate(self) -> bytes | None:
        """Return the peer's certificate in DER, None when it showed none."""
        return self._object.getpeercert(binary_form=True)
