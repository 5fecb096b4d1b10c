"""What the letters tell: small tables of diseases, treatments, allergies and follow-ups.

Codes: CIM-10 for diseases, ATC for substances, CCAM and TA for follow-ups; texts are our own.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from gateway.simulation.draws import Draws


@dataclass(frozen=True, slots=True)
class Disease:
    """A problem with its CIM-10 code."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Treatment:
    """A substance with its ATC code and a daily rhythm in hours."""

    atc: str
    name: str
    tablets: int
    every_hours: int

    @property
    def rhythm(self) -> str:
        """Return the rhythm in words."""
        return f"{self.tablets} comprimé(s) toutes les {self.every_hours} heures"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something planned after the discharge.

    Attributes:
        kind: `act`, `request`, `booked` (an appointment exists) or `to_book`.
        day: when; None when unknown.
        urgent: ActPriority UR instead of none.
    """

    kind: str
    code: str
    label: str
    day: date | None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """The clinical content of one discharge letter."""

    disease: Disease
    others: tuple[Disease, ...]
    stopped: tuple[Treatment, ...]
    at_exit: tuple[Treatment, ...]
    allergy: tuple[str, str] | None
    follow_ups: tuple[FollowUp, ...]


_TUMOURS = (
    Disease("C18.7", "Tumeur maligne du côlon sigmoïde"),
    Disease("C20", "Tumeur maligne du rectum"),
    Disease("C25.0", "Tumeur maligne de la tête du pancréas"),
    Disease("C16.9", "Tumeur maligne de l'estomac, sans précision"),
    Disease("C50.9", "Tumeur maligne du sein, sans précision"),
)
_OTHERS = (
    Disease("I10", "Hypertension essentielle (primitive)"),
    Disease("E11.9", "Diabète sucré de type 2, sans complication"),
)
_STOPPED = (
    Treatment("N02AA01", "Morphine", 1, 12),
    Treatment("A02BC01", "Oméprazole", 1, 24),
)
_AT_EXIT = (
    Treatment("N02BE01", "Paracétamol", 2, 8),
    Treatment("A02BC02", "Pantoprazole", 1, 24),
    Treatment("A04AA01", "Ondansétron", 1, 12),
    Treatment("C09AA05", "Ramipril", 1, 24),
    Treatment("A10BA02", "Metformine", 1, 12),
)
_ALLERGIES = (("J01C", "Pénicillines"), ("N02BA01", "Acide acétylsalicylique"))


def case(draws: Draws, discharged: date) -> Case:
    """Return the content of a letter; the same draws give the same content."""
    count = draws.between(2, 4)
    start = draws.between(0, len(_AT_EXIT) - 1)
    at_exit = tuple(_AT_EXIT[(start + offset) % len(_AT_EXIT)] for offset in range(count))
    return Case(
        disease=draws.pick(_TUMOURS),
        others=_OTHERS[: draws.between(0, 2)],
        stopped=_STOPPED[: draws.between(0, 2)],
        at_exit=at_exit,
        allergy=draws.pick(_ALLERGIES) if draws.chance(0.25) else None,
        follow_ups=_follow_ups(draws, discharged),
    )


def _follow_ups(draws: Draws, discharged: date) -> tuple[FollowUp, ...]:
    def after(low: int, high: int) -> date:
        return discharged + timedelta(days=draws.between(low, high))

    possible = (
        FollowUp("to_book", "AMB", "Consultation chez le médecin traitant", after(5, 9)),
        FollowUp("booked", "AMB", "Consultation de contrôle avec le chirurgien", after(21, 35)),
        FollowUp("act", "ECQH010", "Angioscanner thoracique", None, urgent=draws.chance(0.3)),
        FollowUp("request", "ORG-064", "Soins infirmiers à domicile : pansements", after(1, 2)),
        FollowUp("request", "ORG-064", "Bilan nutritionnel & diététique", after(10, 20)),
    )
    kept = tuple(item for item in possible if draws.chance(0.6))
    return kept or possible[:1]
