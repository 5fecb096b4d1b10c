"""A small test kit in the layout of the published one, with the ISO engine that lxml brings."""

import os
import shutil
from multiprocessing.connection import Connection
from pathlib import Path

from lxml import isoschematron

from gateway.conformance.toolkit.worker import serve
from tests.support.letters import CASES

#: Names a kit calls them by, and those of the engine of lxml, which writes XSLT 1.
_ENGINE = {
    "iso_dsdl_include.xsl": "iso_dsdl_include.xsl",
    "iso_abstract_expand.xsl": "iso_abstract_expand.xsl",
    "iso_svrl_for_xslt2.xsl": "iso_svrl_for_xslt1.xsl",
    "iso_schematron_skeleton_for_xslt1.xsl": "iso_schematron_skeleton_for_xslt1.xsl",
}


def small_kit(folder: Path) -> Path:
    """Make a copy of the small kit that a test may change, and return its folder."""
    made = folder / "small_toolkit"
    shutil.copytree(CASES / "small_toolkit", made)
    engine = made / "schematrons" / "moteur"
    engine.mkdir()
    source = Path(isoschematron.__file__).parent / "resources" / "xsl" / "iso-schematron-xslt1"
    for name, own in _ENGINE.items():
        shutil.copyfile(source / own, engine / name)
    return made


def dies(connection: Connection, _engine: tuple[str, ...]) -> None:
    """End the process at the first job, as Saxon does when its stack is gone."""
    connection.recv()
    os._exit(99)


def dies_once(connection: Connection, engine: tuple[str, ...]) -> None:
    """End the first process that runs for an engine; a later one works."""
    mark = Path(engine[0]).with_name("died")
    if mark.exists():
        serve(connection, engine)
        return
    connection.recv()
    mark.touch()
    os._exit(99)


def never_answers(connection: Connection, _engine: tuple[str, ...]) -> None:
    """Take a job and stay silent until the process is ended."""
    connection.recv()
    connection.recv()
