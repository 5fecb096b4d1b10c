"""The wheel is whole: outside of the checkout it converts with its own mappings and profiles."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from tests.conftest import ROOT

pytestmark = pytest.mark.long

#: Told apart from a checkout: nothing of it may be on the path.
RUN = """
import sys
sys.path[:] = [p for p in sys.path if p != {root!r}]
sys.path.insert(0, {target!r})
import gateway
assert gateway.__file__.startswith({target!r}), gateway.__file__
from gateway.entry.cli import main
sys.argv = ["relais", *{words!r}]
main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel with what is installed, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Install it by itself; what it depends on is there already."""
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"),
            *("--disable-pip-version-check", "--target", str(target), str(wheel)),
        ],
        check=True,
        capture_output=True,
    )
    return target


def _relais(installed, folder, *words):
    code = RUN.format(root=str(ROOT), target=str(installed), words=list(words))
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH",)}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_mappings_and_profiles_are_inside_and_tests_are_not(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"gateway"}
    for folder in ("mappings", "profiles"):
        ours = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file()
        }
        assert ours <= {name.removeprefix("gateway/_data/") for name in names}
    assert "gateway/py.typed" in names


def test_the_installed_command_converts_a_message(installed, tmp_path):
    event = next(one for one in events(Region("wheel", 2), PERFECT) if one.door == "mllp")
    (tmp_path / "message.er7").write_bytes(event.body)

    done = _relais(installed, tmp_path, "convert", "message.er7")

    assert (done.returncode, done.stderr) == (0, "")
    bundle = json.loads(done.stdout)
    types = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert bundle["type"] == "transaction"
    assert {"Patient", "Organization"} <= types


def test_the_installed_mapping_files_are_sound(installed, tmp_path):
    done = _relais(installed, tmp_path, "config", "check")

    assert done.returncode == 0, done.stderr
    assert "are sound" in done.stderr
