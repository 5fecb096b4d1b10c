"""The judge of the shared record takes what the gateway makes and refuses each thing made wrong."""

import ast
import inspect
from dataclasses import replace

import pytest

from gateway.connectors.dmp_keys import load_signer
from gateway.connectors.dmp_signature import Signed, sign_lot
from gateway.connectors.ebrim import Member
from gateway.simulation import dmp_rules
from gateway.simulation.dmp_objects import read_objects
from tests.support.dmp import NOW, author_of, pki_in, submission
from tests.support.spoilt import MUTATIONS, Case


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Give lot, members and bytes of a submission."""
    signer = load_signer(pki_in(tmp_path_factory.mktemp("pki")).signer)
    asked = submission(author=author_of(), labels=["INVISIBLE_PATIENT"])
    lot = asked.lot("2.25.42", NOW)
    proof = sign_lot(lot.unique_id, [Signed(asked.entry.unique_id, asked.body)], signer, NOW)
    signature = asked.signature_entry("2.25.43", proof, NOW)
    return lot, [Member(asked.entry), Member(signature)], [asked.body, proof]


def test_what_the_gateway_makes_breaks_no_rule(parts):
    assert Case(parts).judged() == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_wrong_thing_is_refused_by_its_rule(parts, name):
    spoil, code, place = MUTATIONS[name]
    case = Case(parts)
    spoil(case)

    assert (code, place) in [(found.code, found.place) for found in case.judged()]


def test_every_rule_of_the_judge_is_broken_by_a_mutation(parts):
    said = set()
    for spoil, _, _ in MUTATIONS.values():
        case = Case(parts)
        spoil(case)
        said |= {found.why for found in case.judged()}
    tree = ast.parse(inspect.getsource(dmp_rules))
    rules = {
        call.args[2].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding"
    }

    assert len(MUTATIONS) >= 60
    assert rules - said == set()


def test_findings_quote_nothing_of_the_person(parts):
    told = []
    for spoil, _, _ in MUTATIONS.values():
        case = Case(parts)
        spoil(case)
        told += [f"{found.place} {found.why}" for found in case.judged()]

    text = " ".join(told)
    assert [word for word in ("254039902200377", "MOUETTE", "PAULINE") if word in text] == []


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([], ["N"]),
        (["MASQUE_PS"], ["N", "MASQUE_PS"]),
        (["INVISIBLE_PATIENT"], ["N", "INVISIBLE_PATIENT"]),
        (["INVISIBLE_REPRESENTANTS_LEGAUX"], ["N", "INVISIBLE_REPRESENTANTS_LEGAUX"]),
        (
            ["MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"],
            ["N", "MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"],
        ),
    ],
)
def test_masks_follow_the_level_of_the_document(parts, labels, expected):
    lot, members, data = parts
    entry = submission(labels=labels).entry
    case = Case((lot, [Member(replace(entry)), members[1]], data))

    codes = read_objects(case.root).entries[0].codes["confidentialityCode"]
    assert [one.code for one in codes] == expected
    assert case.judged() == []
