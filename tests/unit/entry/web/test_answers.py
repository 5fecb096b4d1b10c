"""What was answered to a delivery is said in the language of the page."""

import ast
import re
from pathlib import Path

import pytest

from gateway.connectors import dmp, smtp_words
from gateway.connectors.mssante_notices import _DISPOSITION, _INTEGRATION, Kind
from gateway.entry.web.answers import Answered, answered
from gateway.entry.web.words import catalogue, words
from gateway.hl7v2.answers import _CODES
from gateway.sharing import reasons

ROOT = Path(__file__).parents[4]
FR, EN = words("fr"), words("en")
#: Calls that note something beside a row of the outbox, and which argument is the note.
_NOTED = {"Handover": 1, "Skip": 0, "Wait": 0, "_confirmed": 1}
#: What a notice of disposition may say (RFC 8098 3.2.6.2); one that failed has a code.
_DISPOSITIONS = set(re.search(r"displayed[|\w]+", _DISPOSITION.pattern)[0].split("|")) - {"failed"}
_ARRIVALS = (Kind.DELIVERED, Kind.RELAYED, Kind.DELAYED)


def english_in(note):
    """Return what a French page would show in English, or in no words at all."""
    return [one for one in answered(note, FR) if one.english or not one.text]


@pytest.mark.parametrize(
    "note",
    [
        "250 taken",
        "250 taken; assumed",
        "HTTP 202",
        "Success",
        "Success; warned XDSExtraMetadataNotSaved",
        "Success; RLS-DMP-061 classCode, formatCode",
        "registered-earlier",
        "550 mailbox unknown 5.1.1",
        "599 refused",
        "AE 207 902",
        "sent-with-event 12",
        *dmp._WORDS.values(),
        *sorted(_DISPOSITIONS),
        *(f"{kind} 2.0.0" for kind in _ARRIVALS),
        *sorted(_CODES),
        *(f"{number} {word}" for number, word in smtp_words._WORDS.items()),
        *(f"{number} {word}" for number, word in _INTEGRATION.items()),
        *(reasons.words(one) for one in reasons.BY_WORD.values()),
    ],
)
def test_a_note_has_words_in_french(note):
    assert english_in(note) == []


def _written_notes():
    """Yield every note that code writes as text, with its place."""
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        if path.parts[-2] not in ("connectors", "pipeline"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = _NOTED.get(name)
            # What was read of a mail is not noted beside a row.
            is_row = name != "Reading"
            found = [one.value for one in node.keywords if one.arg == "note" and is_row]
            found += node.args[place : place + 1] if place is not None else []
            for one in found:
                text = one.values[0] if isinstance(one, ast.JoinedStr) else one
                if isinstance(text, ast.Constant) and text.value:
                    yield f"{path.name}:{node.lineno}", text.value


def test_every_note_the_code_writes_has_words():
    written = dict(_written_notes())

    assert len(written) >= 12
    assert {place: note for place, note in written.items() if english_in(note)} == {}


def test_both_languages_have_a_word_for_each_code():
    codes = {key for key in catalogue("fr") if re.fullmatch(r"smtp\.\d{3}", key)}

    assert codes == {f"smtp.{number}" for number in (*smtp_words._WORDS, *_INTEGRATION)}


@pytest.mark.parametrize(
    ("note", "fr", "en"),
    [
        ("", [], []),
        (
            "550 mailbox unknown 5.1.1",
            [Answered("550 5.1.1", "boîte inconnue")],
            [Answered("550 5.1.1", "mailbox unknown")],
        ),
        (
            "no-trusted-ins: The INS of the patient is not qualified: the mail waits.",
            [Answered(text="L’INS du patient n’est pas qualifiée\u00a0: l’envoi attend.")],
            [Answered(text="The INS of the patient is not qualified: the mail waits.")],
        ),
        (
            "Success; RLS-DMP-061 classCode",
            [
                Answered(text="Accepté par le registre."),
                Answered(
                    "RLS-DMP-061",
                    "Codes partis sans avoir été jugés, faute de jeu de valeurs\u00a0: classCode.",
                ),
            ],
            [
                Answered(text="Accepted by the registry."),
                Answered(
                    "RLS-DMP-061", "Codes that left unjudged, for want of a value set: classCode."
                ),
            ],
        ),
        # What nobody foresaw stands as it is.
        ("XDSRepositoryError", [Answered("XDSRepositoryError")], [Answered("XDSRepositoryError")]),
        ("it went up", [Answered(english="it went up")], [Answered(english="it went up")]),
    ],
)
def test_a_note_is_said_in_both_languages(note, fr, en):
    assert (answered(note, FR), answered(note, EN)) == (fr, en)


def test_of_several_errors_each_has_its_words():
    note = (
        "RLS-DMP-060 the registry takes no such code: it is old. "
        "RLS-DMP-061 there is no value set; RLS-DMP-040 aside."
    )

    first, second = answered(note, FR)
    assert (first.code, second.code) == ("RLS-DMP-060", "RLS-DMP-061")
    assert first.text
    assert second.text.startswith("Des attributs")
    assert second.english == "there is no value set; RLS-DMP-040 aside."
