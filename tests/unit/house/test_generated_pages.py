"""Generated pages are what the tree makes them; one line of drift is a failure."""

import pytest

from gateway.entry.cli_config import flat
from gateway.entry.settings import Settings
from gateway.mapping.loader import load_mappings
from gateway.mapping.plan import Use
from tests.support.docs import commands, conformance, mappings, settings
from tests.support.docs.markdown import between, cell, cells
from tests.support.docs.pages import PAGES, current


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_is_up_to_date(path):
    made = PAGES[path]()

    assert made == current(path), "run `make docs` and read the diff"


def test_every_rule_of_every_file_is_in_the_tables():
    loaded = load_mappings()
    plans = [*loaded.events.values(), *loaded.documents.values()]
    parts = [part for plan in plans for part in plan.resources]
    count = sum(len(part.add if isinstance(part, Use) else part.rules) for part in parts)
    count += sum(len(plan.rules) for plan in loaded.fragments.values())

    assert mappings.listed_rules(mappings.page(loaded)) == count


def test_every_setting_is_in_the_table():
    assert [key for key, _ in settings.fields(Settings)] == [key for key, _ in flat(Settings())]


def test_every_command_has_help_and_an_example():
    silent = [
        path for path, command in commands.commands().items() if "Example:" not in command.help
    ]

    assert silent == []


def test_a_used_event_has_a_mapping_and_a_mapping_a_used_event():
    assert conformance.unmapped(load_mappings()) == {}


def test_a_pipe_in_a_cell_stays_in_its_cell():
    assert cells(f"| {cell('a|b')} | c |") == ["a\\|b", "c"]


def test_a_page_without_markers_is_told():
    with pytest.raises(ValueError, match="no markers for x"):
        between("text <!-- generated: y -->", "x", "")
