"""The tutorial `an-integrators-afternoon`: every step is taken, every word in quotes is read."""

import asyncio
import html
import re

import httpx2

from tests.conftest import ROOT
from tests.support.bench_site import bench_pair, sent
from tests.support.ops_site import OpsSite

PAGE = (ROOT / "docs/tutorials/an-integrators-afternoon.md").read_text(encoding="utf-8")
_STEP = re.compile(
    r"Open `(?P<open>/[^`]*)`|Press \*\*(?P<press>[^*]+)\*\*"
    r"|Replace “(?P<old>[^”]+)” with “(?P<new>[^”]+)”"
    r"|Fill \*(?P<name>\w+)\* with “(?P<fill>[^”]+)”|“(?P<read>[^”]+)”"
)
_FIELD = re.compile(
    r'<input type="hidden" name="(?P<hidden>\w+)" value="(?P<value>[^"]*)"'
    r'|<textarea[^>]* name="(?P<area>\w+)"[^>]*>\n(?P<text>.*?)</textarea>'
    r'|<select[^>]* name="(?P<select>\w+)">(?P<options>.*?)</select>',
    re.S,
)
_OPTION = re.compile(r"<option(?: value=\"([^\"]*)\")?( selected)?>([^<]*)</option>")


class _Reader:
    """Somebody without script who follows the page to the letter."""

    def __init__(self, site: OpsSite) -> None:
        self.site = site
        self.page = ""
        self.typed: dict[str, str] = {}
        self.done: list[str] = []

    async def take(self, step: dict[str, str]) -> None:
        """Take one step."""
        self.done.append(next(iter(step)))
        if "open" in step:
            await self._get(step["open"])
        elif "old" in step:
            text = self.typed.get("text") or self._fields(self._form("check"))["text"]
            assert step["old"] in text, step["old"]
            self.typed["text"] = text.replace(step["old"], step["new"])
        elif "fill" in step:
            self.typed[step["name"]] = step["fill"]
        elif "press" in step:
            await self._press(step["press"])
        else:
            words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.page)).split())
            assert step["read"] in words, f"not on the page: {step['read']}"

    def _form(self, words: str) -> str:
        forms = re.findall(r"<form .*?</form>", self.page, re.S)
        return next(form for form in forms if words in form)

    def _fields(self, form: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in _FIELD.finditer(form):
            if one["hidden"]:
                found[one["hidden"]] = html.unescape(one["value"])
            elif one["area"]:
                found[one["area"]] = html.unescape(one["text"])
            else:
                options = _OPTION.findall(one["options"])
                chosen = next((o for o in options if o[1]), options[0])
                found[one["select"]] = chosen[0] or (chosen[2] if 'value="' not in form else "")
        return found

    async def _get(self, path: str) -> None:
        self.typed.clear()
        async with asyncio.timeout(120):
            answer = await self.site.client.get(path)
            while "refresh" in answer.headers:
                answer = await self.site.client.get(path)
        assert answer.status_code == 200, path
        self.page = answer.text

    async def _press(self, words: str) -> None:
        form = self._form(f">{words}</button>")
        act = re.search(rf'name="act" value="(\w+)">{re.escape(words)}</button>', form)
        action = re.search(r'action="([^"]+)"', form)[1]
        fields = {**self._fields(form), **self.typed, **({"act": act[1]} if act else {})}
        answer: httpx2.Response = await sent(self.site, fields, action)
        if answer.status_code == 303:
            await self._get(answer.headers["location"])
            return
        self.page = answer.text


async def test_every_step_of_the_afternoon_goes_as_the_page_says(tmp_path):
    async with bench_pair(tmp_path) as (site, _target):
        site.client.headers["Accept-Language"] = "en"
        reader = _Reader(site)
        for found in _STEP.finditer(PAGE):
            await reader.take({name: value for name, value in found.groupdict().items() if value})

    assert {"open", "press", "old", "name", "read"} <= set(reader.done)
    assert len(reader.done) > 35
