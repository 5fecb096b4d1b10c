"""Reads an HL7 v2 input once more when its sender, known by then, wants it otherwise."""

from gateway.core.errors import RejectedError
from gateway.core.messages import RawMessage
from gateway.hl7v2.charset import FLAG_UNDECLARED
from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read
from gateway.mapping.sites import Site


def as_the_site_wants(
    raw: RawMessage, message: Message, site: Site
) -> tuple[Message, RejectedError | None]:
    """Read again in the character set the site declares, and without repairs if it wants none."""
    if not message.flags:
        return message, None
    charset = raw.charset or site.charset or None
    if FLAG_UNDECLARED in message.flags and site.charset:
        message = read(raw.body, declared_charset=charset)
    if site.is_lenient or not message.flags:
        return message, None
    try:
        return read(raw.body, lenient=False, declared_charset=charset), None
    except RejectedError as error:
        return message, error
