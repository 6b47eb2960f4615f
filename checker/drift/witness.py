"""CloudFormation's own drift detection, where the snapshot has it: one more witness, never the only one.

It compares declared properties alone and leaves out, without a word, what it cannot read (CloudFormation User Guide,
"Detect unmanaged configuration changes to stacks and resources with drift detection"). So it is shown where it differs
and never decides.
"""

from __future__ import annotations

from typing import Final

from checker.model.live.drift import ResourceState
from checker.model.live.snapshot import Snapshot

# The fact's name: a list of {stack, logical_id, status, paths}.
FACT: Final = "drift_detection"
_SAME: Final = {
    "IN_SYNC": {ResourceState.IN_SYNC, ResourceState.PENDING},
    "MODIFIED": {ResourceState.CHANGED},
    "DELETED": {ResourceState.MISSING},
}


def witnessed(snapshot: Snapshot, stack: str, logical_id: str, state: ResourceState) -> str:
    """What CloudFormation says of a resource where that is not what was found here; empty where both agree."""
    told = snapshot.facts.get(FACT)
    for each in told if isinstance(told, list) else ():
        if not isinstance(each, dict) or each.get("logical_id") != logical_id or each.get("stack") != stack:
            continue
        status = str(each.get("status"))
        if state in _SAME.get(status, {state}):
            return ""
        paths = each.get("paths")
        where = f" ({', '.join(map(str, paths))})" if isinstance(paths, list) and paths else ""
        return f"CloudFormation's own detection says {status}{where}"
    return ""
