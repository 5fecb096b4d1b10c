"""`python -m tests.support.outputs`: a digest of what every input becomes, one line an input.

Two builds of the gateway that print the same lines convert alike: `make compiled` compares the
interpreted modules with the compiled ones (docs/adr/0013-compiled-rooms.md).
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from gateway.core.errors import RejectedError
from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.hl7v2 import message
from gateway.pipeline.convert import Converter
from tests.bench import inputs
from tests.conftest import ROOT, corpus
from tests.support.gateway import converter

_CHANNELS = {".er7": Channel.MLLP, ".hl7": Channel.MLLP, ".xml": Channel.CDA}
_RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)
#: Movements of the synthetic region.
_MOVEMENTS = 1000


def _files() -> Iterator[tuple[str, Channel, bytes]]:
    beside = corpus()
    for folder in (ROOT / "fixtures", *([] if beside is None else [beside])):
        for path in sorted(folder.rglob("*")):
            channel = _CHANNELS.get(path.suffix)
            if channel is not None:
                yield path.relative_to(folder).as_posix(), channel, path.read_bytes()


def _synthetic() -> Iterator[tuple[str, Channel, bytes]]:
    for number, body in enumerate(inputs.movements(_MOVEMENTS)):
        yield f"movement {number}", Channel.MLLP, body


def _said(convert: Converter, raw: RawMessage) -> str:
    """Return all that a conversion tells, the trace included."""
    opened = convert.open(raw)
    prepared = convert.prepare(opened)
    told = [prepared.status, prepared.issues, prepared.flags, prepared.location, prepared.feed]
    told += [prepared.contributions, prepared.assertions]
    if prepared.status is InboxStatus.CONVERTED:
        try:
            told.append(convert.explain(opened))
        except RejectedError as error:
            told.append(error.issues)
    return repr(told)


def main() -> None:
    """Print the digests; say on stderr which build was asked."""
    convert = converter()
    sys.stderr.write(f"{Path(message.__file__).suffix}\n")
    for name, channel, body in (*_files(), *_synthetic()):
        said = _said(convert, RawMessage(body, channel, _RECEIVED))
        digest = sha256(said.encode(errors="surrogatepass")).hexdigest()
        sys.stdout.write(f"{digest[:16]} {name}\n")


if __name__ == "__main__":
    main()
