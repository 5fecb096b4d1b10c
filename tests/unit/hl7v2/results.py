"""Composed results, for the tests of their mapping and of what remains of several messages."""

from typing import Any

from gateway.core.contributions import Json
from gateway.fhir import shape
from gateway.mapping.sites import Site
from gateway.pipeline.folds import fold_alone
from tests.unit.hl7v2.compose import PID, PV1, er7, msh
from tests.unit.hl7v2.orders import FILLER, PLACER, at, obr, orc
from tests.unit.hl7v2.test_adapter import SITE, contribute

HB = "718-7^Hémoglobine^LN"
SERVICE = "58410-2^Hémogramme^LN"
UCUM = "http://unitsofmeasure.org"


def obx(kind: str = "NM", value: str = "", code: str = HB, **more: str) -> str:
    """Return an OBX, final unless said otherwise; `more` names fields, `f6`."""
    fields = {1: "1", 2: kind, 3: code, 5: value, 11: "F"}
    fields |= {int(name[1:]): text for name, text in more.items()}
    return "|".join(["OBX", *(fields.get(n, "") for n in range(1, max(fields) + 1))])


def oru(*segments: str, minute: int = 30, head: str = "", detail: str = "") -> bytes:
    header = at(msh("ORU^R01^ORU_R01"), f"2026112008{minute:02}00")
    detail = detail or obr(SERVICE, f7="20261120070000", f25="F")
    return er7(header, PID, PV1, head or orc("RE", PLACER, FILLER, "CM"), detail, *segments)


def folded(kind: str, *bodies: bytes, site: Site = SITE) -> list[Json]:
    parts = [part for raw in bodies for part in contribute(raw, site).contributions]
    found = fold_alone(parts)
    assert [str(i) for one in found for i in (*shape.check(one), *shape.full(one))] == []
    return [one for one in found if one["resourceType"] == kind]


def result(*bodies: bytes, site: Site = SITE) -> Json:
    [found] = folded("Observation", *bodies, site=site)
    return found


def value(observation: Json) -> dict[str, Any]:
    return {n: v for n, v in observation.items() if n.startswith("value") or n == "component"}


def quantity(number: float, unit: str = "", code: str = "", **more: Any) -> Json:
    found: Json = {"value": number, **more}
    if unit:
        found["unit"] = unit
    return {"valueQuantity": found | ({"system": UCUM, "code": code} if code else {})}
