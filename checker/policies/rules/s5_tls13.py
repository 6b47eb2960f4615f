"""Every HTTPS listener negotiates TLS 1.3.

What the review found
    The listener's security policy stops at TLS 1.2.
What is checked
    Every HTTPS listener of an application load balancer and every TLS listener of a network load balancer: that its
    security policy is one that has TLS 1.3. What a policy holds is looked up, not read into its name; without one,
    listeners made outside of the console take ``ELBSecurityPolicy-2016-08``, which ends at TLS 1.2. Classic load
    balancers have no TLS 1.3 at all.
When it does not apply
    No HTTPS or TLS listener in the environment.
What cannot be decided
    A protocol or policy from a parameter without a default; a policy that the checker does not know.
Fix
    Set ``SslPolicy`` to ``ELBSecurityPolicy-TLS13-1-2-Res-2021-06``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer
from checker.model.environments import Environment
from checker.model.judgements import Judgement
from checker.model.resources import NOT_KNOWN, Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Resolved, Text, Unknown

_FIX: Final = "Set SslPolicy to ELBSecurityPolicy-TLS13-1-2-Res-2021-06."
_SECURE: Final = {"HTTPS", "TLS"}
# Elastic Load Balancing, "Security policies for your Application Load Balancer" and "... Network Load Balancer",
# 2025-11. The TLS13 family is regular; every other policy ends at TLS 1.2.
_WITH_TLS_13: Final = lazy_re.compile(
    r"ELBSecurityPolicy-TLS13-1-"
    r"(?:(?:3|2|2-Res|2-Ext[12]|1|0)-(?:PQ-2025-09|2021-06)|(?:3|2|2-Res|2-Ext[012]|1|0)-FIPS-(?:PQ-2025-09|2023-04))"
)
_WITHOUT_TLS_13: Final = frozenset(
    {
        "ELBSecurityPolicy-2016-08",
        "ELBSecurityPolicy-2015-05",
        "ELBSecurityPolicy-TLS-1-0-2015-04",
        "ELBSecurityPolicy-TLS-1-1-2017-01",
        "ELBSecurityPolicy-TLS-1-2-2017-01",
        "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
        "ELBSecurityPolicy-FS-2018-06",
        "ELBSecurityPolicy-FS-1-1-2019-08",
        "ELBSecurityPolicy-FS-1-2-2019-08",
        "ELBSecurityPolicy-FS-1-2-Res-2019-08",
        "ELBSecurityPolicy-FS-1-2-Res-2020-10",
    }
)
_DEFAULT: Final = "ELBSecurityPolicy-2016-08"


def check(environment: Environment) -> Iterator[Judgement]:
    for listener in environment.resources("AWS::ElasticLoadBalancingV2::Listener"):
        protocol = listener.get("Protocol")
        if isinstance(protocol, Unknown) or (isinstance(protocol, Known) and not isinstance(protocol.value, str)):
            why = "the listener's protocol is not known before deployment"
            yield listener.undecided(None, why, path="Protocol", fix=_FIX)
        elif isinstance(protocol, Known) and str(protocol.value).upper() in _SECURE:
            yield listener["SslPolicy"].must(
                negotiates,
                expected="a policy with TLS 1.3",
                default=_DEFAULT,
                violation="The listener's security policy ends at TLS 1.2.",
                fix=_FIX,
            )
    for balancer in environment.resources("AWS::ElasticLoadBalancing::LoadBalancer"):
        yield from _classic(balancer)


def negotiates(policy: Resolved) -> Answer:
    """Whether a predefined security policy has TLS 1.3; open for one that is not known here."""
    if not isinstance(policy, str):
        return NOT_KNOWN
    if policy in _WITHOUT_TLS_13:
        return NO
    return YES if _WITH_TLS_13.fullmatch(policy) else NOT_KNOWN


def _classic(balancer: Resource) -> Iterator[Judgement]:
    listeners = balancer.get("Listeners")
    if isinstance(listeners, Absent):
        return
    listed = listeners.value if isinstance(listeners, Known) else listeners
    for index, listener in enumerate(listed if isinstance(listed, list) else [listed]):
        protocol = listener.get("Protocol") if isinstance(listener, dict) else listener
        if isinstance(protocol, Unknown | Text):
            why = "the listener's protocol is not known before deployment"
            yield balancer.undecided(None, why, path="Listeners", fix=_FIX)
        elif isinstance(protocol, str) and protocol.upper() in {"HTTPS", "SSL"}:
            yield balancer.fails(
                None,
                "A classic load balancer has no TLS 1.3.",
                fix="Move to an application or network load balancer, with a TLS13 policy.",
                path=f"Listeners.{index}",
                expected="a policy with TLS 1.3",
                actual="a classic load balancer",
            )


RULE = Rule(
    id="S5",
    looked_for="HTTPS or TLS listener (AWS::ElasticLoadBalancingV2::Listener)",
    check=check,
)
