"""Two versions of one discharge letter: the second message of the fixture and the one before it."""

import re

from tests.unit.pipeline.test_document_requests import cda, changed
from tests.unit.pipeline.test_submissions import LETTERS

OLD, NEW = "2.999.1.990004004.2.4.5.1", "2.999.1.990004004.2.4.5.2"
#: Replaces FIRST (MDM^T10).
SECOND = LETTERS[1]


def _earlier(text: str) -> str:
    alone = re.sub(r"<relatedDocument.*?</relatedDocument>", "", text, count=1, flags=re.DOTALL)
    assert alone != text
    return alone.replace(f'<id root="{NEW}"/>', f'<id root="{OLD}"/>', 1)


FIRST = changed(
    cda(SECOND, _earlier), MSH_9="MDM^T02^MDM_T02", MSH_10="HAD000040005", MSH_7="20260218180000",
    EVN_2="20260218180000", ORC_1="NW", OBX_11="F", TXA_4="20260218180000", TXA_12=OLD, TXA_13="",
)  # fmt: skip
