"""Alerts, dashboard and compose.yaml name only what exists."""

import json
import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.support.docs.metrics import families, sample_names

FOLDER = ROOT / "docs" / "observability"
ALERTS = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((FOLDER / "grafana" / "relais.json").read_text(encoding="utf-8"))
QUERIES = {
    **{rule["alert"]: rule["expr"] for rule in ALERTS},
    **{
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    },
}
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_metric_of_a_query_exists(query):
    named = set(re.findall(r"\brelais_\w+", query))

    assert named <= sample_names()
    assert named or query.startswith("up{")


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["action"].endswith(".")


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_opens_pages_that_exist(rule):
    shown = re.findall(r"(?<![\w/])/(?!health)(\w+)", rule["annotations"]["action"])

    assert set(shown) <= {"feeds", "quarantine", "deliveries", "messages", "gaps"}


def test_every_panel_says_what_it_shows_and_no_two_have_one_name():
    titles = [panel["title"] for panel in DASHBOARD["panels"]]

    assert len(titles) == len(set(titles)) == len({p["id"] for p in DASHBOARD["panels"]})
    assert DASHBOARD["uid"] == "relais"


def test_a_name_that_is_wrong_is_found():
    assert "relais_inbox_rows_total" not in sample_names()
    assert "relais_input_seconds_bucket" in sample_names()


def test_every_family_says_what_it_is_in_a_sentence():
    assert [name for name, one in families().items() if len(one.documentation) < 12] == []


def test_the_files_that_the_services_read_are_there():
    mounts = [
        mount.split(":")
        for name in ("prometheus", "grafana")
        for mount in COMPOSE["services"][name]["volumes"]
        if mount.startswith("./")
    ]

    assert {mode for _, _, mode in mounts} == {"ro"}
    assert [source for source, _, _ in mounts if not (ROOT / source).is_file()] == []
    assert COMPOSE["services"]["prometheus"]["profiles"] == ["watch"]
    ports = [p for n in ("prometheus", "grafana") for p in COMPOSE["services"][n]["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_prometheus_asks_the_services_that_are_there():
    told = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    targets = [
        t for job in told["scrape_configs"] for s in job["static_configs"] for t in s["targets"]
    ]

    assert {target.partition(":")[0] for target in targets} <= set(COMPOSE["services"])
    assert {target.partition(":")[2] for target in targets} == {"8080"}
