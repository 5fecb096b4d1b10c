"""What was answered to a delivery, in the words of the page.

A note of the outbox is one of these, and nothing in it is meant to be read by a person as it is:

* what our errors said: `RLS-MSS-024 the operator refused …`, one after another;
* parts between `; `, each a word, its values and perhaps an English sentence: `Success`,
  `warned XDSExtraMetadataNotSaved`, `550 mailbox unknown 5.1.1`, `no-address: No usable …`.

The words are `i18n/answers.*.toml`, those of decisions `sharing.reasons`. What has no words here
is shown as it stands: one word as a code, several marked as English.
"""

import re
from dataclasses import dataclass

from gateway.entry.web.words import Words
from gateway.sharing.reasons import BY_WORD

_ISSUE = re.compile(r"(?:^|(?<=\.) )(?=RLS-[A-Z]{3}-\d{3} )")
_CODE = re.compile(r"([1-9])\d\d")
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class Answered:
    """One thing that was answered.

    Attributes:
        code: as the other side or an error has it; empty where the words say all.
        text: in the language of the page, empty where there is none.
        english: what else was noted, or everything.
    """

    code: str = ""
    text: str = ""
    english: str = ""


def answered(note: str, w: Words) -> list[Answered]:
    """Return what a note of the outbox says, part by part.

    Args:
        note: of a delivery; empty says nothing.
        w: the words of the page.
    """
    if (reason := BY_WORD.get(note.partition(":")[0])) is not None:
        # Typed with the apostrophe of a keyboard, shown with that of print.
        text = reason.fr if w.lang == "fr" else reason.en
        return [Answered(text=w.spaced(text.replace("'", "’")))]
    if note.startswith("RLS-"):
        return [_of_issue(part, w) for part in _ISSUE.split(note) if part]
    return [_of_part(part.strip(), w) for part in note.split("; ") if part.strip()]


def _of_issue(part: str, w: Words) -> Answered:
    code, _, rest = part.partition(" ")
    told = w.finding(code)
    return Answered(code, told[0] if told else "", rest.strip())


def _of_part(part: str, w: Words) -> Answered:
    word, *values = part.partition(": ")[0].split(" ")
    if found := _CODE.fullmatch(word):
        known = w.known(f"smtp.{word}", w.known(f"smtp.{found[1]}xx", ""))
        enhanced = " ".join(_ENHANCED.findall(part))
        return Answered(f"{word} {enhanced}".strip(), known, "" if known else part)
    if w.has(f"answer.{word}"):
        said = " ".join(values)
        text = w(f"answer.{word}", values=said).strip()
        code = word if word.startswith("RLS-") else ""
        # A status such as 2.0.0 beside a word that has no place for it.
        left = said if said and said not in text else ""
        return Answered(code or left, text)
    return Answered(code=part) if part == word else Answered(english=part)
