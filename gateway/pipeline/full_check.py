"""The second judge of a converted input: `fhir.resources` on every resource it gives (mode full).

Slow, and so a choice of the installation or of a site. The compiled checks of the commit stay
what they are; this finds what they would let pass.
"""

from dataclasses import replace

from gateway.core.messages import InboxStatus
from gateway.fhir import shape
from gateway.pipeline.folds import fold_alone
from gateway.pipeline.prepared import Prepared


def fully_checked(item: Prepared) -> Prepared:
    """Return an input unchanged, or set aside with what the models of FHIR refuse in it.

    A resource that breaks its shape is left to the commit, which mends what can be mended; so are
    values that only other inputs complete.
    """
    if item.status is not InboxStatus.CONVERTED:
        return item
    found = [
        issue
        for resource in fold_alone(item.contributions)
        if not shape.check(resource)
        for issue in shape.full(resource)
    ]
    if not any(issue.severity.refuses for issue in found):
        return replace(item, issues=(*item.issues, *found)) if found else item
    return replace(
        item,
        status=InboxStatus.QUARANTINED,
        contributions=(),
        assertions=(),
        location="",
        issues=(*item.issues, *found),
    )
