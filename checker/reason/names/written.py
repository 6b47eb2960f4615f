"""Names of stacks, clusters and services in calls: whose they are, and who wrote them.

A name that a script gets from its caller is the caller's. One that stands in a script, a reusable workflow or a
composite action itself serves one environment, whoever calls.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, every, yes_if
from checker.model.environment_words import UNNAMED, environment_of, kind_of, words
from checker.model.environments import EnvironmentKind, Project
from checker.model.pipeline.scripts import AwsCall, CdkCommand
from checker.model.possible import Possible, options
from checker.model.values import Absent, Known, RunValue, Text
from checker.reason.iam.deployers import same_environment
from checker.reason.iam.passing import services_of
from checker.reason.names.arns import name_of

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob

STACK: Final = "stack"
CLUSTER: Final = "cluster"
SERVICE: Final = "service"
SHARED: Final = "shared"
_WORKFLOWS: Final = ".github/workflows/"
_TASKS: Final = lazy_re.compile(
    r"(?:^|/)(?:package\.json|GNUmakefile|[Mm]akefile|\.?justfile|[Tt]askfile\.ya?ml|project\.json)$"
)
_ASKED: Final = lazy_re.compile(
    r"\b(?:(?:npm|pnpm|yarn|bun)\s+run(?:-script)?\s+(?P<script>[\w:./-]+)"
    r"|(?:make|just|task)\s+(?:-\S+\s+|\w+=\S*\s+)*(?P<target>[\w:./-]+)"
    # Nx documentation, "nx run" and "nx affected": a configuration is an option, or the third part of a task's name.
    r"|nx\s[^\n;&|]{0,120}?(?:--configuration[ =]|\s-c[ =]|[\w/-]{1,40}:[\w-]{1,40}:)(?P<configuration>[\w-]+))"
)
# A variable's name, or how a program asks for it.
_VARIABLE: Final = lazy_re.compile(r"\$\{([A-Za-z_][^{}$]*)\}")
_WORDS: Final = lazy_re.compile(r"[^\s\"'=;&|()]+")
# What a script may be told instead: one that picks by it may have any of them for all others.
_OTHERS: Final = ("staging", "production", "development", "elsewhere")
# Stacks of the account, which no environment owns.
_ACCOUNTS: Final = frozenset({"CDKToolkit", "*"})


class Named(Struct, frozen=True):
    """A name that a call is made with: of a stack, a cluster or a service."""

    kind: str
    name: str


def named_by(call: AwsCall | CdkCommand) -> Iterator[Named]:
    """The names that the call is surely made with. What is open, or one of several, comes from outside."""
    for kind, values in _given_to(call):
        yield from _named(kind, values)


def fallbacks_of(call: AwsCall | CdkCommand) -> Iterator[tuple[Named, str]]:
    """The names that the call is made with where a variable is not set, of which nothing tells whether it is; and that
    variable."""
    for kind, values in _given_to(call):
        for value in values:
            each = options(value) or ()
            written = [one for one in each if isinstance(one, str)]
            # The whole of it or a piece: ``f"docs-{os.environ.get('STAGE', 'staging')}"``.
            holes = [one.holes[0] for one in each if isinstance(one, Text) and len(one.holes) == 1]
            asked = [_VARIABLE.fullmatch(hole.shown) for hole in holes if isinstance(hole, RunValue)]
            if len(written) == len(asked) == 1 and len(each) == 2 and asked[0] is not None:
                yield from ((named, asked[0][1]) for named in _named(kind, (written[0],)))


def _given_to(call: AwsCall | CdkCommand) -> Iterator[tuple[str, tuple[Possible, ...]]]:
    if isinstance(call, CdkCommand):
        yield STACK, call.stacks
    elif call.service == "cloudformation":
        yield STACK, _values(call, "stackname")
    elif call.service == "ecs":
        yield CLUSTER, (*_values(call, "cluster"), *_values(call, "clusters"))
        yield SERVICE, (*_values(call, "service"), *_values(call, "services"))


def _values(call: AwsCall, name: str) -> tuple[Possible, ...]:
    value = call.argument(name)
    if isinstance(value, tuple):
        return tuple(each for each in value if not isinstance(each, tuple | Mapping))
    return () if isinstance(value, Absent | Mapping) else (value,)


def _named(kind: str, values: tuple[Possible, ...]) -> Iterator[Named]:
    for value in values:
        each = options(value) or ()
        if len(each) == 1 and isinstance(each[0], str) and each[0] and each[0] not in _ACCOUNTS:
            yield Named(kind, each[0].rpartition("/")[2] if each[0].startswith("arn:") else each[0])


class Owners:
    """Which environment each name belongs to, as the templates and the settings say."""

    def __init__(self, project: Project, jobs: Iterable[str] = ()) -> None:
        """``jobs``: the environments that jobs work on, where that is told."""
        self._names: dict[Named, set[str]] = {}
        told = {*jobs, *project.settings.stacks.values(), *(each.name for each in project.environments)}
        named = {each for each in told if each not in ("", UNNAMED) and kind_of(each) is not EnvironmentKind.SHARED}
        # Beside a staging environment there is another that it stages for; a lone production may be all there is.
        self.are_several = len(named) > 1 or any(kind_of(each) is EnvironmentKind.STAGING for each in named)
        kinds = {environment.name: environment.kind for environment in project.environments}
        self._having_services: set[str] = set()
        for stack in project.stacks:
            self._add(Named(STACK, stack.name), _called(stack.environment, kinds))
        for stack_name, of in project.settings.stacks.items():
            self._add(Named(STACK, stack_name), _called(of, kinds))
        for environment in project.environments:
            called = _called(environment.name, kinds)
            for cluster in environment.resources("AWS::ECS::Cluster"):
                value = cluster.get("ClusterName")
                name = name_of(cluster)
                if isinstance(value, Known) and isinstance(name, str):
                    self._add(Named(CLUSTER, name), called)
            for _, _, name in services_of(environment):
                self._having_services.add(called)
                if isinstance(name, str):
                    self._add(Named(SERVICE, name), called)

    def _add(self, named: Named, environment: str) -> None:
        self._names.setdefault(named, set()).add(environment)

    def of(self, named: Named) -> str | None:
        """The one environment that it belongs to; ``shared`` for what all use, ``None`` where nothing tells."""
        known = self._names.get(named)
        if known is None or known == {UNNAMED}:
            return environment_of(named.name)
        return next(iter(known)) if len(known) == 1 else SHARED

    def is_of_one(self, named: Named) -> bool:
        """Whether it serves one environment only. A service's name is scoped by its cluster: the same in all is one
        that each has."""
        owner = self.of(named)
        if owner == SHARED:
            return False
        if named.kind == SERVICE:
            return environment_of(named.name) is not None or (owner is not None and len(self._having_services) > 1)
        return True


def _called(environment: str, kinds: Mapping[str, EnvironmentKind]) -> str:
    return SHARED if kinds.get(environment, kind_of(environment)) is EnvironmentKind.SHARED else environment


def written_in(
    call: AwsCall | CdkCommand, named: Named, owner: str | None, put: Iterable[Possible] = ()
) -> str | Open | None:
    """The shared file that the name stands in: a script, a reusable workflow, a composite action. ``None`` where it
    comes from the workflow of one environment, or was put together from what that says, ``put`` into a variable or an
    output of an earlier step among it; open where nobody knows. A program that is told the ``owner`` looks the name up
    by it."""
    job, step = call.job, call.step
    if job is None or step is None:
        return call.spot.file
    by_caller = [value for each in job.chain for value in _given_by_caller(each) if _given(named.name, value)]
    if by_caller and not (_is_spelt_out(call, named) and _named_anyway(call, named, by_caller) is YES):
        return None
    workflow = job.workflow
    file = call.spot.file
    if file.startswith(_WORKFLOWS):
        return None if workflow.starts_itself and not workflow.call_inputs else file
    run = step.step.run.text if step.step.run is not None else ""
    source = call.command.source if isinstance(call, CdkCommand) else call.source
    # `roll.sh production`: the script is told, and puts the name together.
    told_here = named.name not in source and any(_given(named.name, word) for word in _WORDS.findall(run))
    in_step = named.name in run or told_here
    # `uses: ./roll, with: {stage: production}`: an action of the repository is told, too.
    in_workflow = (in_step and not step.via) or any(
        _given(named.name, value)
        for each in job.steps
        if each.unfolded and posixpath.normpath(each.uses) in step.via
        for value in each.with_.values()
    )
    given = [each for each in (*step.env.values(), *put) if _given(named.name, each)]
    looks_up = owner is not None and file.endswith(".py")
    told = [each for each in step.env.values() if looks_up and _same(owner or "", each)]
    anyway = NO if in_workflow else _named_anyway(call, named, (*given, *told))
    if in_workflow or (given and anyway is NO):
        return None if workflow.starts_itself else workflow.file
    if isinstance(anyway, Open):
        return anyway
    # What a step of a composite action runs is written in the action, for every job that uses it.
    if in_step:
        return step.step.spot.file
    own = environment_of(named.name)
    of_its_own = own is not None and (_is_named_after(file, own) or _is_in_target_of(call, own))
    return None if (told and anyway is NO) or of_its_own else file


def _is_spelt_out(call: AwsCall | CdkCommand, named: Named) -> bool:
    """Whether the whole name stands where the call does: then nothing that is given makes it."""
    run = call.step.step.run if call.step is not None else None
    if run is not None and call.step is not None and call.step.step.spot.file == call.spot.file:
        return named.name in run.text
    # In other files what is written is told with its variables filled in.
    return call.spot.file.endswith(".sh") and named.name in (
        call.command.source if isinstance(call, CdkCommand) else call.source
    )


def _named_anyway(call: AwsCall | CdkCommand, named: Named, given: Iterable[Possible]) -> Answer:
    """Whether the script names it whatever it is given: not what it makes of that, or picks by it."""
    step = call.step
    if step is not None and step.step.run is None and call.spot.file == step.step.spot.file:
        # What another's action is given: what is written there, with its expressions.
        return yes_if(any(named.name in str(value) for value in step.step.with_.values()))
    values = {each for value in given for each in options(value) or () if isinstance(each, str) and each}
    others = [each for each in _OTHERS if not any(same_environment(each, value) for value in values)]
    return every(call.handling.names(named.name, dict.fromkeys(values, other)) for other in others) if values else NO


def _given_by_caller(job: EffectiveJob) -> Iterator[Possible]:
    """The inputs of a job's workflow that whoever starts or calls it gives. A called workflow's own default is its."""
    called = {name.lower() for name in job.caller.job.with_} if job.caller is not None else None
    return (value for name, value in job.inputs.items() if called is None or name.lower() in called)


def _given(name: str, value: Possible) -> bool:
    """Whether a value that the caller gives is the name, or tells the environment that the name is made from."""
    for each in options(value) or ():
        if isinstance(each, str) and each and (name in each or (_tells(each) and each.lower() in name.lower())):
            return True
    return False


def _same(owner: str, value: Possible) -> bool:
    return any(
        isinstance(each, str) and _tells(each) and same_environment(owner, each) for each in options(value) or ()
    )


def _tells(value: str) -> bool:
    return environment_of(value) is not None and len(words(value)) == 1


def _is_named_after(file: str, environment: str) -> bool:
    said = environment_of(file.rpartition("/")[2])
    return said is not None and same_environment(said, environment)


def _is_in_target_of(call: AwsCall | CdkCommand, environment: str) -> bool:
    """Whether it stands in a task that is named after the environment, and that a step asks for by that name: ``npm run
    deploy:prod``, ``make deploy-prod``, ``nx deploy api -c production``. What a task hands on to others is theirs."""
    step = call.step
    run = step.step.run if step is not None else None
    if run is None or len(call.reached.via) != 1 or not _TASKS.search(call.spot.file):
        return False
    asked = [
        match["configuration"]
        or next((each for each in (match["script"], match["target"]) if each and len(words(each)) > 1), "")
        for match in _ASKED.finditer(run.text)
    ]
    return bool(asked) and all(each and _is_named_after(each, environment) for each in asked)


def crosses(job: EffectiveJob | None, owner: str | None) -> bool:
    """Whether a job of one environment uses a name of another."""
    if job is None or not job.environment_name or owner in (None, SHARED):
        return False
    return not same_environment(job.environment_name, owner or "")
