"""The double of the operator's mailboxes: an IMAP server in this process, over TLS when asked.

Keeps mails in memory; what must outlive a restart is kept by `simulation.mail_operator`.
Standards: RFC 3501, with the MOVE and IDLE of pymap.
"""

import asyncio
import ssl
from argparse import Namespace
from datetime import UTC, datetime

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Identity, Login
from pymap.backend.dict.mailbox import MailboxData
from pymap.exceptions import InvalidAuth
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl import SASLAuth
from pysasl.creds.server import ServerCredentials

#: Made once: the library reads the metadata of every installed package to make it.
_MECHANISMS = SASLAuth.defaults()


class _Settings(Config):
    """The settings of the server, without the search for its mechanisms at each connection."""

    @property
    def tls_auth(self) -> SASLAuth:
        """Return PLAIN and LOGIN, what a connection over TLS may use."""
        return _MECHANISMS


class _ByCertificate(Login):
    """Lets in who names a mailbox: the client certificate was checked by TLS before."""

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        """Return the mailbox of that name."""
        if credentials.authcid not in self.users_dict:
            raise InvalidAuth
        return Identity(credentials.authcid, self, None, frozenset())


class MailboxServer:
    """IMAP mailboxes by address; the client certificate is what opens them, no password."""

    def __init__(self, *addresses: str, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._config = _Settings.from_args(_arguments())
        self._login = _ByCertificate(self._config)
        for address in addresses:
            self._login.users_dict[address] = UserMetadata(self._config, address)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        # The server reads its settings from the context of the task that accepts.
        self._config.apply_context()
        imap = IMAPServer(self._login, self._config)
        accept = ProxyProtocolReader(self._config.proxy_protocol).get_callback(imap)
        self._server = await asyncio.start_server(accept, host, port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening; the mails are gone."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def append(self, address: str, data: bytes, folder: str = "INBOX") -> None:
        """Put a mail into a mailbox.

        Raises:
            LookupError: there is no mailbox of that address.
        """
        if address not in self._login.users_dict:
            msg = "no such mailbox"
            raise LookupError(msg)
        found = await self._folder(address, folder)
        await found.append(AppendMessage(data, datetime.now(UTC), frozenset()))

    async def count(self, address: str, folder: str = "INBOX") -> int:
        """Return how many mails a folder holds."""
        found = await self._folder(address, folder)
        return len([message async for message in found.messages()])

    async def renumber(self, address: str) -> None:
        """Give the INBOX other numbers, as a server does that was restored from a copy."""
        inbox = await self._folder(address, "INBOX")
        inbox._uid_validity += 1

    async def _folder(self, address: str, folder: str) -> MailboxData:
        async with Identity(address, self._login, None, frozenset()).new_session() as session:
            return await session.mailbox_set.get_mailbox(folder)


def _arguments() -> Namespace:
    """Return what the command line of the server would give; the listener is our own."""
    return Namespace(
        host=None,
        port="0",
        cert=None,
        key=None,
        tls=False,
        inherited_sockets=None,
        proxy_protocol=None,
        passlib_cfg=None,
        debug=False,
        demo_data=False,
        demo_user="nobody",
        demo_password="",
    )
