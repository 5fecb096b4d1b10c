"""Cut a byte stream into MLLP frames, whatever the pieces it arrives in.

Does not read messages, hold time limits or answer: `entry.mllp` does. Every byte is looked at a
bounded number of times, so a hostile stream costs linear time.
Follows HL7 v2 Transport Specification MLLP release 1, tolerant as field practice demands.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

VT = b"\x0b"
FS = b"\x1c"
CR = b"\r"
_CR = 0x0D
_RESTART = b"\x0bMSH"
_VT_RUN = re.compile(rb"\x0b*")
#: What an empty frame may hold.
_BLANK = b"\r\n\0 \t"
#: Release 2 commit blocks: positive and negative.
_COMMIT_BLOCKS = (b"\x06", b"\x15")
_HTTP = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"DELETE ", b"PRI * ")
_TLS_HELLO = b"\x16\x03"
#: Longest opening that tells another protocol.
_OPENING = max(map(len, _HTTP))

#: The end block had no CR (it is accepted at FS).
FLAG_FRAME_END = "frame-end"


class Fault(StrEnum):
    """What a stream can hold that is not a message."""

    #: The sender began again inside a frame: `<VT>MSH` and a separator.
    RESTARTED = "frame-restarted"
    #: A frame over the limit that ended: only its head is kept.
    OVERSIZE = "oversize-frame"
    #: A frame over the drain limit: the stream is given up.
    OVERFLOW = "endless-frame"
    #: The stream ended inside a frame.
    TRUNCATED = "truncated-frame"
    #: A release 2 commit block; answering an answer loops.
    COMMIT_BLOCK = "commit-block"
    #: The first bytes are a TLS record: the stream is given up.
    TLS = "tls-on-plain-port"
    #: The first bytes are an HTTP request: the stream is given up.
    HTTP = "http-on-mllp-port"


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame.

    Attributes:
        body: the bytes between VT and FS.
        flags: `frame-end` when no CR followed FS.
    """

    body: bytes
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that is not a message.

    Attributes:
        fault: what it is.
        head: its first bytes, at most the decoder's `head` setting.
        size: how many bytes were seen, without the frame bytes.
    """

    fault: Fault
    head: bytes
    size: int


Event = Frame | Broken


class FrameDecoder:
    """The state of one stream.

    Attributes:
        noise: bytes between frames so far; the CR of an end block is not noise.
    """

    __slots__ = (
        "_drain",
        "_ended",
        "_given_up",
        "_head",
        "_held",
        "_is_open",
        "_limit",
        "_opening",
        "_size",
        "_tail",
        "noise",
    )

    def __init__(self, limit: int = 64 * 2**20, *, head: int = 4096, drain_factor: int = 4) -> None:
        self.noise = 0
        self._limit = limit
        self._drain = limit * drain_factor
        self._head = min(head, limit)
        self._is_open = False
        self._held = bytearray()
        self._size = 0
        # The last bytes of the open frame: a restart may be cut by a packet border anywhere.
        self._tail = b""
        # A frame whose FS was the last byte seen: the next byte tells whether a CR follows.
        self._ended: Event | None = None
        self._opening: bytes | None = b""
        self._given_up = False

    @property
    def in_frame(self) -> bool:
        """Tell whether a frame has begun and not ended."""
        return self._is_open

    @property
    def awaits_cr(self) -> bool:
        """Tell whether only the CR of an end block is missing; see `settle`."""
        return self._ended is not None

    @property
    def pending_bytes(self) -> int:
        """Return how many bytes of the open frame were seen."""
        return self._size if self._is_open else 0

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes of the stream and return what they complete, in order."""
        events: list[Event] = []
        position, end = 0, len(data)
        if self._given_up or not end:
            return events
        if self._opening is not None and self._is_other_protocol(data, events):
            return events
        if self._ended is not None:
            position = self._end_known(data, position, events)
        while position < end:
            if not self._is_open:
                position = self._open(data, position)
                continue
            if not self._size and data[position] == 0x0B:
                # VT after VT: a frame that starts again before its first byte is noise.
                run_end = _run_end(data, position)
                self.noise += run_end - position
                position = run_end
                continue
            close = data.find(FS, position)
            self._take(data, position, end if close < 0 else close, events)
            if close < 0 or self._given_up:
                break
            self._close_frame()
            position = self._end_known(data, close + 1, events)
        return events

    def settle(self) -> list[Event]:
        """Accept a frame that ended with FS and silence; call it a moment after `awaits_cr`."""
        events: list[Event] = []
        if self._ended is not None:
            events.append(_without_cr(self._ended))
            self._ended = None
        return events

    def close(self) -> list[Event]:
        """Tell that the stream ended and return what was left."""
        events = self.settle()
        if self._is_open:
            if self._size:
                events.append(Broken(Fault.TRUNCATED, self._kept_head(), self._size))
            else:
                self.noise += 1
            self._reset()
        self._given_up = True
        return events

    def _is_other_protocol(self, data: bytes, events: list[Event]) -> bool:
        """Recognise a TLS hello or an HTTP request in the first bytes of the stream."""
        opening = (self._opening or b"") + data[:_OPENING]
        if opening.startswith(_TLS_HELLO):
            fault = Fault.TLS
        elif opening.startswith(_HTTP):
            fault = Fault.HTTP
        else:
            is_decided = len(opening) >= _OPENING or VT in opening
            self._opening = None if is_decided else opening
            return False
        self._given_up = True
        events.append(Broken(fault, opening + data[_OPENING : self._head], len(data)))
        return True

    def _open(self, data: bytes, position: int) -> int:
        """Skip noise up to the next VT and return the place after it."""
        start = data.find(VT, position)
        if start < 0:
            self.noise += len(data) - position
            return len(data)
        self.noise += start - position
        self._is_open = True
        return start + 1

    def _take(self, data: bytes, position: int, end: int, events: list[Event]) -> None:
        """Add bytes to the open frame; a restart inside them drops what came before."""
        position = self._restart_at_border(data, position, end, events)
        # A single byte is found much faster than four, and is rare inside a frame.
        start = data.find(VT, position, end)
        start = data.find(_RESTART, start, end) if start >= 0 else start
        while start >= 0:
            if _is_separator(data, start + 4, end):
                self._append(data, position, start, events)
                if self._given_up:
                    return
                self._drop(events)
                position = start + 1
            start = data.find(_RESTART, start + 4, end)
        self._append(data, position, end, events)

    def _restart_at_border(self, data: bytes, position: int, end: int, events: list[Event]) -> int:
        """Find a restart of which at least the VT came with earlier bytes."""
        if not self._tail:
            return position
        joint = self._tail + data[position : min(end, position + 4)]
        start = joint.find(_RESTART)
        if not 0 <= start < len(self._tail) or not _is_separator(joint, start + 4, len(joint)):
            return position
        begun = self._tail[start:]
        self._size -= len(begun)
        if self._size <= self._limit:
            del self._held[self._size :]
        self._drop(events)
        self._append(begun, 1, len(begun), events)
        return position

    def _append(self, data: bytes, position: int, end: int, events: list[Event]) -> None:
        count = end - position
        if not count:
            return
        was_over = self._size > self._limit
        self._size += count
        if not was_over:
            # Over the limit only the head is kept, so that memory stays bounded.
            room = count if self._size <= self._limit else max(0, self._head - len(self._held))
            self._held += data[position : position + min(count, room)]
            if self._size > self._limit:
                self._held = self._held[: self._head]
        self._tail = (self._tail + data[max(position, end - 4) : end])[-4:]
        # Bytes that may begin another frame do not count yet: it depends on what follows.
        if self._size > self._drain and self._size - _begun(self._tail) > self._drain:
            self._given_up = True
            events.append(Broken(Fault.OVERFLOW, self._kept_head(), self._drain + 1))
            self._reset()

    def _drop(self, events: list[Event]) -> None:
        if self._size > 0:
            events.append(Broken(Fault.RESTARTED, self._kept_head(), self._size))
        self._reset()
        self._is_open = True

    def _close_frame(self) -> None:
        """End the open frame at FS; it is given out once the next byte is known."""
        if self._size > self._limit:
            self._ended = Broken(Fault.OVERSIZE, self._kept_head(), self._size)
        elif self._size == 1 and bytes(self._held) in _COMMIT_BLOCKS:
            self._ended = Broken(Fault.COMMIT_BLOCK, bytes(self._held), 1)
        elif self._size < 64 and not self._held.strip(_BLANK):
            # An empty frame is a keep-alive of some engines: nothing to answer.
            self.noise += self._size + 2
        else:
            self._ended = Frame(bytes(self._held))
        self._reset()

    def _end_known(self, data: bytes, position: int, events: list[Event]) -> int:
        """Give out the ended frame when the byte after FS is there."""
        if self._ended is None or position >= len(data):
            return position
        if data[position] == _CR:
            events.append(self._ended)
            position += 1
        else:
            events.append(_without_cr(self._ended))
        self._ended = None
        return position

    def _kept_head(self) -> bytes:
        return bytes(self._held[: self._head])

    def _reset(self) -> None:
        self._is_open = False
        self._held = bytearray()
        self._size = 0
        self._tail = b""


def _run_end(data: bytes, position: int) -> int:
    found = _VT_RUN.match(data, position)
    return found.end() if found else position


def _begun(tail: bytes) -> int:
    """Return how many of the last bytes may be the start of another frame."""
    return next((n for n in (4, 3, 2, 1) if tail.endswith(_RESTART[:n])), 0)


def _is_separator(data: bytes, position: int, end: int) -> bool:
    """Tell whether a byte can be MSH-1: printable ASCII, neither letter nor digit."""
    return position < end and 0x20 < data[position] < 0x7F and not chr(data[position]).isalnum()


def _without_cr(event: Event) -> Event:
    return Frame(event.body, (FLAG_FRAME_END,)) if isinstance(event, Frame) else event
