"""Queries: what is understood, what is refused, what is left out on request."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import RejectedError
from gateway.core.ports import Changes, Condition
from gateway.fhir.history_query import parse_history
from gateway.fhir.search import parse
from gateway.fhir.search_dates import date_range

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HERE = ("2026-03-07T23:00:00.000000Z", "2026-03-08T23:00:00.000000Z")


def _one(name: str, value: str, type_: str = "Encounter") -> Condition:
    (condition,) = parse(type_, [(name, value)]).conditions
    return condition


def _refused(
    name: str, value: str, type_: str = "Encounter", handling: str = "strict"
) -> list[tuple[str, str]]:
    with pytest.raises(RejectedError) as caught:
        parse(type_, [(name, value)], handling)  # type: ignore[arg-type]
    return [(issue.code, issue.where) for issue in caught.value.issues]


@pytest.mark.parametrize(
    ("text", "alternative"),
    [
        pytest.param("VN", (None, "VN"), id="code with any system"),
        pytest.param("urn:a|VN", ("urn:a", "VN"), id="system and code"),
        pytest.param("|VN", ("", "VN"), id="code without system"),
        pytest.param("urn:a|", ("urn:a", None), id="any code of a system"),
    ],
)
def test_a_token_says_system_and_code(text: str, alternative: tuple[str | None, str]) -> None:
    assert _one("identifier", text) == Condition("identifier", "token", (alternative,))


@pytest.mark.field("FL-231")
def test_separators_inside_a_value_are_escaped() -> None:
    condition = _one("identifier", r"urn:a|A\,B\|C\$D\\E,plain")

    assert condition.alternatives == (("urn:a", "A,B|C$D\\E"), (None, "plain"))


def test_commas_are_alternatives_and_repetitions_are_conditions() -> None:
    query = parse("Encounter", [("status", "planned,finished"), ("status:not", "finished")])

    assert query.conditions == (
        Condition("status", "token", ((None, "planned"), (None, "finished"))),
        Condition("status", "token", ((None, "finished"),), negated=True),
    )


@pytest.mark.parametrize(
    ("name", "value", "alternative"),
    [
        pytest.param("patient", "p1", ("Patient", "p1"), id="id alone takes the only type"),
        pytest.param("patient", "Patient/p1", ("Patient", "p1"), id="type and id"),
        pytest.param("subject", "p1", (None, "p1"), id="id alone of any type"),
        pytest.param("subject:Patient", "p1", ("Patient", "p1"), id="type as modifier"),
        pytest.param(
            "subject", "http://x/fhir/Patient/1", (None, "http://x/fhir/Patient/1"), id="absolute"
        ),
    ],
)
def test_a_reference_says_type_and_id(
    name: str, value: str, alternative: tuple[str | None, str]
) -> None:
    assert _one(name, value).alternatives == (alternative,)


@pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])
def test_a_date_keeps_its_prefix_and_becomes_a_range(prefix: str) -> None:
    condition = _one("date", f"{prefix}2026-03-08")

    assert condition == Condition("date", "date", ((prefix, *HERE),))


def test_a_date_without_prefix_is_equality_and_a_lost_plus_is_found() -> None:
    assert _one("date", "2026-03-08").alternatives == (("eq", *HERE),)
    assert _one("date", "ge2026-03-08T00:30:00 01:00").alternatives == (
        ("ge", "2026-03-07T23:30:00.000000Z", "2026-03-07T23:30:01.000000Z"),
    )


def test_missing_asks_whether_a_value_is_there() -> None:
    assert _one("part-of:missing", "true") == Condition("part-of", "reference", missing=True)
    assert _one("part-of:missing", "false") == Condition("part-of", "reference", missing=False)


def test_ids_and_last_updated_are_read_for_every_type() -> None:
    assert _one("_id", "a,b", "Binary").alternatives == ((None, "a"), (None, "b"))
    assert _one("_lastUpdated", "gt2026-03-08", "Binary").alternatives == (("gt", *HERE),)


@pytest.mark.field("FL-227")
def test_a_misspelt_parameter_is_refused_and_the_right_ones_are_named() -> None:
    with pytest.raises(RejectedError) as caught:
        parse("Patient", [("identifer", "urn:a|1")])

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-FHR-060", "http.identifer")
    assert "_tag, active, birthdate, death-date" in issue.fix
    assert "urn:a" not in str(issue)


@pytest.mark.field("FL-227")
def test_lenient_handling_leaves_out_what_is_unknown_and_says_what_was_used() -> None:
    pairs = [("identifer", "x"), ("active", "true"), ("active:above", "x"), ("_text", "y")]

    query = parse("Patient", pairs, "lenient")

    assert query.conditions == (Condition("active", "token", ((None, "true"),)),)
    assert query.used == (("active", "true"),)


def test_lenient_handling_never_leaves_out_a_value_it_cannot_read() -> None:
    assert _refused("date", "yesterday", handling="lenient") == [("RLS-FHR-062", "http.date")]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("subject.identifier", "x", "RLS-FHR-062", id="chain to any type"),
        pytest.param("patient:Group.identifier", "x", "RLS-FHR-062", id="chain to another type"),
        pytest.param("status.identifier", "x", "RLS-FHR-063", id="chain through a code"),
        pytest.param("patient.nothing", "x", "RLS-FHR-060", id="chain to no parameter"),
        pytest.param("patient.birthdate", "soon", "RLS-FHR-062", id="chain to no date"),
        pytest.param(
            "part-of.part-of.part-of.part-of.status", "x", "RLS-FHR-064", id="chain of four"
        ),
        pytest.param("_has:Task:focus", "x", "RLS-FHR-062", id="reverse without parameter"),
        pytest.param("_has:Task:status:code", "x", "RLS-FHR-062", id="reverse through a code"),
        pytest.param("_has:Task:patient:code", "x", "RLS-FHR-062", id="reverse of other type"),
        pytest.param("_has:Task:focus:nothing", "x", "RLS-FHR-060", id="reverse to nothing"),
        pytest.param("_include", "Encounter", "RLS-FHR-062", id="include without parameter"),
        pytest.param("_include", "Encounter:status", "RLS-FHR-062", id="include of a code"),
        pytest.param("_include", "Task:focus", "RLS-FHR-062", id="include of another type"),
        pytest.param("_include", "Encounter:subject:Thing", "RLS-FHR-062", id="include what"),
        pytest.param("_revinclude", "*", "RLS-FHR-062", id="reverse include of all"),
        pytest.param("_elements", "colour", "RLS-FHR-062", id="no such element"),
        pytest.param("_summary", "short", "RLS-FHR-062", id="no such summary"),
        pytest.param("_sort", "colour", "RLS-FHR-062", id="sort by nothing"),
        pytest.param("_sort", "date,type,class,status,_id", "RLS-FHR-064", id="five sort keys"),
        pytest.param("_contained", "true", "RLS-FHR-063", id="contained"),
        pytest.param("_filter", "x", "RLS-FHR-063", id="filter"),
        pytest.param("_list", "x", "RLS-FHR-063", id="list"),
        pytest.param("identifier:of-type", "urn:t|V", "RLS-FHR-062", id="of type without value"),
        pytest.param("subject:identifier", "|", "RLS-FHR-062", id="identifier of nothing"),
        pytest.param("length", "long", "RLS-FHR-062", id="no number"),
        pytest.param("length", "5|d", "RLS-FHR-062", id="unit without system"),
        pytest.param("class:of-type", "a|b|c", "RLS-FHR-061", id="of type of no identifier"),
        pytest.param("status:in", "urn:x", "RLS-FHR-305", id="value set"),
        pytest.param("class:text", "-", "RLS-FHR-062", id="text without letter"),
        pytest.param("status:exact", "x", "RLS-FHR-061", id="modifier of another type"),
        pytest.param("date:not", "2026", "RLS-FHR-061", id="not of a date"),
        pytest.param("_id:missing", "true", "RLS-FHR-061", id="modifier of an id"),
        pytest.param("status", "", "RLS-FHR-062", id="no value"),
        pytest.param("status", "a,,b", "RLS-FHR-062", id="empty alternative"),
        pytest.param("status", "|", "RLS-FHR-062", id="bar alone"),
        pytest.param("status", "a|b|c", "RLS-FHR-062", id="two bars"),
        pytest.param("status", "a\x00b", "RLS-FHR-062", id="control character"),
        pytest.param("status", "x" * 257, "RLS-FHR-062", id="too long"),
        pytest.param("patient", "Organization/../1", "RLS-FHR-062", id="path in a reference"),
        pytest.param("subject:Patient", "Group/1", "RLS-FHR-062", id="type against modifier"),
        pytest.param("patient", "Nothing/1", "RLS-FHR-062", id="unknown type"),
        pytest.param("date", "xx2026", "RLS-FHR-062", id="unknown prefix"),
        pytest.param("date", "2024-02-30", "RLS-FHR-062", id="no such day"),
        pytest.param("part-of:missing", "yes", "RLS-FHR-062", id="missing what"),
        pytest.param("_count", "-1", "RLS-FHR-062", id="negative count"),
        pytest.param("_total", "some", "RLS-FHR-062", id="unknown total"),
        pytest.param("status", ",".join("a" * 51), "RLS-FHR-064", id="51 values"),
        pytest.param("_cursor", "0123.abc", "RLS-FHR-065", id="cursor of nobody"),
        pytest.param("_cursor", "", "RLS-FHR-065", id="empty cursor"),
    ],
)
def test_what_is_not_supported_is_refused(name: str, value: str, code: str) -> None:
    assert _refused(name, value) == [(code, f"http.{name}")]


def test_a_place_never_holds_what_may_be_a_value() -> None:
    assert _refused("255068815400233", "x") == [("RLS-FHR-060", "http.q")]


def test_every_fault_is_told() -> None:
    with pytest.raises(RejectedError) as caught:
        parse("Encounter", [("date", "x"), ("nope", "1"), ("_count", "many")])

    assert [issue.code for issue in caught.value.issues] == [
        "RLS-FHR-062",
        "RLS-FHR-060",
        "RLS-FHR-062",
    ]


def test_more_than_thirty_parameters_cost_too_much() -> None:
    with pytest.raises(RejectedError) as caught:
        parse("Encounter", [("status", "a")] * 31)

    assert [issue.code for issue in caught.value.issues] == ["RLS-FHR-064"]


def test_count_is_capped_and_zero_asks_for_the_total() -> None:
    large = parse("Encounter", [("_count", "100000")])

    assert (large.count, large.used) == (200, (("_count", "200"),))
    assert parse("Encounter", [("_count", "0")]).count_only
    assert parse("Encounter", [("_summary", "count")]).count_only
    assert not parse("Encounter", [("_summary", "false")]).count_only


def test_a_page_belongs_to_its_search() -> None:
    first = parse("Encounter", [("status", "finished")])
    token = first.page_token("place-in-the-store", NOW)

    again = parse("Encounter", [("status", "finished"), ("_count", "5"), ("_cursor", token)])

    assert (again.cursor, again.issued) == ("place-in-the-store", NOW)
    assert again.own_token() == token
    assert again.used == (("status", "finished"), ("_count", "5"))
    for pairs in ([("status", "planned"), ("_cursor", token)], [("_cursor", token)]):
        with pytest.raises(RejectedError, match="RLS-FHR-065"):
            parse("Encounter", pairs)
    with pytest.raises(RejectedError, match="RLS-FHR-065"):
        parse("Encounter", [("status", "finished"), ("_cursor", token + "x")])


def test_a_page_can_be_asked_for_during_a_day() -> None:
    token = parse("Encounter", []).page_token("place", NOW)
    day = timedelta(hours=24)

    assert parse("Encounter", [("_cursor", token)], now=NOW + day).cursor == "place"
    with pytest.raises(RejectedError, match="RLS-FHR-072"):
        parse("Encounter", [("_cursor", token)], now=NOW + day + timedelta(seconds=1))


def test_about_a_date_is_a_tenth_of_its_distance() -> None:
    (condition,) = parse("Encounter", [("date", "ap2026-11-12")], now=NOW).conditions

    # Ten days and one hour lie between the start of the day in Paris and now.
    assert condition.alternatives == (
        ("ap", "2026-11-10T22:54:00.000000Z", "2026-11-13T23:06:00.000000Z"),
    )


@pytest.mark.parametrize(
    ("name", "value", "condition"),
    [
        pytest.param(
            "patient.birthdate",
            "2026-03-08",
            Condition(
                "patient",
                "chain",
                of="Patient",
                inner=(Condition("birthdate", "date", (("eq", *HERE),)),),
            ),
            id="chain",
        ),
        pytest.param(
            "_has:Task:encounter:status",
            "requested",
            Condition(
                "encounter",
                "has",
                of="Task",
                inner=(Condition("status", "token", ((None, "requested"),)),),
            ),
            id="reverse chain",
        ),
        pytest.param(
            "identifier:of-type",
            "urn:t|VN|80",
            Condition("identifier", "token", (("80", "^urn:t|VN^"),), test="words"),
            id="type of an identifier",
        ),
        pytest.param(
            "subject:identifier",
            "urn:ipp|7",
            Condition("subject", "reference", ((None, "^urn:ipp|7^"),), test="words"),
            id="identifier of a reference",
        ),
        pytest.param(
            "class:text",
            "Hôpital",
            Condition("class", "token", ((None, "|hopital"),), test="words"),
            id="words of a code",
        ),
        pytest.param(
            "length",
            "ge5|urn:u|d",
            Condition(
                "length",
                "quantity",
                (
                    (
                        "ge",
                        "1000000000000005.000000000",
                        "1000000000000005.000000001",
                        "urn:u",
                        "d",
                    ),
                ),
            ),
            id="quantity",
        ),
        pytest.param(
            "_profile:below",
            "urn:p",
            Condition("_profile", "uri", ((None, "urn:p"),), test="below"),
            id="address",
        ),
    ],
)
def test_modifiers_and_chains_become_conditions(
    name: str, value: str, condition: Condition
) -> None:
    assert _one(name, value) == condition


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("5.40", ("5.395000000", "5.405000000")),
        ("5", ("4.500000000", "5.500000000")),
        ("1e2", ("50.000000000", "150.000000000")),
        ("ap10", ("9.000000000", "11.000000001")),
        ("gt5.4", ("5.400000000", "5.400000001")),
        ("-3", ("-3.500000000", "-2.500000000")),
    ],
)
def test_a_number_stands_for_what_its_digits_leave_open(text: str, span: tuple[str, str]) -> None:
    ((_, low, high, *_),) = _one("length", text).alternatives

    assert tuple(f"{Decimal(str(n)) - 10**15}" for n in (low, high)) == span


NAMES = st.sampled_from(
    ["status", "date", "patient", "identifier:not", "part-of:missing", "_id", "_count", "_cursor"]
)


@given(st.lists(st.tuples(NAMES | st.text(max_size=12), st.text(max_size=40)), max_size=4))
def test_any_text_is_understood_or_refused_with_known_codes(pairs: list[tuple[str, str]]) -> None:
    try:
        understood = parse("Encounter", pairs).type
        codes = set()
    except RejectedError as refused:
        understood = ""
        codes = {issue.code for issue in refused.issues}

    assert understood or codes
    assert codes <= {f"RLS-FHR-0{number}" for number in (*range(60, 66), 72)}


@given(st.from_regex(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?Z?)?)?)?", fullmatch=True))
def test_a_range_of_any_date_does_not_end_before_it_starts(text: str) -> None:
    found = date_range(text)

    assert found is None or found[0] <= found[1]


def test_a_history_reads_its_own_parameters() -> None:
    pairs = [("_count", "2"), ("_since", "2026-03-08"), ("_at", "2026-03-08")]
    token = parse_history(pairs, type_="Task").page_token("7", NOW)

    query = parse_history([*pairs, ("_cursor", token)], type_="Task")

    low, high = (datetime.fromisoformat(text) for text in HERE)
    assert query.wanted == Changes("Task", "", low, (low, high))
    assert (query.count, query.cursor, query.issued) == (2, "7", NOW)
    assert query.used == tuple(pairs)
    with pytest.raises(RejectedError, match="RLS-FHR-065"):
        parse_history([*pairs, ("_cursor", token)], type_="Patient")


def test_a_history_refuses_each_fault() -> None:
    with pytest.raises(RejectedError) as caught:
        parse_history([("_of", "x"), ("_count", "x"), ("_since", "x"), ("_at", "x")])

    assert [(issue.code, issue.where) for issue in caught.value.issues] == [
        ("RLS-FHR-060", "http._of"),
        ("RLS-FHR-062", "http._count"),
        ("RLS-FHR-062", "http._since"),
        ("RLS-FHR-062", "http._at"),
    ]
    with pytest.raises(RejectedError, match="RLS-FHR-065"):
        parse_history([("_cursor", "x")])
