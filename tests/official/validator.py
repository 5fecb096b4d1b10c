"""Runs the Java program: definitions and resources in, findings out."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import orjson

from tests.official.definitions import definitions

_HERE = Path(__file__).parent
_BUILT = _HERE / "target"
_CLASSPATH = _BUILT / "classpath.txt"
_JAVA = 17
BRING = "apt-get install openjdk-17-jdk-headless maven brings what it needs"


class Finding(NamedTuple):
    """One thing the validator found.

    Attributes:
        index: of the resource, from 0.
        severity: `warning`, `error` or `fatal`.
        place: FHIRPath of the element.
        message_id: of the validator, empty when it gives none.
        message: its words.
    """

    index: int
    severity: str
    place: str
    message_id: str
    message: str


def missing() -> str | None:
    """Return what is missing to run the validator, None when nothing is."""
    if shutil.which("javac") is None or shutil.which("mvn") is None:
        return f"the official validator is left out, no JDK or no Maven: {BRING}"
    told = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=False)
    version = (told.stdout + told.stderr).split()[1].partition(".")[0]
    if int(version) < _JAVA:
        return f"the official validator is left out, Java {version} is too old: {BRING}"
    return None


def findings(package: Path, resources: Sequence[dict]) -> list[Finding]:
    """Judge resources against R4, a package of FR Core and our own definitions.

    Args:
        package: archive of the published package.
        resources: of any type.

    Raises:
        subprocess.CalledProcessError: the program did not build or did not run to its end.
    """
    classes = _built()
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "definitions.ndjson"
        known.write_bytes(b"\n".join(definitions(package)))
        done = subprocess.run(
            ["java", "-Xmx2g", "-cp", classes, "Judge", str(os.cpu_count() or 1), str(known)],
            input=b"\n".join(orjson.dumps(one) for one in resources),
            stdout=subprocess.PIPE,
            check=True,
        )
    found = (json.loads(line) for line in done.stdout.decode().split("\n") if line)
    return [
        Finding(**{name: "" if said is None else said for name, said in one.items()})
        for one in found
    ]


@cache
def _built() -> str:
    """Build the program and return its class path."""
    command = ["mvn", "-q", "-B", "compile", "dependency:build-classpath"]
    subprocess.run([*command, f"-Dmdep.outputFile={_CLASSPATH}"], cwd=_HERE, check=True, stdout=2)
    return os.pathsep.join((str(_BUILT / "classes"), _CLASSPATH.read_text(encoding="utf-8")))
