"""Changes that interface engines, editors, networks and attackers make to a message.

Each takes bytes and a random source and returns bytes; several may follow one another.
"""

from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytes, Random], bytes]

#: Values that broke receivers: empty, deleted, long, control, other scripts, dates, numbers.
_NASTY = (
    *(b"", b'""', b"^", b"^^^^^^^^^^^^", b"~", b"~~~", b"&", b"&&&"),
    *(b"\\", b"\\X", b"\\X0D\\", b"\\XZZ\\", b"\\.br\\", b"\\H\\", b"\\Z1\\"),
    *(b"0", b"-1", b"1e999", b"99999999999999999999", b"nan"),
    *(b"00000000", b"20260230", b"20261025023000", b"20261025023000+0200", b"20260329023000"),
    *(b"99991231235959", b"19000101", b"2026", b"202613", b"20260101240000", b"20260101+9999"),
    *(b"A" * 300, b"A  B", b" A", b"\xff", b"\xc3", b"\xc3\xa9", b"\xe9", b"\xef\xbb\xbf"),
    *(b"\x00", b"\x0b", b"\x1c", b"'; DROP TABLE", b"<x>", b"${jndi:ldap}", b"../../etc"),
    *(sign.encode() for sign in ("\u02dc", "\u202e", "\u0661", "\u00a0", "\U0001f9ec")),
    *(b"VALI", b"PROV", b"USUR", b"INSERT", b"UPDATE", b"CANCEL", b"AL", b"NE", b"P", b"T"),
    *(b"^^^CHU&1.2.250.1.213.1.4.8&ISO^INS", b"^^^&1.2.250.1.213.1.4.10&ISO^INS"),
    *(b"UNICODE UTF-8", b"8859/15", b"UTF-16", b"2.5^FRA^2.11", b"3.0", b"JVBERi0=", b"PGEvPg=="),
)
_EVENTS = (
    *(b"ADT^A%02d" % number for number in (*range(1, 63), 99)),
    *(b"MDM^T02", b"MDM^T04", b"MDM^T10", b"ORU^R01", b"SIU^S12", b"SIU^S15", b"SIU^S26"),
    *(b"ORM^O01", b"OMG^O19", b"OML^O21", b"REF^I12", b"ZAM^Z01", b"ACK^A01", b"ADT^Z99"),
    *(b"QBP^Q11", b"ADT", b"^^"),
)


def flip(data: bytes, random: Random) -> bytes:
    """Change one to four bytes."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def cut(data: bytes, random: Random) -> bytes:
    """Keep the beginning only, as after a lost connection."""
    return data[: random.randrange(len(data) + 1)]


def repeat(data: bytes, random: Random) -> bytes:
    """Say a stretch twice."""
    begin = random.randrange(len(data) + 1)
    end = min(len(data), begin + random.randint(1, 200))
    return data[:end] + data[begin:end] + data[end:]


def drop_segment(data: bytes, random: Random) -> bytes:
    """Leave one segment out."""
    segments = data.split(b"\r")
    del segments[random.randrange(len(segments))]
    return b"\r".join(segments)


def double_segment(data: bytes, random: Random) -> bytes:
    """Send one segment twice, the copy anywhere."""
    segments = data.split(b"\r")
    segments.insert(random.randrange(len(segments) + 1), random.choice(segments))
    return b"\r".join(segments)


def swap_segments(data: bytes, random: Random) -> bytes:
    """Send two segments in the other order."""
    segments = data.split(b"\r")
    one, other = random.randrange(len(segments)), random.randrange(len(segments))
    segments[one], segments[other] = segments[other], segments[one]
    return b"\r".join(segments)


def set_field(data: bytes, random: Random) -> bytes:
    """Put a nasty value, or that of another field, into a field of a segment."""
    segments = data.split(b"\r")
    at = random.randrange(len(segments))
    fields = segments[at].split(b"|")
    number = random.randrange(len(fields) + 2)
    fields += [b""] * (number + 1 - len(fields))
    other = random.choice(segments).split(b"|")
    fields[number] = random.choice(_NASTY) if random.random() < 0.8 else random.choice(other)
    segments[at] = b"|".join(fields)
    return b"\r".join(segments)


def set_component(data: bytes, random: Random) -> bytes:
    """Put a nasty value into one component of a valued field."""
    segments = data.split(b"\r")
    at = random.randrange(len(segments))
    fields = segments[at].split(b"|")
    number = random.randrange(len(fields))
    mark = random.choice((b"^", b"&", b"~"))
    parts = fields[number].split(mark)
    parts[random.randrange(len(parts))] = random.choice(_NASTY)
    fields[number] = mark.join(parts)
    segments[at] = b"|".join(fields)
    return b"\r".join(segments)


def set_event(data: bytes, random: Random) -> bytes:
    """Call the message another event."""
    fields = data.split(b"|")
    if len(fields) > 8:
        fields[8] = random.choice(_EVENTS)
    return b"|".join(fields)


def set_separators(data: bytes, random: Random) -> bytes:
    """Announce other separators than those used, or use none that can be told apart."""
    signs = bytes(random.choice(b"^~\\&#$@!|*\x00 ") for _ in range(random.randint(0, 6)))
    return data[:4] + signs + data[8:]


def splice(data: bytes, random: Random, other: bytes) -> bytes:
    """Continue with the end of another message."""
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


MUTATIONS: Sequence[Mutation] = (
    flip,
    cut,
    repeat,
    drop_segment,
    double_segment,
    swap_segments,
    set_field,
    set_field,
    set_component,
    set_component,
    set_event,
    set_separators,
)


def mutated(bodies: Sequence[bytes], random: Random) -> bytes:
    """Return one of the messages with one to five changes."""
    data = random.choice(bodies)
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        if random.random() < 0.05:
            data = splice(data, random, random.choice(bodies))
        else:
            data = random.choice(MUTATIONS)(data, random)
    return data
