"""Which of the project's roles a credentials step takes on.

A role is told by its ARN where that is written out. A secret or a variable (``${{ secrets.AWS_DEPLOY_ROLE_ARN }}``)
only has a name: it is the one role that it could mean, by what the name says it is for (``deploy``), by the environment
that the name or the job speaks of, and by the other words that it shares with the role's. What stays open stays open:
several candidates are all kept.

Two questions follow. :func:`assumption`: which roles are asked for, whether they let the job in or not. And, of a call
that is made with the credentials, :func:`assumed`: who makes it. Such a call is only made where a role let the job's
token in, so those that do stand before those that do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either
from checker.model.environment_words import environment_of, words
from checker.model.environments import Project
from checker.model.overlap import Pattern, overlap
from checker.model.pipeline.jobs import Credentials, EffectiveJob
from checker.model.pipeline.pipeline import Pipeline
from checker.model.possible import options
from checker.model.resources import Resource
from checker.model.values import ABSENT, Absent, Hole, Known, Text, pieces, text
from checker.reason.iam.deployers import Deployer, Deployment, deployment_of, same_environment
from checker.reason.names.arns import name_of
from checker.reason.oidc.trust import all_admitted
from checker.reason.text.patterns import exact, glob

_ROLE: Final = "AWS::IAM::Role"
_ACCOUNT: Final = lazy_re.compile(r"arn:[^:]+:iam::(\d{12}):")
# What CDK appends to a logical id.
_HASH: Final = lazy_re.compile(r"[0-9A-F]{8}$")
_INPUT: Final = lazy_re.compile(r"^\$\{\{\s*inputs\.")
# What people name: another value is what some step made of it.
_SETTING: Final = lazy_re.compile(r"^\$\{\{\s*(?:secrets|vars|inputs)\.")
_EXPRESSION: Final = lazy_re.compile(r"[A-Za-z_][\w-]*")
# What roles are for. Two that are for different things are not the same one.
_PURPOSES: Final = {
    "build": "build", "builder": "build", "image": "build", "images": "build", "push": "build", "publish": "build",
    "deploy": "deploy", "deployer": "deploy", "deployment": "deploy", "release": "deploy", "cd": "deploy",
    "audit": "audit", "auditor": "audit", "readonly": "audit", "read": "audit", "drift": "audit", "scan": "audit",
    "migrate": "migrate", "migration": "migrate", "migrations": "migrate",
    "plan": "plan", "diff": "plan", "preview": "plan", "test": "test", "tests": "test",
}  # fmt: skip
# Words that tell no role from another.
_COMMON: Final = frozenset(
    ["aws", "role", "arn", "iam", "to", "assume", "github", "actions", "action", "gha", "oidc", "ci", "cd", "id",
     "name", "the", "outputs", "secret", "for", "gh", "account"]
)  # fmt: skip


class Assumption(Struct, frozen=True):
    """A step that assumes a role by the job's own token, and the roles of the project that it can be.

    ``why`` says what is missing where there is no candidate.
    """

    credentials: Credentials
    job: EffectiveJob
    candidates: tuple[Deployer, ...]
    why: str = ""


class Assumed(Struct, frozen=True):
    """The roles that credentials may stand for: one of them. Empty where that cannot be told, and ``why`` says why."""

    roles: tuple[Resource, ...]
    why: str = ""
    account: str = ""  # as an ARN in the workflow tells it

    @property
    def names(self) -> str:
        return " or ".join(dict.fromkeys(str(name_of(role)) for role in self.roles))


NO_CREDENTIALS: Final = Assumed((), "no step before it assumes an AWS role")
KEYS: Final = Assumed((), "its credentials are keys, and whose they are is not known")


def role_sessions(pipeline: Pipeline) -> Iterator[tuple[EffectiveJob, Credentials]]:
    """Every step of every job that assumes a role, on each of its ways; steps that never run left out."""
    for job in pipeline.ways():
        trace = pipeline.traces.get(job)
        for credentials in (*job.credentials, *(trace.sessions if trace is not None else ())):
            if credentials.step.runs is not NO and credentials.role not in ("", ABSENT):
                yield job, credentials


def assumption(job: EffectiveJob, credentials: Credentials, project: Project) -> Assumption:
    """Which of the project's roles ``credentials`` asks for by the job's own token: of those that trust GitHub."""
    deployment = deployment_of(project)
    trusting = {id(each.role): each for each in _trusting(deployment)}
    if not trusting:
        return Assumption(credentials, job, (), "no role in the templates trusts GitHub")
    if not isinstance(credentials.role, Absent) and options(credentials.role) == (None,):
        return Assumption(credentials, job, (), "the role is empty, for no caller hands the secret down")
    meant = _meant(job, credentials, project)
    if meant is None:
        return Assumption(credentials, job, tuple(trusting.values()), "which role it assumes cannot be told")
    found = tuple(trusting[id(role)] for role in meant.roles if id(role) in trusting)
    why = "" if found else f"no role in the templates is {credentials.role}"
    return Assumption(credentials, job, found, why)


def assumed(credentials: Credentials | None, project: Project) -> Assumed:
    """The roles that a step with these credentials may act as: of those that are meant, the ones that let it in."""
    if credentials is None:
        return NO_CREDENTIALS
    if isinstance(credentials.role, Absent):
        return KEYS
    job = credentials.step.job
    meant = _meant(job, credentials, project)
    if meant is None:
        return Assumed((), "the role that it acts as cannot be told")
    if meant.missing is not None or not meant.roles:
        return Assumed((), f"no template declares the role {meant.missing or credentials.role}")
    return Assumed(_letting_in(meant, job, project), "", meant.account)


# -- which role is meant -------------------------------------------------------------------------


class _Meant(Struct, frozen=True):
    """The roles that credentials can mean. ``by_name`` are those of them that only a name tells; ``missing`` is a value
    for which there is none."""

    roles: tuple[Resource, ...]
    by_name: frozenset[int]
    account: str
    missing: str | None


def _trusting(deployment: Deployment) -> tuple[Deployer, ...]:
    return tuple(each for each in deployment.github_roles if each.trust.entrances or each.trust.unread)


def _meant(job: EffectiveJob, credentials: Credentials, project: Project) -> _Meant | None:
    """What the credentials' role stands for; ``None`` where nothing of it is known."""
    choices = None if isinstance(credentials.role, Absent) else options(credentials.role)
    if not choices:
        return None
    deployment = deployment_of(project)
    found: dict[int, Resource] = {}
    by_name: set[int] = set()
    accounts: set[str] = set()
    missing: str | None = None
    for choice in choices:
        if job.is_reusable_alone and isinstance(choice, Text) and _is_callers(choice):
            return None
        roles: Sequence[Resource] = ()
        if isinstance(choice, str | Text) and any(isinstance(part, str) and "/" in part for part in pieces(choice)):
            roles = _by_arn(choice, list(project.resources(_ROLE)))
            account = _account(choice)
            accounts.update([account] if account else [])
        elif isinstance(choice, Text) and credentials.oidc is not NO:
            named = _by_name(choice, job, _trusting(deployment), deployment)
            roles = [each.role for each in named]
            by_name.update(id(each) for each in roles)
        missing = missing if roles else str(choice)
        found.update({id(each): each for each in roles})
    account = accounts.pop() if len(accounts) == 1 else ""
    return _Meant(tuple(found.values()), frozenset(by_name), account, missing)


def _is_callers(role: Text) -> bool:
    """Whether a role's name is what another repository's workflow gives as an input: it may be any role."""
    last = pieces(role)[-1]
    return isinstance(last, Hole) and _INPUT.search(last.shown) is not None


def _account(arn: str | Text) -> str:
    first = pieces(arn)[0]
    found = _ACCOUNT.match(first) if isinstance(first, str) else None
    return found[1] if found else ""


def _by_arn(arn: str | Text, roles: Sequence[Resource]) -> list[Resource]:
    """Roles whose ARN it is: by the account where both say it, and by the name behind the path."""
    parts = list(pieces(arn))
    account = _account(arn)
    last = max(index for index, part in enumerate(parts) if isinstance(part, str) and "/" in part)
    name = exact(text([str(parts[last]).rpartition("/")[2], *parts[last + 1 :]]))
    return [
        role
        for role in roles
        if not (account and role.stack.account and account != role.stack.account) and overlap(_name_pattern(role), name)
    ]


def _name_pattern(role: Resource) -> Pattern:
    """The role's name as a pattern; CloudFormation makes one of the stack's name and the logical id where none is."""
    value = role.get("RoleName")
    if isinstance(value, Known) and isinstance(value.value, str | Text):
        return exact(value.value)
    if isinstance(value, Absent):
        # Cut where the whole would be longer than a role's name may be.
        return glob(f"{role.stack.name}-{role.logical_id}"[:40] + "*")
    return glob("*")


def _by_name(
    role: Text, job: EffectiveJob, roles: tuple[Deployer, ...], deployment: Deployment
) -> tuple[Deployer, ...]:
    """Roles that a secret's or a variable's name can mean."""
    hole = role.only_hole
    name = _EXPRESSION.findall(hole.shown)[-1] if hole and _EXPRESSION.search(hole.shown) else ""
    purposes = {_PURPOSES[word] for word in words(name) if word in _PURPOSES}
    meant = list(roles)
    if purposes:
        agreeing = [each for each in meant if purposes & _purposes(each)]
        silent = [each for each in meant if not _purposes(each)]
        meant = agreeing or silent
    if not meant:
        return ()
    spoken = environment_of(name)
    named = spoken or job.environment_name
    # One of several settings that the environment's jobs use, which does not say for what: not surely the deploy role.
    any_of = not purposes and not spoken and _is_one_of_several(name, job, deployment)
    if named and len(meant) > 1:
        theirs = {id(each): _environment(each, deployment) for each in meant}
        own = [each for each in meant if theirs[id(each)] and same_environment(theirs[id(each)], named)]
        of_none = [each for each in meant if not theirs[id(each)]]
        meant = (own + of_none if any_of else own or of_none) or meant
    elif spoken:
        other = _environment(meant[0], deployment)
        if other and not same_environment(other, named):
            return ()
    meant = _sharing_words(meant, set(words(name)) - _COMMON)
    if len(meant) > 1 and named and not any_of:
        meant = [each for each in meant if _is_called_after(each, named)] or meant
    if len(meant) > 1 and not purposes and not any_of and hole is not None and _SETTING.search(hole.shown):
        # A setting's name that says nothing of what it is for, in a job that deploys or in one that does not.
        deploying = [each for each in meant if each.deploys]
        meant = deploying if len(deploying) == 1 and job.environment_name else meant
    return tuple(meant)


def _is_one_of_several(name: str, job: EffectiveJob, deployment: Deployment) -> bool:
    """Whether jobs of the same environment assume a role by another setting too: two are hardly for one role."""
    used = deployment.project.once(_Settings).of.get(job.environment_name, frozenset())
    return bool(used - {_telling(name)})


class _Settings:
    """By environment, the words that tell apart the secrets and variables by which its jobs assume roles."""

    def __init__(self, project: Project) -> None:
        found: dict[str, set[frozenset[str]]] = {}
        for job in project.pipeline.ways() if project.pipeline is not None else ():
            for credentials in job.credentials:
                for choice in () if isinstance(credentials.role, Absent) else options(credentials.role) or ():
                    hole = choice.only_hole if isinstance(choice, Text) else None
                    if hole is not None and _SETTING.search(hole.shown):
                        name = _EXPRESSION.findall(hole.shown)[-1]
                        found.setdefault(job.environment_name, set()).add(_telling(name))
        self.of = {environment: frozenset(names) for environment, names in found.items()}


def _telling(name: str) -> frozenset[str]:
    return frozenset(words(name)) - (_COMMON - _PURPOSES.keys())


def _sharing_words(roles: Sequence[Deployer], wanted: set[str]) -> list[Deployer]:
    """The roles that have the most of a name's words in theirs; all of them where no role has any."""
    scores = [len(wanted & set(words(f"{name_of(each.role)} {each.role.logical_id}"))) for each in roles]
    best = max(scores, default=0)
    return [each for each, score in zip(roles, scores, strict=True) if score == best]


def _own_words(role: Deployer) -> list[str]:
    value = role.role.get("RoleName")
    name = str(value.value) if isinstance(value, Known) and isinstance(value.value, str | Text) else ""
    return words(name) + words(_HASH.sub("", role.role.logical_id))


def _purposes(role: Deployer) -> set[str]:
    return {_PURPOSES[word] for word in _own_words(role) if word in _PURPOSES}


def _is_called_after(role: Deployer, environment: str) -> bool:
    """Whether a role's name has all words of an environment's, which may be any."""
    return {*words(environment)} <= {*_own_words(role)}


def _environment(role: Deployer, deployment: Deployment) -> str:
    """The one environment that a role is for, by its name or by the stack it is in; empty where it is for several."""
    value = role.role.get("RoleName")
    name = str(value.value) if isinstance(value, Known) and isinstance(value.value, str | Text) else ""
    spoken = environment_of(name) or environment_of(_HASH.sub("", role.role.logical_id)) or ""
    if spoken and spoken != "shared":
        return spoken
    home = role.role.stack.environment
    homes = {each.role.stack.environment for each in deployment.github_roles}
    own = any(each.name == home for each in deployment.environments)
    return home if own and len(homes) > 1 else ""


# -- which of them lets the job in ---------------------------------------------------------------


def _letting_in(meant: _Meant, job: EffectiveJob, project: Project) -> tuple[Resource, ...]:
    """Of roles that a name can mean, those that let the job's token in for sure, or else those that may."""
    deployment = deployment_of(project)
    answers = {
        id(each.role): _lets_in(each, job, deployment)
        for each in deployment.github_roles
        if id(each.role) in meant.by_name
    }
    # Open ones are as good as each other, whatever their reasons.
    best = min(map(_rank, answers.values()), default=_rank(NO))
    kept = [role for role in meant.roles if id(role) not in answers or _rank(answers[id(role)]) == best]
    return tuple(_of_environment(kept, job))


def _rank(answer: Answer) -> int:
    return 0 if answer is YES else 2 if answer is NO else 1


def _lets_in(deployer: Deployer, job: EffectiveJob, deployment: Deployment) -> Answer:
    names = job.environments
    if names is None:
        return Open("which GitHub environment the job runs in")
    if names:
        return either(
            deployment.admits_environment(deployer.trust, name)
            if isinstance(name, str)
            else Open(f"which GitHub environment {name} is")
            for name in names
        )
    if not job.starts:
        return Open("what starts the job")
    return either(
        all_admitted(deployer.trust, [deployment.ref_token(deployer.trust, start.ref)]) for start in job.starts
    )


def _of_environment(roles: list[Resource], job: EffectiveJob) -> list[Resource]:
    """Of roles in several environments' stacks, those of the job's own."""
    if len(roles) < 2 or not job.environment_name:
        return roles
    own = [role for role in roles if same_environment(role.stack.environment, job.environment_name)]
    return own or roles
