"""What of an ECS service's description is the same whichever version runs.

Source: Amazon ECS API Reference, "Service", "Deployment".
"""

from __future__ import annotations

from typing import Final

SAME_WHICHEVER_RUNS: Final = frozenset(
    {"status", "desiredCount", "runningCount", "pendingCount", "rolloutState", "serviceName", "serviceArn",
     "clusterArn", "launchType", "schedulingStrategy", "platformVersion"}
)  # fmt: skip
