"""Roles that a deploy role hands to CloudFormation, which deploys stacks with them.

Source: AWS CloudFormation User Guide, "CloudFormation service role": whoever gives one along passes it, and it trusts
``cloudformation.amazonaws.com``. What trusts nobody else can be passed to nothing else: the service that gets it could
not assume it.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from checker.model.answers import YES
from checker.model.environments import Project
from checker.model.overlap import Pattern, overlap
from checker.model.resources import Resource
from checker.model.values import Known
from checker.reason.iam.evaluation import Policies, grants
from checker.reason.iam.passing import PASS_ROLE, may_pass, passed_only_to
from checker.reason.iam.policies import Statement, read_document
from checker.reason.names.arns import arn_of
from checker.reason.text.patterns import exact, example, glob, has_wild

CLOUDFORMATION: Final = "cloudformation.amazonaws.com"
# The role that CDK's bootstrap stack makes for CloudFormation; it trusts nothing else (AWS CDK Developer Guide,
# "Bootstrap template", CloudFormationExecutionRole).
_OF_CDK: Final = glob("arn:*:iam::*:role/cdk-*-cfn-exec-role-*")


def without_service_roles(policies: Policies, project: Project) -> Policies:
    """The policies without what passes the roles that CloudFormation deploys with: each named in full."""
    changed: dict[Statement, Statement | None] = {}
    for grant in grants(policies, PASS_ROLE):
        if grant.resources is None or grant.statement.not_actions is not None:
            continue
        kept = tuple(
            each
            for each in grant.resources
            if each is None or not _is_service_role(policies, grant.statement, each, project)
        )
        if len(kept) < len(grant.resources):
            changed[grant.statement] = replace(grant.statement, resources=kept, named=frozenset()) if kept else None
    if not changed:
        return policies
    statements = (changed.get(each, each) for each in policies.statements)
    return replace(policies, statements=tuple(each for each in statements if each is not None))


def _is_service_role(policies: Policies, statement: Statement, pattern: Pattern, project: Project) -> bool:
    alone = Policies((statement,))
    if has_wild(pattern) or not may_pass(alone, example(pattern), CLOUDFORMATION).allowed:
        return False
    bound = passed_only_to(policies, statement, CLOUDFORMATION) is YES
    for role in project.resources("AWS::IAM::Role"):
        arn = arn_of(role)
        if arn is not None and exact(arn) == pattern:
            trusted = _trusted(role, project)
            return CLOUDFORMATION in trusted and (bound or len(trusted) == 1)
    return bound or overlap(pattern, _OF_CDK)


def _trusted(role: Resource, project: Project) -> set[str]:
    """Whom a role's trust policy lets in, as it is written; of what is not known, that."""
    trust = role.get("AssumeRolePolicyDocument")
    if not isinstance(trust, Known):
        return {"?"}
    document = read_document(trust.value, role, "AssumeRolePolicyDocument", project)
    allowing = [each for each in document.statements if each.allows]
    named = {str(who) for each in allowing for _, who in each.principals or (("", None),)}
    return {*named, *(("?",) if document.unread else ())}
