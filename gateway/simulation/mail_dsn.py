"""The SMTP dialogue of the double: STARTTLS first, and the notices of RFC 3461.

aiosmtpd refuses the parameters of RFC 3461; here they are read from the line, kept on the
session and taken off before it judges the rest. Standards: RFC 5321, RFC 3207, RFC 3461.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP

_MAIL = re.compile(r"\s+(RET=(?:FULL|HDRS)|ENVID=\S+)", re.IGNORECASE)
_RCPT = re.compile(r"\s+(NOTIFY=\S+|ORCPT=\S+)", re.IGNORECASE)


@dataclass(slots=True)
class Asked:
    """What the sender of one mail asks to be told.

    Attributes:
        envelope_id: ENVID.
        notify: words of NOTIFY, upper case.
    """

    envelope_id: str = ""
    notify: frozenset[str] = field(default_factory=frozenset)


class NoticeSMTP(SMTP):
    """aiosmtpd with the parameters of RFC 3461."""

    def __init__(self, handler: Any, *, announces: bool, **options: Any) -> None:
        super().__init__(handler, **options)
        self._announces = announces
        self.asked = Asked()
        #: Longer than the default: the parameters stand on these lines.
        self.command_size_limits.update({"MAIL": 1024, "RCPT": 1024})

    async def push(self, status: Any) -> None:
        """Announce DSN as the last extension but one."""
        if self._announces and isinstance(status, str) and status.startswith("250 HELP"):
            await super().push("250-DSN")
        await super().push(status)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - name of the base class
        """Keep ENVID and RET."""
        self.asked = Asked()
        if self._announces and arg:
            found = {w.partition("=")[0].upper(): w.partition("=")[2] for w in _MAIL.findall(arg)}
            self.asked.envelope_id = found.get("ENVID", "")
            arg = _MAIL.sub("", arg)
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - name of the base class
        """Keep NOTIFY and ORCPT."""
        if self._announces and arg:
            found = {w.partition("=")[0].upper(): w.partition("=")[2] for w in _RCPT.findall(arg)}
            self.asked.notify = frozenset(found.get("NOTIFY", "").upper().split(","))
            arg = _RCPT.sub("", arg)
        await super().smtp_RCPT(arg)
