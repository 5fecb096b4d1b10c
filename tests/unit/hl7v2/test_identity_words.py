"""The words of the identity domain are data, and each means what its own table says."""

from dataclasses import replace

import pytest

from gateway.core.identity import RNIV_STATUSES, TABLE_0445, vouches
from gateway.fhir.identity import Ids
from gateway.hl7v2.convert.patient import identity_reliability
from gateway.hl7v2.keys import context_of
from gateway.hl7v2.message import Node
from gateway.hl7v2.plans import compile_plans
from gateway.hl7v2.reader import read
from gateway.mapping.conceptmaps import MapTarget
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site
from tests.unit.hl7v2.compose import PID, admission, with_field

SHIPPED = compile_plans(load_mappings()).identity_words


@pytest.mark.field("FL-345")
def test_words_that_move_are_a_matter_of_the_table() -> None:
    qualified = MapTarget(code="QUAL", system=RNIV_STATUSES)
    moved = SHIPPED.statuses.model_copy(update={"codes": {"VALI": qualified}})
    message = read(admission(PID=with_field(PID, 32, "VALI")))
    words = replace(SHIPPED, statuses=moved)
    context = context_of(message, Site(name="demo"), Ids(), identity_words=words)
    (node,) = (one for one in message.select("PID-32") if isinstance(one, Node))

    found = identity_reliability(node, context)

    status = found["extension"][0]["valueCoding"]
    assert status == {"system": RNIV_STATUSES, "code": "QUAL"}
    assert vouches({(status["system"], status["code"])})


@pytest.mark.field("FL-345")
def test_the_same_code_of_another_table_vouches_for_nothing() -> None:
    assert vouches({(TABLE_0445, "VALI"), (TABLE_0445, "HOMA")})
    assert not vouches({(RNIV_STATUSES, "VALI")})
    assert not vouches({(RNIV_STATUSES, "QUAL"), (RNIV_STATUSES, "DOUT")})
