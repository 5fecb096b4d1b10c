"""Every published French sample: converted whole, explained, the same everywhere."""

import os
import subprocess
import sys

import pytest

from gateway.core.errors import RejectedError
from gateway.entry.cli_convert import read_input
from gateway.fhir import bundle, shape
from gateway.pipeline.folds import fold_alone
from tests.conftest import ROOT, corpus
from tests.support.gateway import converter
from tests.support.leaves import dangling, empty_places, unexplained

ACKNOWLEDGEMENTS = ("zam_", ".ack.")


def samples():
    """Return the documents and the messages that are no acknowledgement."""
    folder = corpus()
    if folder is None:
        return []
    found = [*(folder / "hl7v2").glob("*.er7"), *(folder / "cda").glob("*.xml")]
    return sorted(
        path
        for path in found
        if not any(part in path.name for part in (*ACKNOWLEDGEMENTS, "dummy_payload"))
    )


def test_the_samples_are_there(corpus_folder):
    assert len(samples()) == 21


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_a_sample_converts_whole(path):
    conversion = converter().convert(read_input(path), trace=True)

    resources = fold_alone(conversion.contributions)

    assert resources
    assert [i for r in resources for i in (*shape.check(r), *shape.full(r))] == []
    assert dangling(resources) == []
    assert empty_places(resources) == []
    assert unexplained(conversion.contributions, resources, conversion.trace) == []


def test_a_payload_that_is_no_cda_is_refused_with_reason_and_place(corpus_folder):
    path = corpus_folder / "hl7v2" / "oru_r01_lab_dummy_payload.er7"

    with pytest.raises(RejectedError) as caught:
        converter().convert(read_input(path))

    assert [(i.code, i.where) for i in caught.value.issues] == [("RLS-CDA-001", "OBX[1]-5 byte 1")]


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1", "PYTHONUTF8": "0"},
        {"TZ": "America/Cayenne", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "77"},
    ],
    ids=["Tokyo, C locale", "Cayenne, UTF-8 locale"],
)
@pytest.mark.field("FL-027")
def test_the_same_bytes_in_another_process_locale_and_zone(corpus_folder, elsewhere):
    paths = samples()
    here = [bundle.to_bytes(bundle.assemble(_resources(path))) for path in paths]

    done = subprocess.run(
        [sys.executable, "-m", "gateway.entry.cli", "convert", *map(str, paths)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **elsewhere},
    )

    assert done.stdout.splitlines() == here


def _resources(path):
    return fold_alone(converter().convert(read_input(path)).contributions)
