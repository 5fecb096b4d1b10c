"""The PDF beside a mailed document is PDF/A-1b: veraPDF says so of every kind of letter."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.cda.reader import read
from gateway.cda.xds_metadata import describe
from gateway.connectors.letter_pdf import doubts, rendering
from tests.official.validator import missing
from tests.support.absent import absent
from tests.support.mail import CONCEPTMAPS

pytestmark = pytest.mark.long

HERE = Path(__file__).parent / "archival"
#: Letters of our own making, and the published one of each kind that is mailed.
KINDS = ("LDL-SES", "LDL-EES", "CANCER-PPS", "CANCER-FRCP_2022.01_Appareil", "DOC_NON_STRUCTURE")


@pytest.fixture(scope="session")
def told(corpus_folder: Path, tmp_path_factory) -> dict[str, list[tuple[str, str]]]:
    """Give what veraPDF says of the PDF of each published letter: broken clauses, then a word."""
    if reason := missing():
        absent(reason)
    folder = tmp_path_factory.mktemp("pdf")
    paths = []
    for kind in KINDS:
        source = sorted((corpus_folder / "cda").glob(f"{kind}*.xml"))[0]
        document = read(source.read_bytes())
        made = rendering(document, describe(document, CONCEPTMAPS, ins_trusted=True))
        paths.append(folder / f"{kind}.pdf")
        paths[-1].write_bytes(made)
    classpath = HERE / "target" / "classpath.txt"
    command = ["mvn", "-q", "-B", "compile", "dependency:build-classpath"]
    subprocess.run([*command, f"-Dmdep.outputFile={classpath}"], cwd=HERE, check=True, stdout=2)
    classes = os.pathsep.join((str(HERE / "target" / "classes"), classpath.read_text()))
    java = shutil.which("java") or "java"
    done = subprocess.run(
        [java, "-cp", classes, "Archival", *map(str, paths)], capture_output=True, check=True
    )
    found: dict[str, list[tuple[str, str]]] = {path.stem: [] for path in paths}
    for line in done.stdout.decode().splitlines():
        file, clause, words = line.split("\t")
        found[Path(file).stem].append((clause, words))
    return found


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_the_pdf_of_a_letter_is_archival(kind: str, told) -> None:
    assert told[kind] == [("kept", "")]


def test_a_pdf_that_its_author_signed_goes_as_it_is_and_its_faults_are_named(
    corpus_folder: Path, told
) -> None:
    [source] = (corpus_folder / "cda").glob(f"{KINDS[-1]}*.xml")
    entry = describe(read(source.read_bytes()), CONCEPTMAPS, ins_trusted=True)

    assert told[KINDS[-1]][-1] == ("broken", "")
    [doubt] = doubts(entry)
    assert doubt.code == "RLS-MSS-045"
    assert re.search(r"claims no PDF/A and has: no output intent", doubt.what)
