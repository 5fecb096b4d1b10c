"""What looks like digits and is no number (`²`), or has thousands of them, breaks no conversion."""

import pytest

from gateway.core.messages import InboxStatus
from tests.support.gateway import converter, message
from tests.unit.hl7v2.compose import EVN, PID, PV1, with_field
from tests.unit.pipeline.test_cancellations import SCH, sent

NO_NUMBERS = ["²", "١", "9" * 5000, "-1", "1e3"]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_an_occurrence_that_is_no_number_is_left_out(text):
    body = sent(1, "SIU^S12^SIU_S12", with_field(SCH, 3, text), PID, "RGS|1|A")
    item = converter().prepare(converter().open(message(body)))

    [made] = [p.resource for p in item.contributions if p.target.type == "Appointment"]
    assert item.status is InboxStatus.CONVERTED
    assert "appointment-occurrence" not in str(made)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_rank_at_birth_that_is_no_number_is_left_out(text):
    pid = with_field(with_field(PID, 24, "Y"), 25, text)
    body = sent(1, "ADT^A01^ADT_A01", EVN, pid, PV1)
    item = converter().prepare(converter().open(message(body)))

    assert item.status is not InboxStatus.FAILED
    assert all("multipleBirthInteger" not in part.resource for part in item.contributions)
