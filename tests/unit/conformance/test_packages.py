"""Packages of definitions: what is read, kept and refused."""

import pytest

from gateway.conformance import packages
from gateway.conformance.packages import PackageFolder, definitions_of, named, read_package
from gateway.core.errors import RejectedError
from tests.support.fhir_packages import HOME, archive, profile, tarball


def _code(error: pytest.ExceptionInfo[RejectedError]) -> str:
    return error.value.issues[0].code


def test_a_package_is_read() -> None:
    package = read_package(archive(profile()), "x.tgz")

    assert (package.key, package.fhir) == ("test.fhir.small@1.0.0", ("4.0.1",))
    assert package.depends == ("hl7.fhir.r4.core@4.0.1",)
    assert [one["url"] for one in package.definitions] == [HOME + "named-patient"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        archive()[:80],
        tarball({"package/other.json": b"{}"}),
        tarball({"package/package.json": b"{"}),
        tarball({"package/package.json": b'{"name": "../out", "version": "1"}'}),
        tarball({"package/package.json": b'{"name": "a.b", "version": "1/../../x"}'}),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "no manifest",
        "broken",
        "name that leaves",
        "version that leaves",
    ],
)
def test_what_is_no_package_is_refused(content: bytes) -> None:
    with pytest.raises(RejectedError) as refused:
        read_package(content, "x.tgz")

    assert _code(refused) == "RLS-CFG-130"


def test_a_package_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = archive(profile())
    monkeypatch.setattr(packages, "CONTENT_LIMIT", 100)
    with pytest.raises(RejectedError) as unpacked:
        read_package(whole, "x.tgz")
    monkeypatch.setattr(packages, "ARCHIVE_LIMIT", 100)
    with pytest.raises(RejectedError) as packed:
        read_package(whole, "x.tgz")

    assert (_code(unpacked), _code(packed)) == ("RLS-CFG-131", "RLS-CFG-131")


def test_a_published_version_never_changes(tmp_path) -> None:
    folder = PackageFolder(tmp_path / "new")
    folder.add(archive(profile()), "a")
    folder.add(archive(profile()), "a")
    with pytest.raises(RejectedError) as refused:
        folder.add(archive(profile(max="0")), "b")

    assert _code(refused) == "RLS-CFG-132"
    assert folder.keys() == ["test.fhir.small@1.0.0"]
    assert folder.get("test.fhir.small@1.0.0").definitions == (profile(),)


def test_a_package_that_is_not_there_is_said(tmp_path) -> None:
    for key in ("test.fhir.small@1.0.0", "../../etc/passwd", ""):
        with pytest.raises(RejectedError) as refused:
            PackageFolder(tmp_path).get(key)
        assert _code(refused) == "RLS-CFG-133"


def test_names() -> None:
    assert named("hl7.fhir.fr.core@2.2.0") == ("hl7.fhir.fr.core", "2.2.0")
    assert [named(text) for text in ("hl7.fhir.fr.core", "A@1", "a@", "a@../1", "a/b@1")] == [
        None
    ] * 5


def test_our_own_definitions_are_always_there() -> None:
    made = definitions_of([])

    assert made.structure("https://relais.example/fhir/StructureDefinition/stay-match")
