"""The concepts of cancer care: every one is defined, and the kinds of requests exist."""

import json

from gateway.core.datafiles import data_folder
from gateway.core.events import REQUEST_KINDS
from gateway.mapping.loader import load_mappings

MAPPINGS = load_mappings()


def test_every_concept_is_defined_and_every_definition_is_used() -> None:
    path = data_folder("profiles") / "fhir" / "CodeSystem-cancer-care.json"
    defined = json.loads(path.read_text(encoding="utf-8"))

    used = {target.code for target in MAPPINGS.conceptmaps["cancer-care"].codes.values()} - {""}

    assert {concept["code"] for concept in defined["concept"]} == used
    assert defined["url"] == MAPPINGS.conceptmaps["cancer-care"].system


def test_every_request_is_of_a_kind_a_pathway_knows() -> None:
    kinds = {t.code for t in MAPPINGS.conceptmaps["cancer-request-kind"].codes.values()}

    assert kinds <= set(REQUEST_KINDS)
