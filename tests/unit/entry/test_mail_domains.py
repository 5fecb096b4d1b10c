"""What the settings say of the domains mails go to."""

import pytest

from gateway.connectors.mssante import nearest
from gateway.entry.mail import mail_domains
from gateway.entry.settings import MssanteSettings

SETTINGS = MssanteSettings(
    domains=("mssante.example", "CHU.mssante.example"),
    silent_domains=("old.example",),
    reading_domains=("mssante.example", "ward.old.example", "New.example"),
)


@pytest.mark.parametrize(
    ("address", "emits_dsn", "emits_mdn"),
    [
        ("a@mssante.example", True, True),
        # A domain of its own in the list is below the one that tells.
        ("a@chu.mssante.example", True, True),
        ("a@b.chu.mssante.example", True, True),
        ("a@old.example", False, False),
        # Named for its reading only: whether it sends notices is what its parent says.
        ("a@ward.old.example", False, True),
        ("a@new.example", True, True),
        ("0123@patient.mssante.fr", True, False),
    ],
)
def test_a_domain_is_what_the_nearest_one_above_it_says(address, emits_dsn, emits_mdn):
    found = nearest(mail_domains(SETTINGS), address)

    assert (found.emits_dsn, found.emits_mdn) == (emits_dsn, emits_mdn)


@pytest.mark.parametrize("address", ["a@example", "a@other.example", "mssante.example@else", ""])
def test_what_is_outside_of_all_is_nowhere(address):
    assert nearest(mail_domains(SETTINGS), address) is None
