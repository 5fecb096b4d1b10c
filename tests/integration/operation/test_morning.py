"""The tutorial `a-morning-of-operations`: every step is taken, every word in quotes is read."""

import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2

from tests.conftest import ROOT
from tests.support.ops_morning import filled
from tests.support.ops_site import ops_site
from tests.support.pipeline import START, HandClock

PAGE = (ROOT / "docs/tutorials/a-morning-of-operations.md").read_text(encoding="utf-8")
_STEP = re.compile(
    r"Open `(?P<open>/[^`]*)`|Follow “(?P<follow>[^”]+)”|Press \*\*(?P<press>[^*]+)\*\*"
    r"|fill \*(?P<name>\w+)\* with “(?P<fill>[^”]+)”|“(?P<read>[^”]+)”"
)


@dataclass
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    words: str = ""


class _Seen(HTMLParser):
    """Links, forms and words of a page, as somebody without script has them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.forms: list[_Form] = []
        self.words = ""
        self._in_form = False
        self._area = ""
        self._href: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        # What is told on pointing and focusing is read as well.
        self.words += f" {said.get('data-name', '')} "
        if tag == "form":
            self.forms.append(_Form(said.get("action", "")))
            self._in_form = True
        elif tag == "input" and self._in_form:
            self.forms[-1].fields[said.get("name", "")] = said.get("value", "")
        elif tag == "textarea" and self._in_form:
            self._area = said.get("name", "")
            self.forms[-1].fields[self._area] = ""
        elif tag == "a":
            self._href = said.get("href", "")
            self.links.append((self._href, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False
        elif tag == "textarea":
            self._area = ""
        elif tag == "a":
            self._href = None

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._area:
            self.forms[-1].fields[self._area] += data
        if self._in_form:
            self.forms[-1].words += data
        if self._href is not None:
            href, words = self.links[-1]
            self.links[-1] = (href, words + data)


def steps(text: str) -> Iterator[dict[str, str]]:
    """Yield the steps of a stretch of the page, in order."""
    for found in _STEP.finditer(re.sub(r"```.*?```", "", text, flags=re.S)):
        yield {name: value for name, value in found.groupdict().items() if value}


class _Reader:
    """Somebody who follows the page to the letter."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.seen = _Seen("")
        self.filled: dict[str, str] = {}
        self.done = 0

    async def take(self, step: dict[str, str]) -> None:
        """Take one step."""
        self.done += 1
        if "open" in step:
            await self._get(step["open"])
        elif "follow" in step:
            await self._get(next(h for h, words in self.seen.links if step["follow"] in words))
        elif "fill" in step:
            self.filled[step["name"]] = step["fill"]
        elif "press" in step:
            await self._press(step["press"])
        else:
            words = " ".join(html.unescape(self.seen.words).split())
            assert step["read"] in words, f"not on the page: {step['read']}"

    async def _get(self, path: str) -> None:
        answer = await self.client.get(path)
        assert answer.status_code == 200, path
        self.seen = _Seen(answer.text)

    async def _press(self, words: str) -> None:
        form = next(one for one in self.seen.forms if words in one.words)
        sent = {k: self.filled.pop(k, v) for k, v in form.fields.items()}
        headers = {"Sec-Fetch-Site": "same-origin"}
        answer = await self.client.post(form.action, data=sent, headers=headers)
        if answer.status_code == 303:
            await self._get(answer.headers["location"])
            return
        assert answer.status_code == 200, form.action
        self.seen = _Seen(answer.text)


async def test_every_step_of_the_morning_goes_as_the_page_says(tmp_path):
    mended = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings", mended)
    [change] = re.findall(r"```yaml\n(.+?)\n```", PAGE, flags=re.S)
    table = mended / "sites" / "demo.yaml"
    told = table.read_text(encoding="utf-8")
    assert 'versions: ["2.5", "2.5.1"]' in told
    table.write_text(told.replace('versions: ["2.5", "2.5.1"]', change), encoding="utf-8")
    before, _, after = PAGE.partition("## 5. Mend the cause")
    url, clock = f"sqlite:///{tmp_path}/r.db", HandClock(START)
    done = []

    async with ops_site(clock, url=url) as site:
        await filled(site)
        site.client.headers["Accept-Language"] = "en"
        reader = _Reader(site.client)
        for step in steps(before):
            await reader.take(step)
        done.append(reader.done)
    # The restart.
    async with ops_site(clock, url=url, mappings=mended) as site:
        site.client.headers["Accept-Language"] = "en"
        reader = _Reader(site.client)
        for step in steps(after):
            await reader.take(step)
        done.append(reader.done)

    assert min(done) > 10


def test_the_page_has_steps_of_every_kind():
    kinds = {name for step in steps(PAGE) for name in step}

    assert kinds == {"open", "follow", "press", "name", "fill", "read"}
