"""The four invented establishments of the region and their units.

The site tables `mappings/sites/demo-*.yaml` describe the same four; a test keeps both in step.
"""

from dataclasses import dataclass

from gateway.simulation.numbers import EXAMPLE_ARC, finess


@dataclass(frozen=True, slots=True)
class Unit:
    """A functional unit (UF): its code, its care sector and its usual DMT (HL7 table 0069).

    The sector is that of the site table; emergency and outpatient units belong to `mco`.
    """

    code: str
    name: str
    sector: str
    dmt: str = ""


@dataclass(frozen=True, slots=True)
class Establishment:
    """A sender of the region.

    Attributes:
        key: short name, also the name of the site file after `demo-`.
        alias: MSH-4 and the name part of its authorities.
        finess: invented FINESS number of the site.
        facility: code of CI-SIS JDV_J02 for the CDA header, with its label.
        setting: code of CI-SIS JDV_J04 for the CDA header, with its label.
        door: how its HL7 v2 messages travel, `mllp` or `http`.
        letters: how its letters travel: `mdm`, or `cda`: a POST of the document where there is no
            family doctor to mail it to, since only an MDM message can ask for a mail.
        charset: MSH-18.
        offset: whether its times carry the offset of the zone.
    """

    key: str
    name: str
    alias: str
    finess: str
    facility: tuple[str, str]
    setting: tuple[str, str]
    units: tuple[Unit, ...]
    door: str = "mllp"
    letters: str = "mdm"
    charset: str = "UNICODE UTF-8"
    offset: bool = False

    @property
    def authority(self) -> tuple[str, str, str]:
        """Return the HD of its identifiers: name, FINESS, type M (PAM France 2.11, CX-4)."""
        return (self.alias, self.finess, "M")

    @property
    def ipp_root(self) -> str:
        """Return the OID of its patient identifiers in CDA documents."""
        return f"{EXAMPLE_ARC}.1.{int(self.finess)}.1"

    @property
    def document_root(self) -> str:
        """Return the OID arc below which it numbers its documents."""
        return f"{EXAMPLE_ARC}.1.{int(self.finess)}.2"

    def unit(self, code: str) -> Unit:
        """Return a unit by its code."""
        return next(unit for unit in self.units if unit.code == code)


_HOSPITAL = ("ETABLISSEMENT", "Etablissement de santé")

CHU = Establishment(
    key="chu",
    name="CHU de l'Alizé (fictif)",
    alias="CHU-ALIZE",
    finess=finess(100),
    facility=("SA01", "Etablissement public de santé"),
    setting=_HOSPITAL,
    units=(
        Unit("1010", "Chirurgie digestive", "mco", "144"),
        Unit("1020", "Oncologie médicale", "mco", "126"),
        Unit("1030", "Soins intensifs post-opératoires", "mco"),
        Unit("1040", "Urgences adultes", "mco"),
        Unit("1050", "Consultations", "mco"),
    ),
)
CLCC = Establishment(
    key="clcc",
    name="Centre de lutte contre le cancer Brise (fictif)",
    alias="CLCC-BRISE",
    finess=finess(200),
    facility=("SA36", "Centre anti-cancer"),
    setting=_HOSPITAL,
    units=(
        Unit("2010", "Chirurgie carcinologique", "mco", "144"),
        Unit("2020", "Hôpital de jour chimiothérapie", "mco", "302"),
        Unit("2030", "Consultations d'oncologie", "mco"),
    ),
    letters="cda",
)
SMR = Establishment(
    key="smr",
    name="SMR des Coteaux (fictif)",
    alias="SMR-COTEAUX",
    finess=finess(300),
    facility=("SA04", "Etablissement privé non PSPH"),
    setting=_HOSPITAL,
    units=(
        Unit("3010", "SMR polyvalent", "smr", "172"),
        Unit("3020", "SMR digestif", "smr", "184"),
    ),
    door="http",
    offset=True,
)
HAD = Establishment(
    key="had",
    name="HAD de la Dorde (fictive)",
    alias="HAD-DORDE",
    finess=finess(400),
    facility=("SA04", "Etablissement privé non PSPH"),
    setting=("HAD", "Hospitalisation à domicile"),
    units=(Unit("4010", "HAD secteur nord", "had"), Unit("4020", "HAD secteur sud", "had")),
    charset="8859/15",
)
ESTABLISHMENTS = (CHU, CLCC, SMR, HAD)
