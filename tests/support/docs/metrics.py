"""The table of metrics, from the collectors themselves."""

from datetime import UTC, datetime
from functools import lru_cache

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric

from gateway.entry import serve
from gateway.entry.certificate_dates import Dates, Use
from gateway.entry.figures import Figures, Read
from gateway.entry.mllp_metrics import MllpMetrics
from gateway.entry.vitals import LoopState, Vitals
from gateway.store.memory import MemoryStore
from tests.support.docs.markdown import NOTICE, code, table
from tests.support.pipeline import HandClock

_INTRO = """# Metrics

{notice}

`/metrics` answers clients on the machine of the gateway, those behind a declared boundary, and
clients with the scope `system/metrics`.
Labels come from closed sets: no sender and no patient can make one.
Figures of the store are the same in every process of an installation: take `max`, never `sum`.
Counters and histograms are of one process: take `sum`.
A store that is away has no figures but `relais_store_up`.
"""


@lru_cache
def families() -> dict[str, Metric]:
    """Return every family of ours by its name, samples left as they are."""
    # A process that serves has imported all that counts.
    assert serve.REGISTRY is REGISTRY
    mllp = CollectorRegistry()
    MllpMetrics(mllp)
    found = {
        one.name: one for one in (*REGISTRY.collect(), *mllp.collect(), *_of_store().collect())
    }
    return {name: one for name, one in sorted(found.items()) if name.startswith("relais_")}


def sample_names() -> set[str]:
    """Return the names queries may use."""
    names = set()
    for name, family in families().items():
        kinds = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
        names |= {name + end for end in kinds.get(family.type, ("",))}
    return names


def _of_store() -> Figures:
    loops = {"watch": LoopState(ended=False, idle_s=0.0)}
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    return Figures(
        MemoryStore(),
        HandClock(),
        Vitals(lambda: loops),
        lambda: [Dates(Use.HTTP, "CN=x", ends, ends)],
        (),
        (),
        Read({}, {}, {}, {}, {}, {}, {}, frozenset(), 0, {}, 0, {}),
    )


def page() -> str:
    """Write the table."""
    rows = [
        (code(name + ("_total" if one.type == "counter" else "")), one.type, one.documentation)
        for name, one in families().items()
    ]
    return f"{_INTRO.format(notice=NOTICE)}\n{table(('metric', 'kind', 'meaning'), rows)}\n"
