"""`relais packages` and what `relais validate` then says about resources."""

import http.server
import json
import threading

import pytest

from tests.support.fhir_packages import HOME, archive, profile

KEY = "test.fhir.small@1.0.0"


@pytest.fixture
def package(tmp_path):
    """Give the file of a small package."""
    file = tmp_path / "small.tgz"
    file.write_bytes(archive(profile()))
    return file


@pytest.fixture
def registry():
    """Give the address of a registry with one package, on a real socket."""

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_there = self.path == "/r4/test.fhir.small/1.0.0"
            self.send_response(200 if is_there else 404)
            self.end_headers()
            if is_there:
                self.wfile.write(archive(profile()))

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/r4"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_package_is_added_from_a_file_and_listed(relais, package, monkeypatch):
    assert relais("packages", "list").out == ""
    added = relais("packages", "add", package)
    monkeypatch.setenv("RELAIS_FHIR_PROFILES", json.dumps([KEY]))
    listed = relais("packages", "list")

    assert (added.code, listed.code) == (0, 0)
    assert added.out.startswith(f"{KEY}: FHIR 4.0.1, 1 definitions, sha256 ")
    assert "fhir.profiles does not name test.fhir.small@1.0.0" in added.err
    assert listed.out.rstrip().endswith(", judged by")
    assert listed.err == ""


def test_what_the_settings_name_and_is_not_there_is_said(relais):
    assert "hl7.fhir.fr.core@2.2.0 is named by fhir.profiles" in relais("packages", "list").err


def test_a_package_is_added_from_a_registry(relais, registry, monkeypatch):
    monkeypatch.setenv("RELAIS_FHIR_REGISTRY", registry)

    assert relais("packages", "add", KEY).out.startswith(f"{KEY}: ")
    absent = relais("packages", "add", "test.fhir.small@2.0.0")
    assert (absent.code, "RLS-CFG-136" in absent.err) == (1, True)


def test_nothing_is_fetched_unless_a_registry_is_named(relais):
    ended = relais("packages", "add", KEY)

    assert (ended.code, "RLS-CFG-135" in ended.err) == (2, True)


def test_a_registry_that_is_away_is_said(relais, monkeypatch):
    monkeypatch.setenv("RELAIS_FHIR_REGISTRY", "http://127.0.0.1:1")
    ended = relais("packages", "add", KEY)

    assert (ended.code, "RLS-CFG-137" in ended.err) == (1, True)


def test_a_file_that_is_not_there_and_one_that_is_no_package(relais, tmp_path):
    absent = relais("packages", "add", tmp_path / "nothing.tgz")
    (tmp_path / "other.tgz").write_bytes(b"no archive")
    other = relais("packages", "add", tmp_path / "other.tgz")

    assert (absent.code, "RLS-CFG-134" in absent.err) == (1, True)
    assert (other.code, "RLS-CFG-130" in other.err) == (1, True)


def test_a_folder_that_cannot_be_written_is_said(relais, package, monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("RELAIS_FHIR_PACKAGES", str(tmp_path / "taken" / "below"))
    ended = relais("packages", "add", package)

    assert (ended.code, "RLS-CFG-138" in ended.err) == (2, True)


@pytest.mark.parametrize("report", ["text", "json", "junit", "sarif"])
def test_resources_are_judged_by_the_packages(relais, package, monkeypatch, tmp_path, report):
    monkeypatch.setenv("RELAIS_FHIR_PROFILES", json.dumps([KEY]))
    relais("packages", "add", package)
    claimed = {"resourceType": "Patient", "meta": {"profile": [HOME + "named-patient"]}}
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.xml"
    right.write_text(json.dumps({**claimed, "name": [{"text": "A"}]}), encoding="utf-8")
    wrong.write_text(
        '<Patient xmlns="http://hl7.org/fhir"><meta>'
        f'<profile value="{HOME}named-patient"/></meta></Patient>',
        encoding="utf-8",
    )

    assert relais("validate", right).code == 0
    ended = relais("validate", "--report", report, wrong)

    assert ended.code == 1
    assert "RLS-FHR-201" in ended.out
    assert "Patient.name" in ended.out
    assert "named-patient" in ended.out
