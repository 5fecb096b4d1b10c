"""The people of the region: patients and professionals, all invented."""

from dataclasses import dataclass
from datetime import date

from gateway.simulation import names, numbers
from gateway.simulation.draws import Draws

_OLDEST, _YOUNGEST = date(1931, 1, 1), date(1996, 12, 31)


@dataclass(frozen=True, slots=True)
class Professional:
    """A doctor with an invented RPPS number."""

    rpps: str
    family: str
    given: str
    specialty: str
    specialty_label: str
    phone: str
    mail: str

    @property
    def national_id(self) -> str:
        """Return the identifier of kind IDNPS: `8` and the RPPS number (CI-SIS, PS_IdNat)."""
        return "8" + self.rpps


@dataclass(frozen=True, slots=True)
class Relative:
    """A contact of a patient: who, and whether it is the trusted person (role K)."""

    family: str
    given: str
    relation: str
    phone: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as the civil register would know it.

    Attributes:
        order: number in the region, from 1.
        givens: all given names, the first one first.
        used_family: name in use when it differs from the birth name, else empty.
        sex: `M` or `F`.
        place: COG code of the birth place.
        living: PD1-2, `A` alone or `F` family.
        dmp: ZFA-9 and ZFA-11, or None when consent was not recorded.
        dmp_day: when that choice was collected.
        has_gp: whether the establishments know who the family doctor is.
    """

    order: int
    birth_family: str
    used_family: str
    givens: tuple[str, ...]
    sex: str
    birth: date
    place: str
    matricule: str
    street: str
    town: str
    postal_code: str
    phone: str
    living: str
    dmp: tuple[str, str] | None
    dmp_day: date
    relative: Relative
    gp: Professional
    has_gp: bool = True

    @property
    def given(self) -> str:
        """Return the first given name."""
        return self.givens[0]


def ipp(finess: str, order: int) -> str:
    """Return the identifier of the patient number `order` in an establishment."""
    return f"{finess[3:7]}{order:06d}"


def professional(order: int, specialty: str, label: str, seed: Draws) -> Professional:
    """Return the invented doctor number `order` of the region."""
    given = seed.pick(names.WOMEN + names.MEN).title()
    return Professional(
        rpps=numbers.rpps(order),
        family=seed.pick(names.DOCTOR_FAMILIES),
        given=given,
        specialty=specialty,
        specialty_label=label,
        phone=numbers.phone(order),
        mail=f"medecin.{order}@essai.mssante.example",
    )


def person(order: int, gps: tuple[Professional, ...], draws: Draws) -> Person:
    """Return the invented patient number `order` of the region.

    Patients with the same last three digits of `order`, the rank in their matricule, are born in
    different places: no two of the first 99,000 share a matricule.
    """
    sex = draws.pick("FM")
    birth = draws.day(_OLDEST, _YOUNGEST)
    place = names.BIRTH_PLACES[(7 * order + order // 1000) % len(names.BIRTH_PLACES)]
    pool = names.WOMEN if sex == "F" else names.MEN
    first = draws.pick(pool)
    others = tuple(name for name in (draws.pick(pool), draws.pick(pool)) if name != first)
    birth_family = f"PAT-{draws.pick(names.FAMILIES)}"
    used = f"PAT-{draws.pick(names.FAMILIES)}" if sex == "F" and draws.chance(0.5) else ""
    town, postal_code = draws.pick(names.TOWNS)
    return Person(
        order=order,
        birth_family=birth_family,
        used_family="" if used == birth_family else used,
        givens=(first, *others[: draws.between(0, 2)]),
        sex=sex,
        birth=birth,
        place=place,
        matricule=numbers.ins(sex, birth, place, order % 1000),
        street=f"{draws.between(1, 120)} {draws.pick(names.STREETS)}",
        town=town,
        postal_code=postal_code,
        phone=numbers.mobile(order),
        living="A" if draws.chance(0.3) else "F",
        dmp=draws.weighted(_DMP),
        dmp_day=draws.day(date(2024, 1, 1), date(2025, 12, 31)),
        relative=_relative(order, birth_family, draws),
        gp=draws.pick(gps),
    )


#: ZFA-9 and ZFA-11 of PAM France 2.11: the combinations a site may record, or nothing.
_DMP: tuple[tuple[tuple[str, str] | None, float], ...] = (
    (("INO", "IC"), 0.55),
    (("INO", "INC"), 0.12),
    (("INO", "NA"), 0.08),
    (("IO", "INC"), 0.05),
    (("NA", "NA"), 0.05),
    (None, 0.15),
)


def _relative(order: int, family: str, draws: Draws) -> Relative:
    relation, pool = draws.pick(
        (("SPO", names.WOMEN + names.MEN), ("CHD", names.WOMEN + names.MEN), ("SIS", names.WOMEN))
    )
    return Relative(
        family=family,
        given=draws.pick(pool),
        relation=relation,
        phone=numbers.mobile(5000 + order),
        trusted=draws.chance(0.5),
    )
