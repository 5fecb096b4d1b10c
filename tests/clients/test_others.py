"""fhir-kit-client on Node and the generic client of HAPI FHIR on Java, as published."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.clients.conftest import Server
from tests.clients.tried import told, verdicts
from tests.official.validator import missing
from tests.support.absent import absent

_HERE = Path(__file__).parent
_NODE, _JAVA = _HERE / "node", _HERE / "java"


def _said(command: list[str]) -> dict[str, object]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_fhir_kit_client(server: Server) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        absent("no Node 20 or no npm: apt-get install nodejs npm brings them")
    if not (_NODE / "node_modules").is_dir():
        bring = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(bring, cwd=_NODE, check=True)

    seen = _said(["node", str(_NODE / "client.mjs"), server.base, server.token])

    assert verdicts(seen) == told("fhir-kit-client")


def test_the_generic_client_of_hapi(server: Server) -> None:
    if (lacks := missing()) is not None:
        absent(lacks)
    classpath = _JAVA / "target" / "classpath.txt"
    build = ["mvn", "-q", "-B", "compile", "dependency:build-classpath"]
    subprocess.run([*build, f"-Dmdep.outputFile={classpath}"], cwd=_JAVA, check=True, stdout=2)
    classes = os.pathsep.join((str(_JAVA / "target" / "classes"), classpath.read_text("utf-8")))

    seen = _said(["java", "-Xmx512m", "-cp", classes, "Generic", server.base, server.token])

    assert verdicts(seen) == told("HAPI FHIR")
