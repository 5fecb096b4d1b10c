"""A person who exists nowhere else, in messages and documents that are right, wrong and broken."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass

from gateway.simulation.faults import PERFECT
from gateway.simulation.play import Event, events
from gateway.simulation.region import Region

#: What must appear in no log, metric or error text: names, INS, local number, telephone, street.
FAMILY, USED, GIVEN = "ZZQUETSCHE", "ZZMIRABELLE", "ZZREINECLAUDE"
#: Under the test root; the key is right, or the message would never get far.
INS = "279039908573909"
NUMBER, PHONE, STREET = "8765401234", "0639987654", "7 rue Zzmarasquin"
WORDS = (FAMILY, USED, GIVEN, INS[:13], NUMBER, PHONE, "Zzmarasquin")

_BASE64 = re.compile(rb"(?<=\^Base64\^)[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Sent:
    """One input of the sentinel."""

    name: str
    body: bytes


def found_in(text: str | bytes) -> list[str]:
    """Return the words of the sentinel that stand in a text, whatever their case."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return [word for word in WORDS if word.casefold() in shown.casefold()]


def life() -> tuple[list[Sent], list[Sent]]:
    """Return the messages and the documents of the sentinel's stays."""
    region = Region("sentinel-10", 1)
    who = region.patient(1).person
    played = list(events(region, PERFECT))
    number = re.search(rb"\rPID\|1\|\|([0-9]+)", played[0].body)
    if number is None:
        msg = "the first message has no patient number"
        raise AssertionError(msg)
    numbers = {found for event in played for found in re.findall(rb"\rPID\|1\|\|(\d+)", event.body)}
    changes = {
        who.birth_family: FAMILY,
        who.used_family or "-none-": USED,
        **dict.fromkeys(who.givens, GIVEN),
        who.matricule: INS,
        who.phone: PHONE,
        who.street: STREET,
        **{found.decode(): NUMBER for found in numbers},
    }
    made = [Sent(event.label.message, _changed(event, changes)) for event in played]
    return (
        [sent for sent in made if not sent.body.startswith(b"<")],
        [sent for sent in made if sent.body.startswith(b"<")],
    )


def _changed(event: Event, changes: dict[str, str]) -> bytes:
    def write(body: bytes) -> bytes:
        codec = "iso8859-15" if b"|8859/15|" in body[:300] else "utf-8"
        text = body.decode(codec)
        for old, new in changes.items():
            text = text.replace(old, new)
        return text.encode(codec)

    body = _BASE64.sub(lambda found: b64encode(write(b64decode(found[0]))), event.body)
    return write(body)


def _segment(name: str, change: Callable[[list[bytes]], None]) -> Callable[[bytes], bytes]:
    def apply(body: bytes) -> bytes:
        lines = body.split(b"\r")
        for at, line in enumerate(lines):
            if line.startswith(name.encode()):
                fields = line.split(b"|")
                change(fields)
                lines[at] = b"|".join(fields)
        return b"\r".join(lines)

    return apply


def _field(name: str, number: int, value: bytes) -> Callable[[bytes], bytes]:
    def change(fields: list[bytes]) -> None:
        fields += [b""] * (number + 1 - len(fields))
        fields[number] = value

    return _segment(name, change)


def numbered(body: bytes, control_id: str) -> bytes:
    """Return a message under another MSH-10: one that is used again is refused for that alone."""
    header, end, rest = body.partition(b"\r")
    fields = header.split(b"|")
    fields[9] = control_id.encode("ascii")
    return b"|".join(fields) + end + rest


#: Ways to spoil a message: what the reader, the intake and the mapping say must name no value.
SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "no patient number": _field("PID", 3, b""),
    "number without authority": _field("PID", 3, f"{NUMBER}^^^^PI".encode()),
    "wrong INS key": _field("PID", 3, f"{INS[:-2]}99^^^&1.2.250.1.213.1.4.10&ISO^INS".encode()),
    "impossible birth date": _field("PID", 7, b"19550231"),
    "a name where a date belongs": _field("PID", 7, FAMILY.encode()),
    "a name as sex": _field("PID", 8, FAMILY.encode()),
    "a name as identity status": _field("PID", 32, FAMILY.encode()),
    "a name as time of the event": _field("EVN", 2, FAMILY.encode()),
    "a name as action": _field("ZBE", 4, FAMILY.encode()),
    "a name as movement date": _field("ZBE", 2, FAMILY.encode()),
    "a name as class": _field("PV1", 2, FAMILY.encode()),
    "a name as event": _field("MSH", 8, f"ADT^{FAMILY}".encode()),
    "a name as message type": _field("MSH", 8, f"{FAMILY}^A01".encode()),
    "a name as version": _field("MSH", 11, FAMILY.encode()),
    "a name as processing id": _field("MSH", 10, FAMILY.encode()),
    "a name as character set": _field("MSH", 17, FAMILY.encode()),
    "control characters in the name": _field("PID", 5, FAMILY.encode() + b"\x00\x01^A^^^^^L"),
    "two patients": lambda body: body + body[body.index(b"PID|") :],
    "lines run together": lambda body: body.replace(b"\r", b""),
    "two headers": lambda body: body + body,
    "cut in the middle": lambda body: body[: body.index(FAMILY.encode()) + 4],
    "no header": lambda body: body[body.index(b"PID|") :],
    "a batch": lambda body: b"FHS|^~\\&\rBHS|^~\\&\r" + body,
    "as XML": lambda body: f"<ADT_A01><PID.5>{FAMILY}</PID.5></ADT_A01>".encode(),
    "in UTF-16": lambda body: body.decode("latin-1").encode("utf-16"),
    "latin bytes under UTF-8": _field("PID", 5, FAMILY.encode() + b"\xe9^A^^^^^L"),
    "a name as segment": lambda body: body + f"{FAMILY[:3]}|{GIVEN}\r".encode(),
    "dirty base64": lambda body: _BASE64.sub(lambda found: found[0][:40] + b"!?", body),
}

#: Ways to spoil a document.
SPOILED_DOCUMENTS: dict[str, Callable[[bytes], bytes]] = {
    "cut in the middle": lambda body: body[: body.index(FAMILY.encode()) + 4],
    "an unknown entity": lambda body: body.replace(FAMILY.encode(), b"&" + FAMILY.encode() + b";"),
    "a document type": lambda body: b"<!DOCTYPE " + FAMILY.encode() + b">" + body,
    "a name as time": lambda body: re.sub(
        rb'effectiveTime value="[^"]*"', f'effectiveTime value="{FAMILY}"'.encode(), body
    ),
    "a name as birth date": lambda body: re.sub(
        rb'birthTime value="[^"]*"', f'birthTime value="{FAMILY}"'.encode(), body
    ),
    "no patient": lambda body: re.sub(rb"<recordTarget>.*</recordTarget>", b"", body),
    "an INS alone": lambda body: re.sub(
        rb'<id root="[^"]*" extension="' + NUMBER.encode() + rb'"/>', b"", body
    ),
    "without namespace": lambda body: body.replace(b'xmlns="urn:hl7-org:v3"', b""),
    "another root": lambda body: f"<{FAMILY}>{GIVEN}</{FAMILY}>".encode(),
    "a wrong byte": lambda body: body.replace(FAMILY.encode(), FAMILY.encode() + b"\xe9"),
    "no XML at all": lambda body: FAMILY.encode(),
}
