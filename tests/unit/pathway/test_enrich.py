"""What all facts of a person say together."""

from itertools import permutations

import pytest

from gateway.mapping.sites import Site, Unit
from gateway.pathway.enrich import Tables, enrich
from gateway.pathway.facts import Facts
from tests.support.assertions import HAD, MCO, SMR, says


def enriched(log, tables=None):
    facts = Facts()
    for one in log:
        facts.add(one)
    return {fact.key: fact for fact in enrich(facts.by_event(), tables or Tables())}


def attributes(log, key, tables=None):
    return enriched(log, tables)[key].attributes


def discharge(te="2025-11-14 16:40", key="d", **said):
    known = {"estab": MCO, "visit": "V1", "patient_class": "I"}
    return says("ENC.DISCHARGE", key, te, te, **(known | said))


def letter(te="2025-11-14 17:00", key="l", **said):
    return says("DOC.LDL_SES", key, te, te, **({"estab": MCO, "visit": "V1"} | said))


@pytest.mark.parametrize(
    ("mode", "code", "destination", "detail"),
    [
        ("8", None, "home", None),
        ("8", "6", "had", None),
        ("8", "7", "ms", None),
        ("8", "8", "home", "ssiad"),
        ("7", "1", "mco", None),
        ("7", "2", "smr", None),
        ("7", "3", "usld", None),
        ("7", "4", "psy", None),
        ("7", "6", "had", None),
        ("7", "7", "ms", None),
        ("7", None, "unknown", "transfer"),
        ("6", "2", "smr", "internal"),
        ("6", None, "unknown", "transfer"),
        ("9", None, "dead", None),
        ("0", "1", "unknown", "temporary"),
        ("4", None, "unknown", "left"),
        (None, None, "unknown", None),
    ],
)
def test_billed_destination(mode, code, destination, detail):
    said = {"mode": mode, "destination_code": code}

    found = attributes([discharge(**{k: v for k, v in said.items() if v})], "d")

    assert (found["destination"], found.get("detail")) == (destination, detail)


@pytest.mark.field("FL-138")
@pytest.mark.parametrize(
    ("modality", "destination"),
    [
        ("160849004", "home"),
        ("109", "smr"),
        ("127", "had"),
        ("500", "ms"),
        ("ORG-102", "smr"),
        ("ORG-103", "smr"),
        ("ORG-104", "smr"),
        ("ORG-162", "mco"),
        ("GEN-092.06.03", "unknown"),
        ("419620001", "unknown"),
        ("ZZZ", "unknown"),
    ],
)
def test_the_letter_tells_what_the_movement_does_not(modality, destination):
    log = [discharge(), letter(discharge_modality=modality)]

    assert attributes(log, "d")["destination"] == destination


@pytest.mark.field("FL-138")
def test_a_letter_that_says_another_establishment_makes_a_transfer():
    found = attributes([discharge(), letter(discharge_modality="GEN-092.06.01")], "d")

    assert (found["destination"], found["detail"]) == ("unknown", "transfer")


@pytest.mark.field("FL-138")
def test_nothing_said_is_never_home():
    assert attributes([discharge()], "d")["destination"] == "unknown"


def test_a_letter_refines_a_transfer_to_nowhere():
    log = [discharge(mode="7"), letter(discharge_modality="109")]

    assert attributes(log, "d")["destination"] == "smr"


def test_sources_that_disagree_are_marked_and_the_billed_one_wins():
    log = [discharge(mode="8"), letter(discharge_modality="109")]

    found = enriched(log)["d"]

    assert found.attributes["destination"] == "home"
    assert "dest-conflict" in found.flags


def test_a_facility_of_one_sector_decides_and_a_hospital_does_not():
    tables = Tables(categories={SMR: "109", MCO: "355"})

    assert attributes([discharge(destination_finess=SMR)], "d", tables)["destination"] == "smr"
    assert attributes([discharge(destination_finess=MCO)], "d", tables)["destination"] == "unknown"


@pytest.mark.parametrize(("sent", "there"), [(None, SMR), (MCO, MCO)])
def test_the_transfer_act_of_a_letter_names_the_establishment_no_movement_names(sent, there):
    left = discharge(**({"destination_finess": sent} if sent else {}))

    found = attributes([left, letter(destination_finess=SMR)], "d")

    assert found["destination_finess"] == there


def test_the_transfer_act_of_a_letter_tells_the_sector_of_its_facility():
    tables = Tables(categories={SMR: "109"})
    log = [discharge(), letter(destination_finess=SMR)]

    assert attributes(log, "d", tables)["destination"] == "smr"


def test_an_accepted_request_decides_when_nothing_else_does():
    asked = says("REQ.had.ACCEPTED", "r", "2025-11-13 09:00", "2025-11-13 09:00", request="r")
    older = says("REQ.smr.ACCEPTED", "s", "2025-08-13 09:00", "2025-08-13 09:00", request="s")

    assert attributes([discharge(), asked, older], "d")["destination"] == "had"
    assert attributes([discharge(), older], "d")["destination"] == "unknown"


@pytest.mark.parametrize(
    ("circumstance", "destination", "detail"),
    [("B", "mco", None), ("REO", "unknown", "reoriented"), ("3", "unknown", None)],
)
def test_circumstance_comes_last(circumstance, destination, detail):
    found = attributes([discharge(circumstance=circumstance)], "d")

    assert (found["destination"], found.get("detail")) == (destination, detail)


def test_bounds_and_length_of_a_stay():
    log = [
        says("ENC.ADMIT", "a", "2025-11-10 08:00", "2025-11-10 08:00", estab=MCO, visit="V1"),
        discharge(),
    ]

    found = attributes(log, "d")

    assert found["stay_start"] == "2025-11-10T07:00:00Z"
    assert found["stay_end"] == "2025-11-14T15:40:00Z"
    assert (found["length_of_stay_h"], found["risk"]) == (104, True)
    assert attributes(log, "a")["stay_end"] == "2025-11-14T15:40:00Z"


@pytest.mark.field("FL-104")
def test_only_the_last_discharge_of_a_visit_counts():
    log = [discharge("2025-11-14 10:00", "first"), discharge("2025-11-14 16:00", "second")]

    flags = {key: fact.flags for key, fact in enriched(log).items()}

    assert flags == {"first": ("superseded",), "second": ()}


def test_sector_of_a_unit_comes_from_the_site_table():
    site = Site(name="chu", finess=MCO, ufs={"2100": Unit(sector="mco"), "9": Unit()})
    tables = Tables.of([site])
    log = [
        says("ENC.ADMIT", "a", "2025-11-10 08:00", "2025-11-10 08:00", estab=MCO, visit="V1",
             unit="2100", estab_unit=f"{MCO}#2100"),
    ]  # fmt: skip

    assert tables.units == {f"{MCO}#2100": "mco"}
    assert attributes(log, "a", tables)["sector"] == "mco"


def test_a_unit_nobody_knows_has_no_sector():
    tables = Tables(units={f"{MCO}#2100": "mco"})
    log = [
        says("ENC.ADMIT", "a", "2025-11-10 08:00", "2025-11-10 08:00", estab=MCO, visit="V1",
             unit="2100", estab_unit=f"{MCO}#2100"),
        discharge(unit="9999", estab_unit=f"{MCO}#9999"),
    ]  # fmt: skip

    assert attributes(log, "d", tables).get("sector") is None


def test_an_open_stay_at_home_or_in_rehabilitation_is_seen_from_another_one():
    home = says("ENC.ADMIT", "h", "2025-11-01 08:00", "2025-11-01 08:00", estab=HAD, visit="H",
                sector="had")  # fmt: skip
    over = says("ENC.DISCHARGE", "o", "2025-11-05 08:00", "2025-11-05 08:00", estab=HAD, visit="H")

    assert attributes([home, discharge()], "d")["open_episode"] == "had"
    assert attributes([home, over, discharge()], "d").get("open_episode") is None


def test_of_two_open_stays_the_same_one_is_seen_whichever_was_told_first():
    home = says("ENC.ADMIT", "h", "2025-11-01 08:00", "2025-11-01 08:00", estab=HAD, visit="H",
                sector="had")  # fmt: skip
    rehabilitation = says("ENC.ADMIT", "r", "2025-11-02 08:00", "2025-11-02 08:00",
                          estab="990000777", visit="R", sector="smr")  # fmt: skip

    seen = [
        attributes([*log, discharge()], "d")["open_episode"]
        for log in permutations([home, rehabilitation])
    ]

    assert seen == ["had", "had"]


def test_a_family_doctor_declared_later_is_not_known_at_discharge():
    known = says("PAT.GP_KNOWN", "g", "2025-11-10 08:00", "2025-11-10 08:00", gp="10001")
    later = says("PAT.GP_KNOWN", "g", "2025-11-20 08:00", "2025-11-20 08:00", gp="10001")

    assert attributes([known, discharge()], "d")["gp"] == "10001"
    assert attributes([later, discharge()], "d").get("gp") is None


def test_a_family_doctor_said_again_was_known_before():
    first = says("PAT.GP_KNOWN", "g", "2025-11-10 08:00", "2025-11-10 08:00", gp="10001")
    again = says("PAT.GP_KNOWN", "g", "2025-11-20 08:00", "2025-11-20 08:00", gp="10001")

    assert attributes([again, first, discharge()], "d")["gp"] == "10001"


def test_a_letter_without_family_doctor_takes_the_one_on_file():
    known = says("PAT.GP_KNOWN", "g", "2025-11-10 08:00", "2025-11-10 08:00", gp="10001")

    assert attributes([known, letter()], "l")["gp"] == "10001"
    assert attributes([known, letter(gp="20002")], "l")["gp"] == "20002"


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ({"circumstance": "A"}, "2025-11-15T03:00:00Z"),
        ({"circumstance": "P"}, "2025-11-17T15:00:00Z"),
        ({}, "2025-11-17T15:00:00Z"),
        ({"mode": "0"}, "2025-11-16T15:00:00Z"),
        ({"return_due": "2025-11-16T08:00:00Z"}, "2025-11-16T08:00:00Z"),
    ],
    ids=["absence", "permission", "not told", "on a platform", "told"],
)
def test_return_of_a_leave(said, due):
    log = [says("ENC.LEAVE_OUT", "x", "2025-11-14 16:00", "2025-11-14 16:00", visit="V", **said)]

    assert attributes(log, "x")["return_due"] == due


@pytest.mark.parametrize(
    ("entry_mode", "before", "kind"),
    [
        ("7", None, "transfer"),
        ("6", None, "mutation"),
        ("8", "ENC.ED_IN", "emergency"),
        ("8", "ENC.PREADMIT", "planned"),
        ("8", None, None),
    ],
)
def test_kind_of_admission(entry_mode, before, kind):
    log = [
        says("ENC.ADMIT", "a", "2025-11-10 08:00", "2025-11-10 08:00", estab=MCO, visit="V1",
             entry_mode=entry_mode),
    ]  # fmt: skip
    if before:
        visit = "V1" if before == "ENC.PREADMIT" else "U1"
        log.append(
            says(before, "b", "2025-11-10 03:00", "2025-11-10 03:00", estab=MCO, visit=visit)
        )

    assert attributes(log, "a").get("admit_kind") == kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"admit_source": "4"}, "transfer"),
        ({"admit_source": "6"}, "mutation"),
        ({"admit_source": "7"}, "emergency"),
        ({"admit_source": "1"}, None),
        ({"entry_mode": "8", "ed_passage": "5"}, "emergency"),
        ({"entry_mode": "7", "admit_source": "7"}, "transfer"),
    ],
)
def test_kind_of_admission_by_where_the_patient_comes_from(said, kind):
    log = [says("ENC.ADMIT", "a", "2025-11-10 08:00", "2025-11-10 08:00", visit="V1", **said)]

    assert attributes(log, "a").get("admit_kind") == kind


def test_a_planned_discharge_says_where_the_patient_will_go():
    log = [says("ENC.DISCH_PLANNED", "p", "2025-11-14 16:00", "2025-11-12 10:00", estab=MCO,
                visit="V1", mode="7", destination_code="2")]  # fmt: skip

    assert attributes(log, "p")["destination"] == "smr"


def test_the_exit_mode_of_a_site_counts_before_the_circumstance():
    log = [discharge(local_destination="smr", circumstance="B")]

    assert attributes(log, "d")["destination"] == "smr"
    assert enriched(log)["d"].flags == ("dest-conflict",)


def test_a_promise_takes_the_end_of_the_stay_from_its_letter():
    promise = says("LDL.PROMISE", "p", "2025-11-14 17:00", "2025-11-14 17:00", setid="S")
    said = letter(setid="S", stay_end="2025-11-14T15:40:00Z")

    assert attributes([promise, said], "p")["stay_end"] == "2025-11-14T15:40:00Z"


def test_what_a_message_says_itself_is_not_overwritten():
    said = discharge(destination="ms", sector="psy", gp="1", mode="8")

    found = attributes([said], "d")

    assert (found["destination"], found["sector"], found["gp"]) == ("ms", "psy", "1")
