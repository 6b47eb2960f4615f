"""Deploy credentials last as long as the deploy.

What the review found
    Credential steps ask for no duration, so sessions end after an hour in the middle of long deploys (ExpiredToken).
What is checked
    ``MaxSessionDuration`` of every role that CI deploys with: at least 7200 seconds, for a workflow that asks for more
    than the role's maximum is refused. The default is 3600 (AWS IAM User Guide, "Update the maximum session duration
    for a role").
When it does not apply
    No role that deploys trusts GitHub's OIDC provider.
What cannot be decided
    A duration from a parameter without a default.
Fix
    Set ``MaxSessionDuration`` to 7200 (up to 43200), and ``role-duration-seconds: 7200`` in the workflows.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.judgements import Judgement
from checker.model.resources import Environment
from checker.model.rules import Rule
from checker.model.values import Resolved, Text, Unknown, as_number
from checker.model.verdicts import Surface
from checker.reason.deployers import deployment_of

DEPLOY_SECONDS = 7200


def check(environment: Environment) -> Iterator[Judgement]:
    for deployer in deployment_of(environment.project).deployers:
        if deployer.role.stack.environment == environment.name:
            yield deployer.role["MaxSessionDuration"].must(
                _long_enough,
                expected=f"at least {DEPLOY_SECONDS}",
                default=3600,
                violation=f"A deploy cannot get a session of {DEPLOY_SECONDS} seconds: the role's maximum is shorter.",
                fix=f"Set MaxSessionDuration to {DEPLOY_SECONDS}.",
                sub="maximum",
            )


def _long_enough(value: Resolved) -> bool | None:
    if isinstance(value, Text | Unknown):
        return None
    seconds = as_number(value)
    return seconds is not None and seconds >= DEPLOY_SECONDS


RULE = Rule(
    id="W5",
    title="Deploy credentials last as long as the deploy",
    surfaces=frozenset({Surface.TEMPLATE, Surface.ACCOUNT, Surface.WORKFLOW}),
    looked_for="deploy role that trusts GitHub's OIDC provider (AWS::IAM::Role)",
    check=check,
)
