"""Every assertion of the Inferno kit for subscriptions has a test here."""

from tests.conftest import ROOT
from tests.support.docs.field_cases import marked
from tests.support.docs.inferno import ASSERTIONS


def test_every_assertion_is_tested_and_every_mark_is_an_assertion():
    listed = [id_ for _, id_, _ in ASSERTIONS]

    assert len(set(listed)) == len(listed)
    assert set(marked(ROOT / "tests", "inferno")) == set(listed)
