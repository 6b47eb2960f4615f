"""The contexts that expressions of one workflow see: bound to its caller, or to the events that start it.

A :class:`Bound` is a workflow in one place of the tree of calls. Its contexts depend on which starts are considered:
with one start ``github.ref`` is that start's, with all of them it is one of several.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.model.pipeline.jobs import WORKSPACE, Start
from checker.model.pipeline.workflows import INHERIT, Field, Input, Job, Step, Workflow
from checker.model.possible import one_of
from checker.model.settings import Settings
from checker.model.values import Absent, Text, Unknown, pieces, text
from checker.resolve.expressions.evaluation import Contexts, assuming, interpolate
from checker.resolve.expressions.matrices import matrix_of
from checker.resolve.expressions.values import EITHER, Data, Open, Partial, lift, scalar, several
from checker.resolve.workflows.starts import release_actions, system_of

# Contexts kept at once: those of a job and of the jobs it needs are asked for again, a thousand jobs' are not.
_KEPT: Final = 512
# What tells one event's payload from another's. Source: GitHub documentation, "Webhook events and payloads", and
# "Contexts reference": `github.head_ref` and `base_ref` are those of pull requests alone.
_ALL_MEMBERS: Final = (
    "inputs", "action", "schedule", "client_payload", "release", "pull_request", "workflow_run", "issue", "comment",
    "merge_group", "number", "review", "deployment",
)  # fmt: skip
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "push": frozenset(),
    "schedule": frozenset({"schedule"}),
    "repository_dispatch": frozenset({"action", "client_payload"}),
    "release": frozenset({"action", "release"}),
    "pull_request": frozenset({"action", "pull_request", "number"}),
    "pull_request_target": frozenset({"action", "pull_request", "number"}),
    "workflow_run": frozenset({"action", "workflow_run"}),
    "merge_group": frozenset({"action", "merge_group"}),
}
_OF_PULL_REQUESTS: Final = frozenset(
    {"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"}
)


class Lazy(Mapping[str, Data]):
    """An object whose properties are evaluated when they are asked for; one that needs itself is unknown."""

    def __init__(self, makers: Mapping[str, Callable[[], Data]]) -> None:
        self._makers = makers
        self._made: dict[str, Data] = {}

    def __getitem__(self, key: str) -> Data:
        if key not in self._made:
            maker = self._makers[key]
            self._made[key] = Unknown(f"{key} depends on itself")
            self._made[key] = maker()
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class View(Struct, frozen=True):
    """The runs that are looked at: those of some starts, and where there is a choice, those in which it was taken.

    A pick is a kind, what is chosen of that kind, and the choice: ``inputs``, a name and what a person gave;
    ``matrix``, the path of a job and the numbers of rows; ``holds``, a condition and whether it does. What nothing is
    picked for can be anything.
    """

    starts: tuple[Start, ...]
    picks: tuple[tuple[str, str, Hashable], ...] = ()

    def of(self, kind: str) -> dict[str, Any]:
        return {key: value for each, key, value in self.picks if each == kind}


class Bound(Struct, eq=False):
    """A workflow as one call (or an event, where ``caller`` is ``None``) runs it. ``job`` is the calling job."""

    workflow: Workflow
    entry: Workflow
    settings: Settings
    caller: Bound | None = None
    job: Job | None = None
    callee: Callable[[Bound, Job], Bound | None] = lambda _bound, _job: None
    # What the value of a job's output is once the job's steps have been followed.
    followed: Callable[[Bound, Job, View, Data], Data] = lambda _bound, _job, _view, value: value
    _inputs: dict[View, Mapping[str, Data]] = field(default_factory=dict)
    _contexts: dict[tuple[View, str], Contexts] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The chain of calls that leads here: ``prod-deploy/migrate``. Tells apart two calls of one workflow."""
        if self.caller is None or self.job is None:
            return self.workflow.stem
        return f"{self.caller.path}/{self.job.id}"

    def inputs(self, view: View) -> Mapping[str, Data]:
        """What ``inputs.*`` can be in these runs."""
        found = self._inputs.get(view)
        if found is None:
            found = self._inputs[view] = self._bind(view)
        return found

    def _bind(self, view: View) -> Mapping[str, Data]:
        if self.caller is not None and self.job is not None:
            contexts = self.caller.contexts(view, self.job)
            given = self.job.with_
            return {name: _given(each, given.get(name), contexts) for name, each in self.workflow.call_inputs.items()}
        if not self.workflow.starts_itself:
            return {name: _open_input(each, self.workflow) for name, each in self.workflow.call_inputs.items()}
        by_hand = any(start.event == "workflow_dispatch" for start in view.starts)
        otherwise = any(start.event != "workflow_dispatch" for start in view.starts)
        names = {**self.workflow.call_inputs, **self.workflow.inputs}
        picked = view.of("inputs") if by_hand and not otherwise else {}
        found: dict[str, Data] = {}
        for name, each in names.items():
            if name in picked:
                found[name] = picked[name]
                continue
            values: list[Data] = [_open_input(each, self.workflow)] if by_hand and name in self.workflow.inputs else []
            found[name] = several(values + ([None] if otherwise or not values else []))
        return found

    def contexts(self, view: View, job: Job) -> Contexts:
        """What the expressions of ``job`` see."""
        key = (view, job.id)
        found = self._contexts.get(key)
        if found is None:
            if len(self._contexts) >= _KEPT:
                self._contexts.clear()
            found = self._contexts[key] = self._make(view, job)
        return found

    def workflow_contexts(self, view: View) -> Contexts:
        """What expressions outside of any job see."""
        return {
            "github": self._github(view),
            "inputs": Partial(self.inputs(view), Open("inputs", self.workflow.file))
            if not self.workflow.starts_itself and self.caller is None
            else self.inputs(view),
            "vars": Open("vars"),
            "secrets": self._secrets(view, None),
        }

    def _make(self, view: View, job: Job) -> Contexts:
        where = f"{self.path}/{job.id}"
        contexts: dict[str, Data] = {
            **self.workflow_contexts(view),
            "needs": Lazy({need: lambda need=need: self._result(need, view) for need in job.needs}),  # type: ignore[misc]
            "secrets": self._secrets(view, job),
            "runner": Open("runner", where),
            "job": Open("job", where),
            "strategy": Open("strategy", where),
            "steps": Open("steps", where),
        }
        contexts |= assuming(self._assumed(view))
        contexts["matrix"] = matrix_of(job.matrix, contexts, view.of("matrix").get(where, ()))
        asked = interpolate(job.runs_on, contexts)
        if not isinstance(asked, Unknown):
            contexts["runner"] = lift(lambda labels: _runner(labels, where), asked)
        contexts["env"] = environment_of(self.workflow.env, contexts, {}, where)
        known = contexts["env"].known if isinstance(contexts["env"], Partial) else {}
        contexts["env"] = environment_of(job.env, contexts, known, where)
        return contexts

    def _assumed(self, view: View) -> dict[str, bool]:
        """Conditions that are taken to hold, or not to: of this workflow, and those that mean the same in all."""
        holds = {tuple(key.split("?", 1)): answer for key, answer in view.of("holds").items()}
        return {name: answer for (scope, name), answer in holds.items() if scope in ("", self.path)}

    def _github(self, view: View) -> Data:
        repository = self.settings.repository
        known: dict[str, Data] = {"workflow": self.entry.name, "default_branch": self.settings.default_branch}
        known["workspace"] = WORKSPACE
        if repository:
            known |= {"repository": repository, "repository_owner": repository.partition("/")[0]}
        if view.starts:
            known["event_name"] = one_of(start.event for start in view.starts)
            known["ref"] = one_of(start.ref for start in view.starts)
            known["ref_name"] = one_of(short_ref(start.ref) for start in view.starts)
            known["ref_type"] = one_of("tag" if _is_tag(start.ref) else "branch" for start in view.starts)
            if not any(start.event in _OF_PULL_REQUESTS for start in view.starts):
                known |= {"head_ref": "", "base_ref": ""}
        event: dict[str, Data] = dict.fromkeys(_absent_members(view.starts))
        if any(start.event == "workflow_dispatch" for start in view.starts):
            event["inputs"] = {name: lift(_in_event, value) for name, value in self.top.inputs(view).items()}
        elif view.starts and all(start.event == "release" for start in view.starts):
            event |= _release_event(view.starts)
        if event:
            known["event"] = Partial(event, Open("github.event"))
        return Partial(known, Open("github"))

    @property
    def top(self) -> Bound:
        return self if self.caller is None else self.caller.top

    def _secrets(self, view: View, job: Job | None) -> Data:
        if self.caller is None or self.job is None:
            return Open("secrets")
        if job is not None and job.environment is not None:
            # An environment's own secrets win over what the caller hands down ("Reusing workflow configurations").
            return Open("secrets", "environment")
        if self.job.secrets == INHERIT:
            return self.caller._secrets(view, self.job)
        given = self.job.secrets if isinstance(self.job.secrets, Mapping) else {}
        contexts = self.caller.contexts(view, self.job)
        makers = {name: lambda each=each: interpolate(each.value, contexts) for name, each in given.items()}
        return Lazy({**makers, "GITHUB_TOKEN": lambda: Open("secrets.GITHUB_TOKEN")})

    def _result(self, job_id: str, view: View) -> Data:
        """``needs.<job_id>``, as far as outputs are written as expressions."""
        job = self.workflow.jobs.get(job_id)
        if job is None:
            return None
        opened = Open(f"needs.{job_id}", self.workflow.file)
        return {"result": opened.below("result"), "outputs": self._outputs(job, view, opened.below("outputs"))}

    def _outputs(self, job: Job, view: View, opened: Open) -> Data:
        if not job.uses:
            makers = {
                name: lambda each=each: self.followed(
                    self, job, view, interpolate(each.value, self.contexts(view, job))
                )
                for name, each in job.outputs.items()
            }
            return Lazy(makers)
        called = self.callee(self, job)
        if called is None:
            return opened
        contexts = {
            **called.workflow_contexts(view),
            "jobs": Lazy({name: lambda name=name: called._result(name, view) for name in called.workflow.jobs}),  # type: ignore[misc]
        }
        outputs = called.workflow.call_outputs
        return Lazy({name: lambda each=each: interpolate(each.value, contexts) for name, each in outputs.items()})  # type: ignore[misc]


def _runner(labels: Data, where: str) -> Data:
    """``runner``, whose system the labels tell that are asked for."""
    system = system_of(labels)
    return Partial({"os": system}, Open("runner", where)) if system else Open("runner", where)


def _in_event(value: Data) -> Data:
    """An input as the event holds it: a text, also of a check box, so that ``'false'`` is no false. Source: GitHub
    Docs, "Events that trigger workflows", ``workflow_dispatch`` (``inputs`` keeps Booleans, the event does not)."""
    return str(value).lower() if isinstance(value, bool) else value


def _absent_members(starts: tuple[Start, ...]) -> frozenset[str]:
    """What no event that starts these runs has in its payload: null, and never equal to anything but nothing.

    Nothing is said of a start by hand: a job that it then leaves out leaves out those that need it, and these are not
    looked at start by start.
    """
    if not starts or not all(start.event in _MEMBERS for start in starts):
        return frozenset()
    return frozenset(_ALL_MEMBERS).difference(*(_MEMBERS[start.event] for start in starts))


def _release_event(starts: tuple[Start, ...]) -> dict[str, Data]:
    marked = several([start.prerelease for start in starts])
    release = Partial({"prerelease": marked}, Open("github.event.release"))
    return {"action": one_of(action for start in starts for action in release_actions(start)), "release": release}


def short_ref(ref: str | Text) -> str | Text:
    """``main`` for ``refs/heads/main``, holes kept."""
    first, *rest = pieces(ref)
    if not isinstance(first, str):
        return ref
    for prefix in ("refs/heads/", "refs/tags/", "refs/pull/"):
        if first.startswith(prefix):
            return text([first.removeprefix(prefix), *rest])
    return ref


def _is_tag(ref: str | Text) -> bool:
    first = pieces(ref)[0]
    return isinstance(first, str) and first.startswith("refs/tags/")


def _typed(value: Data, kind: str) -> Data:
    """A default as its input's type reads it."""
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return value


def _given(declared: Input, written: Field | None, contexts: Contexts) -> Data:
    if written is not None:
        return _typed(interpolate(written.value, contexts), declared.type)
    if isinstance(declared.default, Absent):
        return {"boolean": False, "number": 0}.get(declared.type, "")
    return _typed(interpolate(declared.default, contexts), declared.type)


def _open_input(declared: Input, workflow: Workflow) -> Data:
    """What a person (or an unknown caller) can give."""
    if declared.options:
        return one_of(declared.options)
    if declared.type == "boolean":
        return EITHER
    return Open(f"inputs.{declared.name}", workflow.file)


def environment_of(written: Mapping[str, Field], contexts: Contexts, above: Mapping[str, Data], where: str) -> Partial:
    """The ``env`` context of a level, on top of the level above it."""
    known = {**above, **{name: scalar(interpolate(each.value, contexts)) for name, each in written.items()}}
    return Partial(known, Open("env", where))


def without_rewritten(env: Partial, step: Step, steps: Iterable[Step]) -> Partial:
    """The ``env`` context of a job's step without what one of the steps before has written anew: the run tells what
    that is then (GitHub Docs, "Workflow commands for GitHub Actions", "Setting an environment variable")."""
    before = (each.run.text for each in steps if each.index < step.index and each.run is not None) if env.known else ()
    lines = "\n".join(text for text in before if "GITHUB_ENV" in text)
    gone = {name for name in env.known if name not in step.env and f"{name}=" in lines}
    return replace(env, known={name: env.known[name] for name in env.known.keys() - gone}) if gone else env
