"""Other converters of CDA from PyPI, each in an environment of its own, on the same letter.

They read C-CDA of the United States: what a row says is how long they take and how much of a
French letter they carry, not how good they are at home.
"""

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Report
from tests.bench.servers import WORK, UnavailableError, installed

#: Runs in the environment of the peer: one JSON line of CPU ms a call and resources by type.
_MEASURE = """
import collections, json, logging, sys, time
logging.disable(logging.CRITICAL)
body = open(sys.argv[1], "rb").read()
{work}
bundle = work()
least, calls, start = 0.5, 0, time.process_time()
while time.process_time() - start < least:
    work()
    calls += 1
spent = time.process_time() - start
types = collections.Counter(one["resource"]["resourceType"] for one in bundle["entry"])
print(json.dumps({{"ms": 1000 * spent / calls, "types": types}}))
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A converter, pinned so that figures compare.

    Attributes:
        requirement: as pip reads it.
        work: source that defines `work()`, which gives the Bundle of `body`.
    """

    requirement: str
    work: str


PEERS = (
    Peer(
        "ccda-to-fhir==0.3",
        "from ccda_to_fhir import convert_document\n"
        "def work(): return convert_document(body.decode())['bundle']",
    ),
    Peer(
        "python-fhir-converter==0.3.0",
        "from fhir_converter.renderers import CcdaRenderer\n"
        "renderer = CcdaRenderer()\n"
        "def work(): return renderer.render_to_fhir('DischargeSummary', body)",
    ),
)


def measured(peer: Peer, letter: bytes) -> tuple[float, Mapping[str, int]]:
    """Return CPU milliseconds a letter, and how many resources of each type it gives.

    Raises:
        UnavailableError: it cannot be installed, or fails on the letter.
    """
    name = peer.requirement.partition("==")[0]
    python = installed(peer.requirement, WORK / name)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        path = Path(folder) / "letter.xml"
        path.write_bytes(letter)
        command = [str(python), "-c", _MEASURE.format(work=peer.work), str(path)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, cwd=folder
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise UnavailableError(f"{peer.requirement} failed: {lines[-1] if lines else '?'}")
    found = json.loads(done.stdout.splitlines()[-1])
    return found["ms"], found["types"]


class Peers:
    """The peers of one session; one that is not available is said once and left out."""

    def __init__(self, report: Report, letter: bytes) -> None:
        self._report, self._letter = report, letter
        self._known = list(PEERS)
        self._carried: dict[str, Mapping[str, int]] = {}

    def run(self) -> None:
        """Measure each peer once."""
        for peer in list(self._known):
            try:
                spent, types = measured(peer, self._letter)
            except UnavailableError as problem:
                self._known.remove(peer)
                self._report.note(f"letter LDL-SES, {problem}")
                continue
            self._report.add(f"letter LDL-SES, {peer.requirement}", "CPU ms", spent)
            self._carried[peer.requirement] = types

    def compare(self, ours: Counter[str]) -> None:
        """Print the resources of each type that each converter makes of the letter."""
        columns: dict[str, Mapping[str, int]] = {"Relais": ours, **self._carried}
        types = sorted({type_ for made in columns.values() for type_ in made})
        rows = [(type_, *(str(made.get(type_, 0)) for made in columns.values())) for type_ in types]
        total = ("all", *(str(sum(made.values())) for made in columns.values()))
        self._report.rows("Resources made of the LDL-SES", ("type", *columns), [*rows, total])
