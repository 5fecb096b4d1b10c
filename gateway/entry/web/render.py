"""From values to HTML: the templates, what every page shows, and the headers of an answer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.work import Reason
from gateway.entry.web import access
from gateway.entry.web.answers import answered
from gateway.entry.web.assets import assets
from gateway.entry.web.bridge import bridge
from gateway.entry.web.data import Badges, PageData
from gateway.entry.web.forms import Form
from gateway.entry.web.icons import ICONS
from gateway.entry.web.live import Sieve
from gateway.entry.web.people import Staff
from gateway.entry.web.words import LANGUAGES, Words, chosen, words
from gateway.fhir.gap_words import CLOSURES

_log = structlog.get_logger()
#: No inline script or style; what a script writes as HTML goes through its one policy.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'none'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types relais"
)
_GAP = "gap:"
_OF_ACCOUNTS = frozenset({"/glass", "/journal"})
_LEGEND = {
    "stay": '<rect class="tint-mco" x="1" y="3" width="24" height="10"/>'
    '<rect class="edge-mco" x="1" y="3" width="24" height="10"/>',
    "planned": '<g class="plan"><rect class="tint-smr" x="1" y="3" width="24" height="10"/>'
    '<rect class="edge-smr" x="1" y="3" width="24" height="10"/></g>',
    "hole": '<rect class="hole critical" x="1" y="3" width="24" height="10"/>'
    '<path class="late critical" d="M10 13H25"/>',
    "due": '<path class="due critical" d="M13 1l7 7-7 7-7-7Z"/>',
    "doc": '<path class="mk doc" d="M9 2h5l4 4v8h-9Z"/>',
    "ask": '<path class="mk ask" d="M8 3h7l4 5-4 5h-7Z"/>',
    "ok": '<path class="mk ok" d="M8 8l3.5 4 6-8"/>',
    "ko": '<path class="mk ko" d="M9 4l8 8m0-8-8 8"/>',
}


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What the pages need to know of the installation.

    Attributes:
        version: of the software.
        demo: the data are invented; a banner says so.
        open_door: there are no accounts; a banner says so.
        behind_boundary: whoever passes the boundary before this machine sees the pages; the
            banner says so.
        staff: who works with the pages.
        gate: lets a request of somebody who is in through (None), or gives the answer in its
            place; None where there are no accounts.
        still_in: tells of an open stream whether who opened it is still in; None likewise.
    """

    version: str
    demo: bool = False
    open_door: bool = True
    behind_boundary: bool = False
    staff: Staff = field(default_factory=Staff)
    gate: Callable[[Request], Response | None] | None = None
    still_in: Callable[[Request], bool] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A page about to be written.

    Attributes:
        template: file in `templates`.
        current: entry of the navigation.
        zones: template of each zone that can be fetched alone.
        values: what the template shows.
        known: query parameters the page understands, beside `lang`.
        status: of the answer.
        live: the page follows the live stream.
    """

    template: str
    current: str
    values: Mapping[str, Any]
    zones: Mapping[str, str]
    known: tuple[str, ...] = ()
    status: int = 200
    live: bool = True


class Pages:
    """Writes pages."""

    def __init__(self, data: PageData, clock: Clock, settings: WebSettings) -> None:
        """Compile nothing yet; templates are compiled when first used and kept."""
        self.data = data
        self.clock = clock
        self.staff = settings.staff
        self._settings = settings
        self._env = Environment(
            loader=PackageLoader("gateway.entry.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.globals.update(
            icons=ICONS,
            answered=answered,
            make_bridge=bridge,
            legend=_legend,
            closures=CLOSURES,
            dial=_dial,
            mute_reasons=tuple(one.value for one in Reason),
            form=Form(""),
            assets={name: asset.address for name, asset in assets().items()},
            version=settings.version,
            demo=settings.demo,
            open_door=settings.open_door,
            behind_boundary=settings.behind_boundary,
            has_accounts=settings.gate is not None,
        )

    def barred(self, request: Request) -> Response | None:
        """Return the answer to who may not open a page or send its form; None to who may."""
        if self._settings.gate is not None:
            return self._settings.gate(request)
        if access.may_see(request, behind_boundary=self._settings.behind_boundary):
            return None
        issue = access.from_elsewhere()
        _log.warning("page_refused", code=issue.code)
        return self.refusal(request, "403", 403, issue.code)

    def sieve(self, request: Request) -> Sieve | None:
        """Return what holds the stream of an open page to what its reader may be shown."""
        still_in = self._settings.still_in
        if still_in is None:
            return None

        async def sift(zones: list[str]) -> list[str] | None:
            if not still_in(request):
                return None
            gaps = [zone.partition(":")[2] for zone in zones if zone.startswith(_GAP)]
            shown = await self.data.shown_gaps(gaps) if gaps else frozenset()
            return [
                zone
                for zone in zones
                if (zone.partition(":")[2] in shown if zone.startswith(_GAP) else True)
            ]

        return sift

    def words(self, request: Request) -> Words:
        """Return the words of the language a request wants."""
        return words(
            chosen(
                request.query_params.get("lang"),
                access.remembered_language(request),
                request.headers.get("accept-language", ""),
            )
        )

    async def answer(self, request: Request, view: View, now: datetime) -> Response:
        """Write a page, or one of its zones when the request asks for that."""
        badges = await self.data.badges() if view.live else Badges(0, 0)
        context = self._context(request, view, now, badges)
        zone = request.headers.get("x-fragment", "")
        template = view.zones.get(zone, view.template)
        response = self._html(self._env.get_template(template).render(context), view.status)
        response.headers["Vary"] = "Accept-Language, Cookie, X-Fragment"
        asked = request.query_params.get("lang")
        if asked in LANGUAGES:
            access.keep_language(request, response, str(asked))
        return response

    async def badges(self, request: Request, now: datetime) -> Response:
        """Write the navigation alone."""
        view = View("zones/badges.html", request.query_params.get("at", ""), {}, {})
        return await self.answer(request, replace(view, known=("at",)), now)

    def refusal(
        self,
        request: Request,
        kind: str,
        status: int,
        code: str = "",
        glass_for: str = "",
        back: str = "/",
    ) -> Response:
        """Write the page of a refusal, without asking for any data.

        Args:
            request: what is refused.
            kind: names the words of the page.
            status: of HTTP.
            code: of the issue.
            glass_for: id that was asked for, which some may open by break-glass.
            back: leads on from it.
        """
        opens: Callable[[str], bool] = getattr(request.state, "opens", _opens_everything)
        glass = glass_for if opens("/glass") else ""
        values = {"kind": kind, "code": code, "glass_for": glass, "back": back}
        view = View("refused.html", "", values, {}, status=status, live=False)
        context = self._context(request, view, self.clock.now(), Badges(0, 0))
        return self._html(self._env.get_template(view.template).render(context), status)

    def _context(
        self, request: Request, view: View, now: datetime, badges: Badges
    ) -> dict[str, Any]:
        query = [(k, v) for k, v in request.query_params.multi_items() if k in view.known]
        found = self.words(request)
        return {
            "w": found,
            "now": now,
            "live": "/live" if view.live else "",
            "current": view.current,
            "badges": badges,
            "opens": getattr(request.state, "opens", _opens_everything),
            "here": self.address(request, query),
            "other_language": self.address(request, [*query, ("lang", found("shell.other_lang"))]),
            "unknown": sorted(
                {k[:30] for k in request.query_params if k not in (*view.known, "lang")}
            ),
            **view.values,
        }

    @staticmethod
    def address(request: Request, query: list[tuple[str, str]]) -> str:
        """Return the address of the page asked for with another query, on this host always."""
        path = "/" + request.url.path.lstrip("/")
        return f"{path}?{urlencode(query)}" if query else path

    @staticmethod
    def _html(text: str, status: int) -> Response:
        return Response(
            text,
            status,
            {"Content-Security-Policy": CSP, "Cache-Control": "no-store"},
            "text/html; charset=utf-8",
        )


def _opens_everything(address: str) -> bool:
    """Tell what is open where nobody logs in: there is no glass to break, and no auditor."""
    return address not in _OF_ACCOUNTS


def _dial(number: str) -> str:
    """Return a telephone number as it is dialled: what else somebody wrote stays text."""
    return re.sub(r"(?<!^)\+|[^\d+]", "", number)


def _legend(kind: str) -> Markup:
    return Markup('<svg viewBox="0 0 26 16" aria-hidden="true">{}</svg>').format(
        Markup(_LEGEND[kind])  # noqa: S704 - a constant of this file
    )
