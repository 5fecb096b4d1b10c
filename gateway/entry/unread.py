"""The fields of a message that its conversion never looked at, for `convert --explain`."""

from collections.abc import Iterator
from typing import Any

from gateway.cda import adapter as cda_adapter
from gateway.cda.reader import read as read_cda
from gateway.core.messages import Channel, RawMessage
from gateway.entry.settings import Settings
from gateway.fhir.identity import Ids
from gateway.hl7v2 import adapter as hl7_adapter
from gateway.hl7v2 import envelope
from gateway.hl7v2.message import Message
from gateway.hl7v2.participants import participants
from gateway.hl7v2.provenance import provenance
from gateway.hl7v2.tracked import tracked, unread
from gateway.hl7v2.zbe import with_repaired_zbe
from gateway.mapping.loader import Mappings
from gateway.pipeline.convert import Converter
from gateway.pipeline.prepared import Opened

#: Fields of MSH that the doors use before anything is mapped.
_HEADER = (1, 2, 3, 4, 7, 9, 10, 11, 12, 15, 16, 18)


def unread_lines(
    converter: Converter, raw: RawMessage, mappings: Mappings, settings: Settings
) -> Iterator[str]:
    """Yield the fields with a value that nothing read, one line a segment; none for a CDA.

    Args:
        converter: that has converted this input before.
        raw: the input.
        mappings: of the installation.
        settings: the same.

    Raises:
        RejectedError: the input is refused.
    """
    opened = converter.open(raw)
    if raw.channel is Channel.CDA or not isinstance(opened.parsed, Message):
        return
    found = unread_fields(opened, opened.parsed, hl7_adapter.compile_plans(mappings), settings)
    if found:
        yield "not read"
    for segment, places in found.items():
        yield f"  {segment}: {', '.join(places)}"


def unread_fields(
    opened: Opened, message: Message, plans: hl7_adapter.Plans, settings: Settings
) -> dict[str, list[str]]:
    """Return the fields with a value that nothing reads, by segment.

    Args:
        opened: an input that converts.
        message: its content.
        plans: it is converted with.
        settings: of the installation.

    Raises:
        RejectedError: the input is refused.
    """
    message = with_repaired_zbe(message)
    watched, reads = tracked(message)
    reads.update(("MSH", 1, number) for number in _HEADER)
    ids, test_ins = Ids(settings.id_namespace), not settings.is_production
    options: dict[str, Any] = {"test_ins": test_ins}
    if message.message_type in ("MDM", "ORU") and (places := envelope.documents(watched)):
        document = read_cda(places[0].body)
        options["cda_identifiers"] = cda_adapter.identifiers(document)
        hl7_adapter.envelope(watched, opened.site, ids, **options)
        participants(watched)
    mapped = hl7_adapter.contribute(
        watched, plans, opened.site, ids, header=opened.header, **options
    )
    provenance(list(mapped.contributions), watched, opened.header, ids)
    return unread(message, reads)
