"""Where a handoff can go: the kind of care it asks for, in the territory of the patient."""

import orjson
import pytest

from gateway.connectors.offers_file import read_offers
from gateway.core.errors import RejectedError
from gateway.core.ports import Condition
from gateway.fhir.offers import AREA_SYSTEM, SECTORS, Offer, ranked
from gateway.pipeline import offers
from gateway.store.memory import MemoryStore
from tests.support.opened_gaps import BED, Ward
from tests.support.pipeline import START

TABLE = """finess;type;nom;territoire;telephone;messagerie
990004004;had;HAD de la Dorde;99005 9901;0465710132;had@dorde.mssante.example
990005005;smr;SMR des Érables;990;;
990005006;SMR;SMR du Granite;99005;;
990006006;support;Soins de support;;0465710199;
990007007;smr;SMR d'ailleurs;75;;
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "offers.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    yield opened
    await opened.close()


def read(path):
    return read_offers(path, {}).offers


def names(found):
    return [one.name for one in found]


def test_the_nearest_word_on_the_territory_comes_first(table):
    found = read(table)

    assert names(ranked(found, ("smr",), "99005")) == ["SMR du Granite", "SMR des Érables"]
    assert names(ranked(found, ("had", "support"), "99012")) == [
        "HAD de la Dorde", "Soins de support",
    ]  # fmt: skip
    assert names(ranked(found, ("had",), "99020")) == []
    assert len(ranked(found, ("smr",), "")) == 3


@pytest.mark.parametrize(
    ("line", "why"),
    [("1;had;X;99;;", "no FINESS"), ("990004004;spa;X;;;", "the type"),
     ("990004004;had;;;;", "name"),
     ("990004004;had;X;Paris;;", "postcodes")],
)  # fmt: skip
def test_a_wrong_line_is_told_and_nothing_is_taken(tmp_path, line, why):
    path = tmp_path / "offers.csv"
    path.write_text(f"{TABLE}{line}\n", encoding="utf-8")

    with pytest.raises(RejectedError) as caught:
        read(path)

    [issue] = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-DIR-014", "offers.csv line 7")
    assert why in issue.what


async def test_the_offer_is_found_over_fhir_by_kind_and_area(store, table):
    await store.write(lambda tx: offers.keep(tx, read(table), START))
    kind = Condition("service-type", "token", ((SECTORS, "smr"),))

    found = await store.read(lambda tx: tx.resources.search("HealthcareService", [kind], 10, None))
    area = Condition("identifier", "token", ((AREA_SYSTEM, "99005"),))
    [place] = (
        await store.read(lambda tx: tx.resources.search("Location", [area], 10, None))
    ).resources
    near = Condition("coverage-area", "reference", (("Location", place.id),))
    there = await store.read(lambda tx: tx.resources.search("HealthcareService", [near], 10, None))

    assert len(found.resources) == 3
    assert len(there.resources) == 2


async def test_a_new_table_takes_the_place_of_the_old_one(store, table):
    first = await store.write(lambda tx: offers.keep(tx, read(table), START))
    again = await store.write(lambda tx: offers.keep(tx, read(table), START))
    fewer = [one for one in read(table) if one.kind != "had"]

    changed = await store.write(lambda tx: offers.keep(tx, fewer, START))

    assert (first[1], again, changed) == (0, (0, 0), (0, 1))
    assert "HAD de la Dorde" not in names(await store.read(offers._offers))


async def test_an_offer_comes_back_as_it_was_told(store, table):
    told = read(table)
    await store.write(lambda tx: offers.keep(tx, told, START))

    kept = await store.read(offers._offers)

    assert sorted(kept, key=lambda o: o.name) == sorted(told, key=lambda o: o.name)
    assert Offer("990006006", "support", "Soins de support", (), "0465710199") in kept


async def test_no_gap_goes_nowhere(store):
    assert await store.read(lambda tx: offers.where_can_it_go(tx, "none")) == []


async def test_a_patient_who_was_to_go_to_rehabilitation_is_offered_that_near_home(table):
    ward = await Ward.of()
    await ward.at("2026-03-10 07:00")
    row = await ward.row(BED)
    patient = await ward.store.read(
        lambda tx: orjson.loads(tx.resources.current([("Patient", row.patient.id)])[
            ("Patient", row.patient.id)].body)
    )  # fmt: skip
    [home] = [one["postalCode"] for one in patient["address"] if one.get("use") == "home"]
    here = [one for one in read(table) if one.finess != "990005006"]
    near = Offer("990005006", "smr", "SMR du Granite", (home,))
    there = Offer("990009009", "smr", "Z", (home[:2],))
    await ward.store.write(lambda tx: offers.keep(tx, [*here, there, near], START))

    found = await ward.store.read(lambda tx: offers.where_can_it_go(tx, row.gap_id))

    assert row.details["destination"] == "smr"
    assert names(found)[:2] == [near.name, "Z"]
    assert {one.kind for one in found} == {"smr"}


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ({"event": "REQ.had.SENT"}, ("had",)),
        ({"event": "ENC.DISCHARGE", "destination": "home"}, ("had", "support")),
        ({"event": "ENC.DISCHARGE", "destination": "unknown"}, offers._ANY),
        ({"event": "REQ.hospit.SENT"}, offers._ANY),
        ({}, offers._ANY),
    ],
    ids=str,
)
def test_the_kind_of_care_is_that_of_the_request_or_of_the_destination(said, kinds):
    assert offers._kinds(said) == kinds
