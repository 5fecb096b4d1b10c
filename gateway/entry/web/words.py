"""The words of the pages in French and English, and how dates, numbers and delays are written.

The catalogue is `i18n/<language>.toml` with those of `answers`, `bench`, `ops` and `pilot`: a key
names the same thing in both languages, `{name}` is replaced, a table with `one` and `other` is
chosen by `n`.
Instants are shown in Paris.
"""

import re
import tomllib
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from gateway.core.timestamps import PARIS

LANGUAGES = ("fr", "en")
_LOCALES = {"fr": Locale("fr", "FR"), "en": Locale("en", "GB")}
#: French puts a no-break space before these.
_TALL = re.compile(r" ([:;!?»%])")
_ACCEPTED = re.compile(r"\s*([a-zA-Z]{1,8})(?:-[a-zA-Z0-9]+)*\s*(?:;\s*q\s*=\s*([01](?:\.\d+)?))?")
_HOUR, _DAY = 3600, 86400
_FAMILIES = {"DOC": "document", "DOCV": "document", "SND": "sending", "REQ": "request"}


@lru_cache
def catalogue(language: str) -> dict[str, Any]:
    """Return every text of a language by its dotted key."""
    flat: dict[str, Any] = {}
    for family in ("", "answers.", "bench.", "ops.", "pilot."):
        name = f"{family}{language}.toml"
        source = files("gateway.entry.web") / "i18n" / name
        _flatten(tomllib.loads(source.read_text(encoding="utf-8")), "", flat)
    if language == "fr":
        return {key: _spaced(value) for key, value in flat.items()}
    return flat


@lru_cache
def in_french() -> dict[str, tuple[str, str]]:
    """Return what codes of findings mean, and what to do, in French."""
    found: dict[str, tuple[str, str]] = {}
    for about in ("inputs", "resources", "sending"):
        source = files("gateway.entry.web") / "i18n" / f"findings.{about}.fr.toml"
        for code, (meaning, fix) in tomllib.loads(source.read_text(encoding="utf-8")).items():
            found[code] = (_spaced(meaning), _spaced(fix))
    return found


def _flatten(table: dict[str, Any], before: str, flat: dict[str, Any]) -> None:
    for key, value in table.items():
        if isinstance(value, dict) and set(value) != {"one", "other"}:
            _flatten(value, f"{before}{key}.", flat)
        else:
            flat[before + key] = value


def _spaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {form: _spaced(text) for form, text in value.items()}
    return _TALL.sub("\u00a0\\1", value).replace("« ", "«\u00a0")


class Words:
    """The words of one language."""

    __slots__ = ("_locale", "_texts", "lang")

    def __init__(self, lang: str) -> None:
        """Read the catalogue of a language, `fr` or `en`."""
        self.lang = lang
        self._texts = catalogue(lang)
        self._locale = _LOCALES[lang]

    def __call__(self, key: str, /, **values: Any) -> str:
        """Return a text; an unknown key is a bug and raises KeyError."""
        text = self._texts[key]
        if isinstance(text, dict):
            # French has a third form for millions, which we write as the others.
            text = text.get(self._locale.plural_form(values["n"]), text["other"])
            values["n"] = self.number(values["n"])
        found: str = text.format(**values) if values else text
        return found

    def known(self, key: str, otherwise: str) -> str:
        """Return a text, or the given words when the catalogue has none (codes from outside)."""
        return str(self._texts.get(key, otherwise))

    def has(self, key: str) -> bool:
        """Tell whether the catalogue has a text."""
        return key in self._texts

    def spaced(self, text: str) -> str:
        """Return a text from elsewhere with the spaces of the language."""
        return str(_spaced(text)) if self.lang == "fr" else text

    def finding(self, code: str) -> tuple[str, str] | None:
        """Return what a code of a finding means and what to do; None where its own words do.

        Findings tell in English what is wrong and where, and that is what English pages show.
        """
        return in_french().get(code) if self.lang == "fr" else None

    def said(self, text: Any) -> str:
        """Return the words of a text that carries its own languages."""
        return str(text.get(self.lang) or text.get("fr") or "")

    def feed(self, feed: str) -> str:
        """Write a feed `<establishment>:<channel>`."""
        place, _, channel = feed.rpartition(":")
        kind = self.known(f"feed.{channel}", channel)
        return f"{place}, {kind}" if place else feed

    def fact(self, event: str) -> str:
        """Write an event of the alphabet of facts; one without a name by its family."""
        family = _FAMILIES.get(event.partition(".")[0], "fact")
        return self.known(f"event.{event}", self(f"event.{family}"))

    def number(self, number: int) -> str:
        """Write a number."""
        written: str = format_decimal(number, locale=self._locale)
        return written

    def percent(self, share: float) -> str:
        """Write a share, 0 to 1, as a whole percentage; what is there is never told as none."""
        number = round(100 * share)
        if number == 0 and share > 0:
            return self("pilot.percent", number="< 1")
        if number == 100 and share < 1:
            return self("pilot.percent", number="> 99")
        return self("pilot.percent", number=number)

    # --- instants ---------------------------------------------------------------------------

    def long_date(self, instant: datetime) -> str:
        """Write an instant in full, as the head of the first page does."""
        text = self._at(instant, "EEEE d MMMM y, HH:mm")
        return text[0].upper() + text[1:]

    def instant(self, instant: datetime, now: datetime) -> str:
        """Write an instant: weekday, day, month, time; the year beyond half a year."""
        far = abs(instant - now) > timedelta(days=180)
        return self._at(instant, "EEE d MMM y HH:mm" if far else "EEE d MMM HH:mm")

    def planned(self, instant: datetime, now: datetime) -> str:
        """Write an instant ahead; midnight in Paris is a day for which nobody said a time."""
        if instant.astimezone(PARIS).time() != time.min:
            return self.instant(instant, now)
        far = abs(instant - now) > timedelta(days=180)
        return self._at(instant, "EEE d MMM y" if far else "EEE d MMM")

    def near(self, instant: datetime, now: datetime) -> str:
        """Write an instant, of today and yesterday by these words."""
        days = (now.astimezone(PARIS).date() - instant.astimezone(PARIS).date()).days
        if days in (0, 1):
            return self("span.today" if days == 0 else "span.yesterday", time=self.hour(instant))
        return self.instant(instant, now)

    def second(self, instant: datetime) -> str:
        """Write an instant to the second, with its year."""
        return self._at(instant, "d MMM y HH:mm:ss")

    def hour(self, instant: datetime) -> str:
        """Write the time of day."""
        return self._at(instant, "HH:mm")

    def day(self, day: date | datetime) -> str:
        """Write a day with its year."""
        if isinstance(day, datetime):
            return self._at(day, "d MMM y")
        written: str = format_date(day, "d MMM y" if self.lang == "en" else "dd/MM/y", self._locale)
        return written

    def week(self, monday: str) -> str:
        """Write the Monday of a week, given as ISO 8601."""
        return self.day(date.fromisoformat(monday))

    def tick(self, instant: datetime, pattern: str) -> str:
        """Write a tick of an axis in a pattern of CLDR."""
        return self._at(instant, pattern)

    def _at(self, instant: datetime, pattern: str) -> str:
        written: str = format_datetime(
            instant.astimezone(PARIS), pattern, tzinfo=PARIS, locale=self._locale
        )
        return written

    # --- lengths ----------------------------------------------------------------------------

    def span(self, length: timedelta) -> str:
        """Write a length in the largest unit that tells it: `45 min`, `30 h`, `3 j`."""
        seconds = max(0, int(length.total_seconds()))
        if seconds < _HOUR:
            return self("span.minutes", number=seconds // 60)
        if seconds < 2 * _DAY:
            return self("span.hours", number=seconds // _HOUR)
        return self("span.days", number=self.number(seconds // _DAY))

    def delay(self, seconds: float) -> str:
        """Write how long something takes: seconds up to two minutes, then to the minute."""
        if seconds < 120:
            return self("span.seconds", number=self.number(round(seconds)))
        return self.exact(timedelta(seconds=seconds))

    def exact(self, length: timedelta) -> str:
        """Write a length to the minute: `30 h 20`, `4 d 9 h`."""
        minutes = max(0, int(length.total_seconds())) // 60
        days, hours = divmod(minutes // 60, 24)
        if days > 2:
            return self("span.days_hours", days=days, hours=hours)
        if minutes < 60:
            return self("span.minutes", number=minutes)
        rest = f"{minutes % 60:02}" if minutes % 60 else ""
        return self("span.hours_minutes", hours=minutes // 60, minutes=rest).rstrip()

    def age(self, born: date, now: datetime) -> str:
        """Write an age in years."""
        today = now.astimezone(PARIS).date()
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        return self("person.age", n=max(0, years))


@lru_cache
def words(lang: str) -> Words:
    """Return the words of a language."""
    return Words(lang)


def chosen(asked: str | None, remembered: str | None, accepted: str) -> str:
    """Choose a language: asked for in the address, remembered, else what the browser accepts.

    Args:
        asked: value of `?lang=`.
        remembered: value of the cookie.
        accepted: header Accept-Language (RFC 9110 12.5.4).
    """
    for wanted in (asked, remembered):
        if wanted in LANGUAGES:
            return str(wanted)
    best, weight = LANGUAGES[0], 0.0
    for part in accepted.split(",")[:20]:
        match = _ACCEPTED.fullmatch(part)
        if match and match[1].lower() in LANGUAGES:
            quality = float(match[2] or 1)
            if quality > weight:
                best, weight = match[1].lower(), quality
    return best
