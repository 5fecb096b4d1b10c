"""Our word for each answer of a mail operator; its own words quote addresses and are not kept.

RFC 5321 4.2.3, RFC 4954 6, RFC 3463; the codes a business acknowledgement may carry.
"""

_WORDS = {
    101: "no connection",
    111: "connection refused",
    250: "taken",
    251: "forwarded",
    252: "not verified",
    420: "timeout",
    421: "service away",
    422: "mailbox full",
    431: "no space",
    432: "queue stopped",
    441: "recipient server silent",
    442: "connection lost",
    450: "mailbox busy",
    451: "local error",
    452: "no space",
    454: "TLS away",
    500: "command unknown",
    501: "syntax",
    502: "command not implemented",
    503: "bad order",
    504: "parameter not implemented",
    510: "bad address",
    512: "domain unknown",
    513: "address type",
    523: "too large",
    530: "authentication required",
    534: "authentication too weak",
    535: "authentication failed",
    538: "encryption required",
    541: "content refused",
    550: "mailbox unknown",
    551: "not local",
    552: "too large",
    553: "name not allowed",
    554: "refused",
    555: "parameter unknown",
}
#: About us and not about the letter: a person must look at certificate or rights.
NOT_LET_IN = frozenset({454, 530, 534, 535, 538})
TOO_LARGE = frozenset({523, 552})


def word(code: int) -> str:
    """Return our word for a code."""
    return _WORDS.get(code, "refused" if code >= 500 else "not now")
