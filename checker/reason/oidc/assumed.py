"""Whose permissions a step of the pipeline acts with: the role that its credentials stand for.

Workflows name roles by ARN, or by a secret or variable whose value nobody but GitHub knows. An ARN is looked up among
the project's roles. A secret stands for a role that lets the job's token in; where several do, for the one of the job's
own environment, and for the one whose name has the words of the secret's (``AWS_BUILD_ROLE_ARN``: the build role).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from checker.model.environments import Project
from checker.model.pipeline.jobs import Credentials, EffectiveJob
from checker.model.possible import Scalar, as_text, options
from checker.model.resources import Resource
from checker.model.values import Absent, Hole, HoleKind, Text, pieces
from checker.reason.iam.deployers import Deployer, Deployment, deployment_of, same_environment
from checker.reason.names.arns import arn_of, name_of
from checker.reason.oidc.trust import all_admitted
from checker.reason.text.patterns import exact, overlap

_ROLE: Final = "AWS::IAM::Role"
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAME: Final = re.compile(r"(?:secrets|vars|env|inputs|needs|steps)\s*(?:\.|\[\s*['\"])\s*([A-Za-z0-9_.-]+)")
# Words that tell no role from another.
_COMMON: Final = frozenset(
    {
        "aws",
        "role",
        "arn",
        "iam",
        "to",
        "assume",
        "github",
        "actions",
        "action",
        "gha",
        "oidc",
        "ci",
        "cd",
        "id",
        "name",
    }
    | {"the", "outputs", "secret", "for", "gh", "account"}
)
_LITERAL_ACCOUNT: Final = re.compile(r"arn:[^:]+:iam::([0-9]{12}):role/")


@dataclass(frozen=True, slots=True)
class Assumed:
    """The roles that credentials may stand for: one of them. Empty where that cannot be told, and ``why`` says why."""

    roles: tuple[Resource, ...]
    why: str = ""
    account: str = ""  # as an ARN in the workflow tells it

    @property
    def names(self) -> str:
        return " or ".join(dict.fromkeys(str(name_of(role)) for role in self.roles))


NO_CREDENTIALS: Final = Assumed((), "no step before it takes on an AWS role")


def assumed(credentials: Credentials | None, project: Project) -> Assumed:
    """The roles that a step with these credentials may act as."""
    if credentials is None:
        return NO_CREDENTIALS
    if isinstance(credentials.role, Absent):
        return Assumed((), "its credentials are keys, and whose they are is not known")
    values = options(credentials.role)
    if values is None:
        return Assumed((), "the role that it acts as cannot be told")
    roles: list[Resource] = []
    accounts: set[str] = set()
    for value in values:
        found = list(_named(value, credentials, project))
        if not found:
            return Assumed((), f"no template at hand has the role {as_text(value)}")
        roles.extend(found)
        accounts.update(_LITERAL_ACCOUNT.findall(value) if isinstance(value, str) else ())
    return Assumed(tuple(dict.fromkeys(roles)), "", accounts.pop() if len(accounts) == 1 else "")


def _named(value: Scalar, credentials: Credentials, project: Project) -> Iterable[Resource]:
    written = as_text(value)
    job = credentials.step.job
    if any(isinstance(part, str) and "/" in part for part in pieces(written)):
        target = exact(written)
        found = [
            role
            for role in project.resources(_ROLE)
            if (arn := arn_of(role)) is not None and overlap(exact(_without_account(arn)), target)
        ]
        return _of_environment(found, job)
    deployment = deployment_of(project)
    if not isinstance(written, Text) or credentials.oidc is False:
        return ()
    trusting = [each for each in deployment.github_roles if each.trust.allows]
    # By the name first: a role that refuses the job's token is a finding of its own, and does not stand for another.
    named = _by_words([each.role for each in trusting], str(written))
    meant = [each for each in trusting if each.role in named]
    admitting = _admitting(meant, job, deployment) or meant
    return _of_environment([each.role for each in admitting], job)


def _without_account(arn: str | Text) -> str | Text:
    """The ARN with whatever account: a template for several accounts and a workflow that names one agree."""
    if isinstance(arn, Text):
        return arn
    head, _, tail = arn.partition(":iam::")
    return Text((f"{head}:iam::", Hole(HoleKind.PSEUDO, "${AWS::AccountId}"), f":{tail.partition(':')[2]}"))


def _admitting(trusting: Sequence[Deployer], job: EffectiveJob, deployment: Deployment) -> list[Deployer]:
    """The roles that let the job's token in for sure, or else those that may."""
    answers = [(each, _lets_in(each, job, deployment)) for each in trusting]
    return [each for each, answer in answers if answer] or [each for each, answer in answers if answer is None]


def _lets_in(deployer: Deployer, job: EffectiveJob, deployment: Deployment) -> bool | None:
    names = job.environments
    if names is None:
        return None
    if names:
        answers = {
            deployment.admits_environment(deployer.trust, name) if isinstance(name, str) else None for name in names
        }
    else:
        tokens = [deployment.ref_token(deployer.trust, start.ref) for start in job.starts]
        answers = {all_admitted(deployer.trust, [token]) for token in tokens}
    return True if True in answers else None if None in answers or not answers else False


def _of_environment(roles: list[Resource], job: EffectiveJob) -> list[Resource]:
    """Of roles in several environments' stacks, those of the job's own."""
    if len(roles) < 2 or not job.environment_name:
        return roles
    own = [role for role in roles if same_environment(role.stack.environment, job.environment_name)]
    return own or roles


def _by_words(roles: list[Resource], written: str) -> list[Resource]:
    """The roles that have the words of a secret's name in theirs; all of them where no role has."""
    wanted = {word for name in _NAME.findall(written) for word in _words(name)} - _COMMON
    scores = [len(wanted & set(_words(f"{name_of(role)} {role.logical_id}"))) for role in roles]
    best = max(scores, default=0)
    return [role for role, score in zip(roles, scores, strict=True) if score == best] if best else roles


def _words(name: str) -> Iterator[str]:
    return (word.lower() for word in _WORD.findall(name))
