"""Under which system a code of a table of HL7 v2 is published.

HL7 publishes its tables whole: a code that is not in one must not stand under its system. France
has codes of its own in some tables; they stand under a system of FR Core where it has them, else
under one of ours (`profiles/fhir/CodeSystem-pam-fr-*.json`). Any other code is the sender's own.
Standard: FHIR R4 terminologies-v2; PAM France 2.11, annexes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import FR_SYSTEM, V2_SYSTEM

_CONTACT = f"{FR_SYSTEM}fr-core-cs-contact-relationship"
_DISCIPLINES = f"{FR_SYSTEM}fr-core-cs-discipline-prestation"
_CIRCUMSTANCES = f"{FR_SYSTEM}fr-core-cs-circonstances-sortie"
_ADMISSIONS = f"{FR_SYSTEM}fr-core-cs-type-admission"


class Table(NamedTuple):
    """The codes of a table.

    Attributes:
        hl7: codes HL7 publishes with FHIR R4.
        french: system of each code that France adds or puts in their place.
    """

    hl7: frozenset[str]
    french: Mapping[str, str]


def _table(hl7: str, **french: str) -> Table:
    """Return a table of codes between blanks; `french` names a system and its codes."""
    return Table(
        frozenset(hl7.split()),
        {code: system for system, codes in french.items() for code in codes.split()},
    )


def _ours(number: str) -> str:
    return f"{FHIR_BASE}/CodeSystem/pam-fr-{number}"


TABLES = {
    # PV1-4: kind of admission.
    "0007": _table("A C E L N R U", **{_ADMISSIONS: "RM IE"}),
    # PV1-14: admit source.
    "0023": _table("1 2 3 4 5 6 7 8 9", **{_ours("0023"): "90 91"}),
    # NK1-3: relation to the patient.
    "0063": _table(
        "ASC BRO CGV CHD DEP DOM EMC EME EMR EXF FCH FND FTH GCH GRD GRP MGR MTH NCH NON OAD OTH"
        " OWN PAR SCH SEL SIB SIS SPO TRA UNK WRD",
        **{_ours("0063"): "CUR"},
    ),
    # PV1-10: discipline; the national nomenclature stands for HL7's five services.
    "0069": _table(
        "",
        **{
            _DISCIPLINES: "35 39 43 76 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116"
            " 117 118 119 120 121 122 123 124 125 126 127 129 130 131 132 133 134 135 136 137 138"
            " 139 140 141 142 143 144 145 146 147 148 149 150 151 152 153 154 155 156 157 158 159"
            " 160 161 162 163 164 165 166 167 168 169 170 171 172 173 174 176 177 178 179 180 181"
            " 182 183 184 185 187 189 193 194 195 196 198 206 214 217 219 220 221 222 223 224 225"
            " 226 227 230 235 236 252 263 267 268 269 273 302 304 305 306 309 310 311 312 313 314"
            " 316 318 320 321 322 323 324 325 355 358 389 398 401 402 403 404 405 406 407 408 409"
            " 457 458 459 460 462 463 464 465 466 467 468 552 553 554 555 556 557 588 593 594 595"
            " 604 605 606 607 608 609 610 611 612 613 614 615 616 618 619 620 621 622 623 624 625"
            " 627 628 631 635 636 637 638 639 640 641 644 645 646 647 648 651 654 657 663 664 715"
            " 717 718 719 720 721 722 723 728 729 730 731 732 733 734 735 736 737 738 739 743 744"
            " 753 797 798 799 800 801 803 806 807 808 809 825 826 827 828 829 830 831 832 833 834"
            " 835 897 924 925 926 927 936 939"
        },
    ),
    # OBR-24: section of the service that made results.
    "0074": _table(
        "AU BG BLB CG CH CP CT CTH CUS EC EN GE HM ICU IMG IMM LAB MB MCB MYC NMR NMS NRS OSL OT"
        " OTH OUS PAR PAT PF PHR PHY PT RAD RC RT RUS RX SP SR TX URN VR VUS XRC"
    ),
    # PV1-36: why the patient left; HL7 leaves the table to each country.
    "0112": _table("", **{_CIRCUMSTANCES: "2 3 4 5 6 R E F A P S B REO PSA"}),
    # NK1-7: role of a contact.
    "0131": _table("BP C CP E EP F I N O PR S U", **{_CONTACT: "K P", _ours("0131"): "R"}),
    # SPM-8: where a sample was taken.
    "0163": _table(
        "BE BN BU CT LA LAC LACF LD LE LEJ LF LG LH LIJ LLAQ LLFA LMFA LN LNB LPC LSC LT LUA"
        " LUAQ LUFA LV LVG LVL NB OD OS OU PA PERIN RA RAC RACF RD RE REJ RF RG RH RIJ RLAQ RLFA"
        " RMFA RN RPC RSC RT RUA RUAQ RUFA RVG RVL"
    ),
    # PV2-38: transport of the arrival; the French codes stand for HL7's letters.
    "0430": _table("A C F H O P U", **{_ours("0430"): "0 1 2 3 4 5 6 7 8 9 10 11"}),
    # ROL-3: role of a professional.
    "0443": _table(
        "AD AI AP AT CLP CP DP EP FHCP IP MDIR OP PH PI PP RO RP RT TN TR VP VPS VTS",
        **{_ours("0443"): "SUBS"},
    ),
    # SPM-4: what a sample is.
    "0487": _table(
        "ABS ACNE ACNFLD AIRS ALL AMN AMP ANGI ARTC ASERU ASP ATTE AUTOA AUTOC AUTP BBL BCYST"
        " BDY BIFL BITE BLD BLDA BLDCO BLDV BLEB BLIST BOIL BON BONE BOWL BPH BPU BRN BRSH BRTH"
        " BRUS BUB BULLA BX CALC CARBU CAT CBITE CDM CLIPP CNJT CNL COL CONE CSCR CSERU CSF"
        " CSITE CSMY CST CSVR CTP CUR CVM CVPS CVPT CYN CYST DBITE DCS DEC DEION DIA DIAF DISCHG"
        " DIV DRN DRNG DRNGP DUFL EARW EBRUSH EEYE EFF EFFUS EFOD EISO ELT ENVIR EOS EOTH ESOI"
        " ESOS ETA ETTP ETTUB EWHI EXG EXS EXUDTE FAW FBLOOD FGA FIB FIST FLD FLT FLU FLUID"
        " FOLEY FRS FSCLP FUR GAS GASA GASAN GASBR GASD GAST GENL GENV GRAFT GRAFTS GRANU GROSH"
        " GSOL GSPEC GT GTUBE HAR HBITE HBLUD HEMAQ HEMO HERNI HEV HIC HYDC IBITE ICYST IDC IHG"
        " ILEO ILLEG IMP INCI INFIL INS INTRD ISLT IT IUD IVCAT IVFLD IVTIP JEJU JNTFLD JP KELOI"
        " KIDFLD LAVG LAVGG LAVGP LAVPG LENS1 LENS2 LESN LIQ LIQO LNA LNV LSAC LYM MAC MAHUR MAR"
        " MASS MBLD MEC MILK MLK MUCOS MUCUS NAIL NASDR NEDL NEPH NGASP NGAST NGS NODUL NSECR"
        " ORH ORL OTH PACEM PAFL PCFL PDSIT PDTS PELVA PENIL PERIA PILOC PINS PIS PLAN PLAS PLB"
        " PLC PLEVS PLR PMN PND POL POPGS POPLG POPLV PORTA PPP PROST PRP PSC PUNCT PUS PUSFR"
        " PUST QC3 RANDU RBC RBITE RECT RECTA RENALC RENC RES SAL SCAR SCLV SCROA SECRE SER SHU"
        " SHUNF SHUNT SITE SKBP SKN SMM SMN SNV SPRM SPRP SPRPB SPS SPT SPTC SPTT SPUT1 SPUTIN"
        " SPUTSP STER STL STONE SUBMA SUBMX SUMP SUP SUTUR SWGZ SWT TASP TEAR THRB TISS TISU TLC"
        " TRAC TRANS TSERU TSTES TTRA TUBES TUMOR TZANC UDENT UMED UR URC URINB URINC URINM"
        " URINN URINP URNS URT USCOP USPEC USUB VASTIP VENT VITF VOM WASH WASI WAT WB WBC WEN"
        " WICK WND WNDA WNDD WNDE WORM WRT WWA WWO WWT"
    ),
    # SPM-7: how a sample was taken.
    "0488": _table(
        "ANP BAP BCAE BCAN BCPD BIO CAP CATH CVP EPLA ESWA FNA KOFFP LNA LNV MARTL ML11 MLP NYP"
        " PACE PIN PNA PRIME PUMP QC5 SCLP SCRAPS SHA SWA SWD TMAN TMCH TMM4 TMMY TMOT TMP TMPV"
        " TMSC TMUP TMVI VENIP WOOD"
    ),
    # SPM-24: the state of a sample.
    "0493": _table("AUT CFU CLOT CON COOL FROZ HEM LIVE ROOM SNR"),
}


def table_coding(number: str, code: str, place: str, context: Context) -> Json:
    """Return the Coding of a code of a table.

    Args:
        number: of the table, one of `TABLES`.
        code: as sent.
        place: segment and field it came from: `PV1-14`.
        context: names the sender, whose own code it may be.
    """
    table = TABLES[number]
    if code in table.hl7:
        return {"system": f"{V2_SYSTEM}{number}", "code": code}
    if code in table.french:
        return {"system": table.french[code], "code": code}
    return {"system": local_system(place, context), "code": code}


def local_system(place: str, context: Context) -> str:
    """Return the system of the codes a sender makes up for a field."""
    return f"{FHIR_BASE}/CodeSystem/local/{context.site.name}/{place}"
