"""Logs as JSON events without patient data: a key that is not on the list is withheld.

Called by entry points only; importing `gateway` configures nothing.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

#: Adding a key is a reviewed change: its values must never hold patient data.
SAFE_KEYS = frozenset(
    {
        "event", "level", "timestamp", "logger",
        "address", "age_s", "attempts", "channel", "client", "code", "connections", "count",
        "cursor",
        "deadline_s", "directory", "duration_ms", "environment", "error", "event_type", "fix",
        "inbox_id", "kind", "lag_ms", "limit", "line", "message_type", "method", "module",
        "outbox_id", "outcome", "pid", "place", "port", "ports", "reason", "role", "route",
        "site", "size", "status", "store", "version", "waiting", "what", "where",
    }
)  # fmt: skip

#: Second net behind the list: a matricule (NIR with Corsican departments and pseudo months).
_NIR = re.compile(
    r"(?<!\d)[12478]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d{2}|2[ABab])\d{6}(?:\d{2})?(?!\d)"
)


def keep_safe_keys(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace every value whose key is not on the list by its type name."""
    for key in event.keys() - SAFE_KEYS:
        event[key] = f"<{type(event[key]).__name__} withheld>"
    return event


def hide_matricules(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Hide whatever looks like an INS or NIR in the values that are left."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) >= 13:
            event[key] = _NIR.sub("[NIR]", value)
    return event


class _StandardLines(logging.Handler):
    """Bring the log lines of libraries under the same rules: name and level, no message text.

    Third-party messages quote what they failed on, so their text is left out.
    """

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno,
            "library_message",
            module=record.name,
            line=record.lineno,
            error=record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "",
        )


class _StandardError:
    """Standard error as it is at the moment of writing: it may be replaced after `configure`."""

    def write(self, text: str) -> int:
        """Write to it."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()


def configure(level: str = "INFO") -> None:
    """Send events as JSON lines to standard error.

    Args:
        level: lowest level written: DEBUG, INFO, WARNING, ERROR.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_safe_keys,
            hide_matricules,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_StandardLines()]
    root.setLevel(max(number, logging.WARNING))
