"""The page of what the Inferno kit for subscriptions asserts of a server, and where it is tested.

The assertions are ours in words: the kit (inferno-framework, subscriptions-test-kit 0.12.1, server
suite, R4) needs Ruby, containers and a terminology server, so each is a test here.
"""

from pathlib import Path

from tests.support.docs.field_cases import marked
from tests.support.docs.markdown import NOTICE, table

#: Group, id, what is asserted.
ASSERTIONS = (
    ("capability", "CAP-1", "the server supports the profile of the guide for Subscription"),
    ("capability", "CAP-2", "every topic that is used is among those it lists"),
    ("capability", "CAP-3", "`$status` is among its operations"),
    ("creation", "CRE-1", "a sound Subscription is answered 201 with an id"),
    ("creation", "CRE-2", "its status is then `requested`, whatever was sent"),
    ("handshake", "HSK-1", "a rest-hook subscription is asked by one handshake after the answer"),
    ("handshake", "HSK-2", "the handshake is of type `handshake` with status `requested`"),
    ("handshake", "HSK-3", "it holds no event and counts none"),
    ("heartbeat", "HBT-1", "at least one comes where a period is asked for"),
    ("heartbeat", "HBT-2", "none comes where none is asked for"),
    ("notification", "NOT-1", "it is a Bundle of type `history`"),
    ("notification", "NOT-2", "every entry has a request and a response"),
    ("notification", "NOT-3", "the first entry is a GET of the subscription's `$status`"),
    ("notification", "NOT-4", "its resource is Parameters of the profile of the guide"),
    ("notification", "NOT-5", "the status of an event notification is `active`"),
    ("notification", "NOT-6", "it has the media type that was asked for"),
    ("notification", "NOT-7", "every header that was asked for is sent"),
    ("empty", "EMP-1", "there is a notification-event without focus or context"),
    ("empty", "EMP-2", "there is no entry besides"),
    ("id-only", "IDO-1", "there is a notification-event with a focus"),
    ("id-only", "IDO-2", "entries have a full URL and no resource"),
    ("full-resource", "FUL-1", "there is a notification-event with a focus"),
    ("full-resource", "FUL-2", "the focus is found in an entry"),
    ("full-resource", "FUL-3", "every entry about a resource holds it"),
    ("$status", "STA-1", "the operation on one subscription is answered 200"),
    ("$status", "STA-2", "the answer is a searchset with that subscription"),
    ("rejection", "REJ-1", "an unknown topic is refused"),
    ("rejection", "REJ-2", "an unknown filter is refused"),
    ("rejection", "REJ-3", "an unknown type of channel is refused"),
    ("rejection", "REJ-4", "an endpoint that cannot be called is refused"),
    ("rejection", "REJ-5", "an unknown type of payload is refused"),
    ("rejection", "REJ-6", "a payload the channel does not carry is refused"),
    ("rejection", "REJ-7", "extensions of another version of the guide are refused"),
)
_INTRO = """# What Inferno asserts of subscriptions

{notice}

The server suite of Inferno for subscriptions (subscriptions-test-kit 0.12.1, R4, rest-hook and
JSON) in our words, each assertion with the test that proves it here.
The kit itself was not run: it needs Ruby, containers and a terminology server.
It does not look at numbers, recovery, errors, websockets, messages or mails; those have tests of
their own in `tests/integration/subscriptions`.

"""


def page(tests: Path) -> str:
    """Write the page."""
    found = marked(tests, "inferno")
    rows = [
        (group, id_, what, ", ".join(f"`{one}`" for one in dict.fromkeys(found.get(id_, ()))))
        for group, id_, what in ASSERTIONS
    ]
    head = ("group", "id", "assertion", "test")
    return _INTRO.format(notice=NOTICE) + table(head, rows) + "\n"
