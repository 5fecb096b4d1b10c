"""The pilot's pages over a store: the numbers, their perimeter, files, lists, small numbers."""

import csv
import io
import re
from dataclasses import replace

import pytest

from gateway.core.facts import Status
from gateway.entry.auth.people import Role
from gateway.entry.auth.roles import may
from gateway.entry.web.assets import assets
from tests.support.piloting import NORTH, SOUTH, TINY, Region, expected, month, put, region


def rows_of(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without their tags."""
    part = text.split(f'<h2 id="{heading}">')[1].split("</section>")[0]
    body = part.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [
            re.sub(r"<[^>]+>|\s+", " ", cell).strip()
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row)
        ]
        for row in body.split("</tr>")[:-1]
    ]


@pytest.fixture
async def place() -> Region:
    return await region()


async def read(place: Region, path: str, who: str = "anne", language: str = "fr") -> str:
    async with place.browser(who, language) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.text


async def test_the_numbers_are_those_of_the_handoffs(place: Region) -> None:
    text = await read(place, "/pilot")
    every = list(month())
    due = len(every)
    broken = sum(row.status is not Status.MET for row in every)

    assert f"sur {due} relais" in text
    rules = rows_of(text, "p-rules")
    assert sum(int(row[1]) for row in rules) == due
    assert sum(int(row[2]) for row in rules) == broken
    weeks = rows_of(text, "p-weeks")
    assert sum(int(row[1]) for row in weeks) == due


async def test_an_establishment_with_few_handoffs_is_hidden_and_not_to_be_subtracted(
    place: Region,
) -> None:
    sites = {row[0]: row[1:] for row in rows_of(await read(place, "/pilot"), "p-sites")}

    assert sites[TINY] == ["masqué"]
    # One more is hidden, so that the total gives nothing back.
    assert [name for name, row in sites.items() if row == ["masqué"]] == [SOUTH, TINY]
    assert sites[NORTH][0].isdigit()
    for hidden in (f"site={TINY}", f"site={SOUTH}", "area=73", f"site={TINY}&rule=TRX-08"):
        shown = await read(place, f"/pilot?{hidden}")
        assert "Rien à montrer sans risque" in shown
        assert "<table" not in shown
    assert "Rien à montrer" not in await read(place, f"/pilot?site={NORTH}")


async def test_a_longer_period_that_adds_a_handful_is_not_shown() -> None:
    older = [
        replace(
            expected(n, Status.MET), anchor=expected(n, Status.MET).anchor.replace(month=2, day=2)
        )
        for n in range(600, 604)
    ]
    place = await region(*month(), *older)

    assert "Rien à montrer" not in await read(place, "/pilot")
    assert "Rien à montrer" in await read(place, "/pilot?weeks=13")


async def test_somebody_with_a_perimeter_counts_what_began_there(place: Region) -> None:
    text = await read(place, "/pilot", "north")

    assert [row[0] for row in rows_of(text, "p-sites")] == [NORTH]
    assert SOUTH not in text
    assert TINY not in text
    assert "Rien à montrer" in await read(place, f"/pilot?site={SOUTH}", "north")
    listed = await read(place, "/pilot/gaps", "north")
    assert SOUTH not in listed
    whole = re.search(r"sur (\d+) relais", text)
    north = [row for row in month() if row.details["estab"] == NORTH]
    assert whole is not None
    assert int(whole[1]) == len(north)


async def test_who_does_not_pilot_finds_nothing_there(place: Region) -> None:
    async with place.browser("claire") as browser:
        for path in ("/pilot", "/pilot/gaps", "/pilot/rules.csv"):
            assert (await browser.get(path)).status_code == 404
        assert "Pilotage" not in (await browser.get("/gaps")).text
    assert [role for role in Role if may(role, "GET", "/pilot")] == [Role.PILOT]


async def test_numbers_lead_to_lists_of_as_many(place: Region) -> None:
    text = await read(place, "/pilot")
    links = re.findall(r'href="(/pilot/gaps\?[^"]+)">(\d+)</a>', text)

    assert len(links) > 8
    for link, number in links:
        listed = await read(place, link.replace("&amp;", "&"))
        assert re.search(rf"\b{number} ruptures?\b", listed), (link, number)


async def test_who_may_not_be_shown_a_person_reads_no_name_day_or_link(place: Region) -> None:
    listed = await read(place, "/pilot/gaps?of=broken", "north")

    assert "Sans nom ni jour" in listed
    assert 'href="/gaps/' not in listed
    assert 'href="/patients/' not in listed
    body = listed.split("<tbody>")[1]
    assert not re.search(r"\d{1,2} mars|2026", body)


async def test_a_list_of_few_is_not_given_without_names(place: Region) -> None:
    await place.store.write(lambda tx: tx.watch.handoffs.judge("none", ""))
    north = [row for row in month() if row.details["estab"] == NORTH]
    few = await region(
        *[row for row in north if row.status is Status.MET][:30],
        *[row for row in north if row.status is Status.OVERDUE][:4],
    )

    listed = await read(few, "/pilot/gaps?of=open", "north")

    assert "Trop peu" in listed
    assert "<tbody>" not in listed
    # Somebody who may open the gaps anyway is told them.
    assert "4 ruptures" in await read(few, "/pilot/gaps?of=open", "anne")


async def test_a_list_of_a_hidden_flow_is_not_given(place: Region) -> None:
    text = await read(place, "/pilot")
    flows = rows_of(text, "p-flows")
    shut = [row[:2] for row in flows if row[2] == "masqué"]
    assert shut
    lanes = {"Hôpital MCO": "mco", "SMR": "smr", "HAD": "had", "Domicile, ville": "home"}

    source, target = (lanes[name] for name in shut[0])
    listed = await read(place, f"/pilot/gaps?from={source}&to={target}", "north")

    assert "Trop peu" in listed or "nombre qui en donnerait" in listed


async def test_a_mute_and_what_people_settled_are_counted(place: Region) -> None:
    gaps = [row.gap_id for row in month() if row.rule == "TRX-01" and row.status is Status.OVERDUE]

    def settle(tx) -> None:
        for gap_id in gaps[:5]:
            tx.watch.handoffs.judge(gap_id, "false-alarm")
        for gap_id in gaps[5:17]:
            tx.watch.handoffs.judge(gap_id, "muted")

    await place.store.write(settle)

    text = await read(place, "/pilot")
    alerts = {row[0]: row[1:] for row in rows_of(text, "p-alerts")}
    late = sum(row.rule == "TRX-01" and row.status is Status.MET_LATE for row in month())
    told = sum(
        row.rule == "TRX-01" and row.status is Status.MET and row.opened_at is not None
        for row in month()
    )
    assert alerts["TRX-01"][:3] == [str(late + told + 5), str(told), "5"]
    assert re.search(r"dont masquées\s: 12", text)


async def test_files_open_in_a_french_spreadsheet_and_hold_no_formula(place: Region) -> None:
    async with place.browser() as browser:
        answer = await browser.get("/pilot/rules.csv")
        english = await browser.get("/pilot/rules.csv", headers={"Accept-Language": "en"})

    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment; filename=" in answer.headers["content-disposition"]
    found = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert [row[0] for row in found[1:]] == ["TRX-01", "TRX-08", "VIL-04"]
    assert found[1][5].count(",") == 1
    other = list(csv.reader(io.StringIO(english.content.decode("utf-8-sig"))))
    assert other[1][5] == found[1][5].replace(",", ".")


async def test_every_file_says_what_the_page_says(place: Region) -> None:
    text = await read(place, "/pilot")
    for name, heading in (("rules", "p-rules"), ("sites", "p-sites"), ("weeks", "p-weeks")):
        file = await read(place, f"/pilot/{name}.csv")
        written = list(csv.reader(io.StringIO(file.lstrip("\ufeff")), delimiter=";"))[1:]
        first = 1 if name == "weeks" else 2
        told = {row[first] for row in written}
        assert told == {row[1] for row in rows_of(text, heading)}


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_no_formula(name: str) -> None:
    from gateway.entry.web.pilot.export import written
    from gateway.entry.web.words import words

    [_, row] = written(["a"], [[name]], words("fr")).decode("utf-8-sig").splitlines()[:2] or [
        "",
        "",
    ]

    assert row.strip('"').startswith("'")


async def test_what_leaves_is_noted_before_it_leaves(place: Region) -> None:
    from gateway.core.audit import Wanted

    await read(place, "/pilot/rules.csv?rule=")
    await read(place, "/pilot?print=1")
    await read(place, "/pilot")

    kept = await place.store.read(lambda tx: tx.audit.find(Wanted(), 99, None))
    assert [entry.trace.kind for entry in kept] == ["export", "export"]


async def test_a_store_without_handoffs_says_so() -> None:
    place = await region(expected(1, Status.PENDING))

    text = await read(place, "/pilot")

    assert "Rien à montrer" in text
    assert "Aucune rupture avec ces filtres" in await read(place, "/pilot/gaps")


@pytest.mark.parametrize(
    "query",
    ["weeks=5", "weeks=x", "rule=%00", "site='--", "area=%ff", "of=x", "slot=999", "slot=-1",
     "from=x&to=y", "after=%F0%9F%98%80", "rule=" + "x" * 5000],
)  # fmt: skip
async def test_nonsense_in_the_address_is_no_error(place: Region, query: str) -> None:
    for path in ("/pilot", "/pilot/gaps", "/pilot/weeks.csv"):
        await read(place, f"{path}?{query}")


async def test_the_page_has_a_style_sheet_of_its_own(place: Region) -> None:
    address = assets()["pilot.css"].address

    for path in ("/pilot", "/pilot/gaps"):
        assert f'href="{address}"' in await read(place, path)
    assert len(assets()["pilot.css"].content) < 8_000


async def test_english_is_whole(place: Region) -> None:
    text = await read(place, "/pilot", language="en")

    assert "Handoffs on time" in text
    assert "From sector to sector" in text
    assert not re.search(r"Établissement|Relais attendus|masqué", text)


async def test_a_new_handoff_is_counted_when_the_minute_is_over(place: Region, monkeypatch) -> None:
    import gateway.entry.web.pilot.reader as reader

    before = await read(place, "/pilot")
    await place.store.write(lambda tx: put(tx, expected(999, Status.MET, estab=NORTH)))
    assert await read(place, "/pilot") == before

    monkeypatch.setattr(reader, "_KEPT_S", 0.0)
    assert "sur 405 relais" in await read(place, "/pilot")
