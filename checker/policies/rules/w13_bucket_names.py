"""Bucket names are unique to their account and environment.

What the review found
    The storage bucket is called after the project and the account, but not after the environment: a second environment
    cannot have one. Bucket names are shared by every account of a partition.
What is checked
    Every bucket, also one that a custom resource makes: its name is generated, or it carries the account and differs
    from every other bucket's. In an environment that is alone it also carries the environment; shared stacks are
    deployed once per account and need the account only.
When it does not apply
    No bucket in the environment.
What cannot be decided
    A name taken whole from a parameter that has no value, or read from elsewhere at deployment; one with what looks
    like a generated hash in it, which may be made of the account.
Fix
    Leave ``BucketName`` out, or build it from the environment and ``AWS::AccountId``.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.environments import Environment, Project
from checker.model.judgements import Judgement
from checker.model.resources import Resource
from checker.model.rules import Rule
from checker.model.values import Absent, Known, Pseudo, Text
from checker.policies.rules.c5_physical_names import only_environment
from checker.reason.names.collisions import Candidate, Clash, candidates, clashes
from checker.reason.names.custom_resources import is_custom
from checker.reason.names.next_environment import carries_environment, looks_generated, untold
from checker.reason.names.physical import is_stacks_own

_BUCKET = "AWS::S3::Bucket"
_FIX = "Leave BucketName out, or build it from the environment and ${AWS::AccountId}."
_ACCOUNT = lazy_re.compile(r"(?<!\d)\d{12}(?!\d)")


def check_project(project: Project) -> Iterator[Judgement]:
    custom = {kind for each in project.environments for kind in each.types if is_custom(kind)}
    makers = project.resources(_BUCKET, *sorted(custom))
    names = [each for each in candidates(project, makers) if each.name.naming.kind == _BUCKET]
    found = clashes(names)
    alone = only_environment(project)
    for name in names:
        environment = project.environment(name.resource.environment_name)
        if environment is not None:
            yield _judge(name, found.get(name), environment, alone=environment is alone)
    for bucket in project.resources(_BUCKET):
        if isinstance(bucket.get("BucketName"), Absent) or bucket.is_generated("BucketName"):
            yield bucket.passes(None, "CloudFormation generates the name.")


def _judge(name: Candidate, clash: Clash | None, environment: Environment, *, alone: bool) -> Judgement:
    bucket, path = name.resource, name.name.path
    same = [each for each in clash.certain if not untold(name, each)] if clash is not None else []
    if same:
        others = ", ".join(f"{each.resource.stack.name}/{each.resource.logical_id}" for each in same[:3])
        violation = f"The bucket name {name.text} is also that of {others}."
        return _fails(name, violation, related=tuple(each.resource for each in same))
    carries = carries_environment(name, environment) if alone else None
    if carries is NO:
        return _fails(name, f"The bucket name {name.text} carries no environment: the next one cannot have it.")
    account = _carries_account(name, bucket)
    if account is NO:
        return _fails(name, f"The bucket name {name.text} carries no account, and all accounts share one set of names.")
    if isinstance(account, Open):
        return bucket.undecided(None, account.why, path=path, fix=_FIX)
    if isinstance(carries, Open):
        return bucket.undecided(None, carries.why, path=path, fix=_FIX)
    if clash is not None and clash.possible:
        return bucket.undecided(None, f"{name.text} may be another bucket's name too", path=path, fix=_FIX)
    return bucket.passes(None, "The name is this environment's alone.", path=path, actual=str(name.text))


def _fails(name: Candidate, violation: str, related: tuple[Resource, ...] = ()) -> Judgement:
    return name.resource.fails(
        None,
        violation,
        fix=_FIX,
        path=name.name.path,
        expected="generated, or with account and environment",
        actual=str(name.text),
        related=related,
    )


def _carries_account(name: Candidate, bucket: Resource) -> Answer:
    """Whether the name tells its account, or a part that is generated for its stack alone."""
    namespace = bucket.get("BucketNamespace")
    if isinstance(namespace, Known) and namespace.value == "account-regional":
        return YES  # Amazon S3 User Guide, "Account regional namespaces": other accounts cannot take the name
    if name.text is None:
        return Open(f"{name.name.path} is decided outside of the templates")
    literal = str(name.text)
    if bucket.stack.account and bucket.stack.account in literal:
        return YES
    if not bucket.stack.account and _ACCOUNT.search(literal):
        return YES
    holes = name.text.holes if isinstance(name.text, Text) else ()
    if any(is_stacks_own(hole) or "AWS::AccountId" in hole.shown for hole in holes):
        return YES
    if looks_generated(literal):
        return Open(f"whether what looks generated in {literal} is made of the account")
    opened = not all(isinstance(hole, Pseudo) for hole in holes) or "{{resolve:" in literal
    return Open(f"{name.name.path} is decided outside of the templates") if opened else NO


RULE = Rule(
    id="W13",
    looked_for="S3 bucket",
    check_project=check_project,
)
