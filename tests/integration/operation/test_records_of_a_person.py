"""The page of a person says why its records are one: in words, with dates and source messages."""

import html
import re

import pytest

from tests.support.merging import (
    DOMAIN,
    INS,
    OTHER_DOMAIN,
    identity,
    merge,
    pair,
    patient_id,
    renumbered,
    two_establishments,
)
from tests.support.ops_site import OpsSite


async def _links(office: OpsSite, number: str, domain: str = DOMAIN) -> list[tuple[str, str]]:
    page = (await office.client.get(f"/patients/{patient_id(number, domain)}")).text
    part = page.partition("Pourquoi ces dossiers")[2].partition("</section>")[0]
    rows = re.findall(r"<bdi>(.*?)</bdi><small>(.*?)</small>", part)
    return [
        (html.unescape(words), html.unescape(re.sub(r"<[^>]+>", "", beside)))
        for words, beside in rows
    ]


@pytest.mark.parametrize(
    ("bodies", "words", "message"),
    [
        pytest.param([merge("P1", "P2", "202603020930")], "P2 a été réuni à P1", 3, id="A40"),
        pytest.param([renumbered("P1", "P2", "202603020930")], "P2 est devenu P1", 3, id="A47"),
        pytest.param(
            [pair("A24", "P1", "P2", "202603020930")],
            "P1 et P2 sont dits de la même personne", 3, id="A24",
        ),
    ],
)  # fmt: skip
async def test_what_joins_two_records_is_told(
    office: OpsSite, bodies: list[bytes], words: str, message: int
):
    for body in [identity("P1", "202603010800"), identity("P2", "202603010801"), *bodies]:
        assert "MSA|AA" in await office.send(body)

    found = await _links(office, "P1")

    assert [re.sub(r" \([^)]*\)", "", said) for said, _ in found] == [words]
    assert f"Message {message}" in found[0][1]
    assert "2 mars" in found[0][1]


async def test_a_person_with_one_record_has_nothing_to_explain(office: OpsSite):
    await office.send(identity("P1", "202603010800"))

    assert await _links(office, "P1") == []


async def test_a_qualified_ins_that_two_records_share_is_told(office: OpsSite):
    for number, at in (("P1", "202603010800"), ("P2", "202603010801")):
        assert "MSA|AA" in await office.send(identity(number, at, INS, f32="VALI"))

    [(words, _)] = await _links(office, "P1")

    said = re.sub(r" \([^)]*\)", "", words)
    assert said in ("P1 et P2 ont le même INS qualifié", "P2 et P1 ont le même INS qualifié")


async def test_records_that_are_taken_apart_have_nothing_to_explain_any_more(office: OpsSite):
    for body in [
        identity("P1", "202603010800"),
        identity("P2", "202603010801"),
        pair("A24", "P1", "P2", "202603020930"),
        pair("A37", "P1", "P2", "202603031000"),
    ]:
        assert "MSA|AA" in await office.send(body)

    assert await _links(office, "P1") == []
    assert await _links(office, "P2") == []


async def test_records_of_two_establishments_with_one_qualified_ins_are_explained_on_both(
    office: OpsSite,
):
    for body in two_establishments():
        assert "MSA|AA" in await office.send(body)

    here, there = await _links(office, "P1"), await _links(office, "P2", OTHER_DOMAIN)

    assert len(here) == len(there) == 1
    assert "ont le même INS qualifié" in here[0][0]
    assert {number for number in ("P1", "P2") if number in here[0][0]} == {"P1", "P2"}
