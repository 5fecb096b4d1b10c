"""Other rules tried on a log: for `relais pathway backtest` and for the workbench."""

from dataclasses import replace
from datetime import datetime

from gateway.core.ports import Transaction
from gateway.pathway.backtest import Comparison, outcome
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds
from gateway.pipeline.histories import histories


def always(rules: Rules) -> Rules:
    """Return the same rules as if the highest version of each had always applied."""
    return replace(
        rules,
        versions={
            rule_id: (replace(versions[0], applies_from=None),)
            for rule_id, versions in rules.versions.items()
        },
    )


def compared(
    tx: Transaction, current: Rules, changed: Rules, tenant: str, end: datetime
) -> Comparison:
    """Walk everything a store knows with the rules in force, and with others over them.

    Args:
        tx: of the store; nothing is written.
        current: rules in force.
        changed: take the place of those of the same id.
        tenant: of the installation.
        end: instant the virtual clock runs to, UTC.
    """
    feeds = Feeds.of(tx.watch.feeds(), troubles=tx.feeds.troubles())
    found = list(histories(tx))
    before, after = (
        outcome(found, rules, feeds, tenant, end) for rules in (current, current.overlaid(changed))
    )
    return Comparison(before, after)
