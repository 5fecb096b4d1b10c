"""The region: who lives there and what happens to them, a pure function of seed and size."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.simulation.behaviours import USUAL, Behaviours, Rates, Truth
from gateway.simulation.board import tell_board
from gateway.simulation.chart import Chart
from gateway.simulation.draws import Draws, workday
from gateway.simulation.establishments import ESTABLISHMENTS
from gateway.simulation.mishaps import tell_mishaps
from gateway.simulation.people import Person, Professional, person, professional
from gateway.simulation.requests import tell_requests
from gateway.simulation.stays import STORIES, Cast, emergency
from gateway.simulation.steps import Step

PARIS = ZoneInfo("Europe/Paris")
#: A Monday; the region lives from here, a change of clocks included.
FIRST_DAY = datetime(2026, 1, 5, tzinfo=PARIS)
#: How long a region lives unless it is told otherwise.
DAYS = 90
#: The last stories begin so long before the end that their handoffs are due within it.
_LAST_STORY_DAYS = 45
#: As many distinct matricules as the reserved places and three digits of rank allow.
MAX_SIZE = 99_000
#: CI-SIS JDV_J01 profession and specialty of the doctors of each establishment.
_SPECIALTIES = {
    "chu": ("G15_10/SM14", "Médecin - Chirurgie viscérale et digestive (SM)"),
    "clcc": ("G15_10/SM36", "Médecin - Oncologie, opt médicale (SM)"),
    "smr": ("G15_10/SM29", "Médecin - Médecine physique et réadaptation (SM)"),
    "had": ("G15_10/SM54", "Médecin - Médecine Générale (SM)"),
}
_GP = ("G15_10/SM26", "Médecin - Qualifié en Médecine Générale (SM)")


@dataclass(frozen=True, slots=True)
class Patient:
    """A person with everything that is said about them, in the order of their life.

    Attributes:
        truths: handoffs that fail, which nobody says.
    """

    person: Person
    steps: tuple[Step, ...]
    truths: tuple[Truth, ...] = ()


class Region:
    """A synthetic region of `size` patients over `days` days.

    Each patient depends on the seed, the days and the own number only: a larger region holds the
    same first patients.

    Raises:
        FatalError: a size for which there are no distinct identities (RLS-CFG-050).
    """

    def __init__(
        self, seed: int | str = 1, size: int = 300, rates: Rates = USUAL, days: int = DAYS
    ) -> None:
        if not 0 <= size <= MAX_SIZE:
            raise FatalError([_wrong_size()])
        self.seed = seed
        self.size = size
        self.rates = rates
        self.days = days
        self.draws = Draws("region", seed)
        self.gps = tuple(self._gp(number) for number in range(1, 31))
        self.cast = Cast({site.key: self._doctors(site.key) for site in ESTABLISHMENTS})

    def patients(self) -> tuple[Patient, ...]:
        """Return every patient of the region."""
        return tuple(self.patient(number) for number in range(1, self.size + 1))

    def patient(self, order: int) -> Patient:
        """Return the patient number `order`."""
        draws = self.draws.child("patient", order)
        behaviours = Behaviours(draws.child("behaviours"), self.rates)
        who = person(order, self.gps, draws.child("person"))
        who = replace(who, has_gp=behaviours.has_gp())
        chart = Chart(who, draws.child("path"), behaviours)
        story = draws.weighted(STORIES)
        day = FIRST_DAY + timedelta(days=draws.between(0, self._spread_days()))
        story(chart, self.cast, day if story is emergency else workday(day))
        tell_requests(chart, draws.child("requests"))
        tell_board(chart, draws.child("board"))
        tell_mishaps(chart, draws.child("mishaps"))
        return Patient(who, tuple(chart.steps), tuple(chart.truths))

    def _spread_days(self) -> int:
        return max(0, self.days - _LAST_STORY_DAYS)

    def _gp(self, number: int) -> Professional:
        return professional(number, *_GP, self.draws.child("gp", number))

    def _doctors(self, key: str) -> tuple[Professional, ...]:
        first = 100 + 10 * [site.key for site in ESTABLISHMENTS].index(key)
        return tuple(
            professional(number, *_SPECIALTIES[key], self.draws.child("doctor", number))
            for number in range(first, first + 5)
        )


def _wrong_size() -> Issue:
    return Issue(
        code="RLS-CFG-050",
        severity=Severity.FATAL,
        where="size",
        what=f"A synthetic region has from 0 to {MAX_SIZE} patients.",
        fix="Choose a smaller number of patients, or play several regions with other seeds.",
    )
