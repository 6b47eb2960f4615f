"""The contexts that expressions of one workflow see: bound to its caller, or to the events that start it.

A :class:`Bound` is a workflow in one place of the tree of calls. Its contexts depend on which starts are considered:
with one start ``github.ref`` is that start's, with all of them it is one of several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from checker.model.pipeline.jobs import Start
from checker.model.pipeline.workflows import INHERIT, Field, Input, Job, Workflow
from checker.model.possible import one_of
from checker.model.settings import Settings
from checker.model.values import Absent, Text, Unknown, pieces, text
from checker.resolve.expressions.evaluation import Contexts, interpolate
from checker.resolve.expressions.values import EITHER, Data, Open, Partial, scalar, several
from checker.resolve.workflows.starts import release_actions

# Contexts kept at once: those of a job and of the jobs it needs are asked for again, a thousand jobs' are not.
_KEPT: Final = 512


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


@dataclass(slots=True, eq=False)
class Bound:
    """A workflow as one call (or an event, where ``caller`` is ``None``) runs it. ``job`` is the calling job."""

    workflow: Workflow
    entry: Workflow
    settings: Settings
    caller: Bound | None = None
    job: Job | None = None
    callee: Callable[[Bound, Job], Bound | None] = lambda _bound, _job: None
    _inputs: dict[tuple[Start, ...], Mapping[str, Data]] = field(default_factory=dict)
    _contexts: dict[tuple[tuple[Start, ...], str], Contexts] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The chain of calls that leads here: ``prod-deploy/migrate``. Tells apart two calls of one workflow."""
        if self.caller is None or self.job is None:
            return self.workflow.stem
        return f"{self.caller.path}/{self.job.id}"

    def inputs(self, starts: tuple[Start, ...]) -> Mapping[str, Data]:
        """What ``inputs.*`` can be when one of these starts happened."""
        found = self._inputs.get(starts)
        if found is None:
            found = self._inputs[starts] = self._bind(starts)
        return found

    def _bind(self, starts: tuple[Start, ...]) -> Mapping[str, Data]:
        if self.caller is not None and self.job is not None:
            contexts = self.caller.contexts(starts, self.job)
            given = self.job.with_
            return {name: _given(each, given.get(name), contexts) for name, each in self.workflow.call_inputs.items()}
        if not self.workflow.starts_itself:
            return {name: _open_input(each, self.workflow) for name, each in self.workflow.call_inputs.items()}
        by_hand = any(start.event == "workflow_dispatch" for start in starts)
        otherwise = any(start.event != "workflow_dispatch" for start in starts)
        names = {**self.workflow.call_inputs, **self.workflow.inputs}
        found: dict[str, Data] = {}
        for name, each in names.items():
            values: list[Data] = [_open_input(each, self.workflow)] if by_hand and name in self.workflow.inputs else []
            found[name] = several(values + ([None] if otherwise or not values else []))
        return found

    def contexts(self, starts: tuple[Start, ...], job: Job) -> Contexts:
        """What the expressions of ``job`` see."""
        key = (starts, job.id)
        found = self._contexts.get(key)
        if found is None:
            if len(self._contexts) >= _KEPT:
                self._contexts.clear()
            found = self._contexts[key] = self._make(starts, job)
        return found

    def workflow_contexts(self, starts: tuple[Start, ...]) -> Contexts:
        """What expressions outside of any job see."""
        return {
            "github": self._github(starts),
            "inputs": Partial(self.inputs(starts), Open("inputs", self.workflow.file))
            if not self.workflow.starts_itself and self.caller is None
            else self.inputs(starts),
            "vars": Open("vars"),
            "secrets": self._secrets(starts, None),
        }

    def _make(self, starts: tuple[Start, ...], job: Job) -> Contexts:
        where = f"{self.path}#{job.id}"
        contexts: dict[str, Data] = {
            **self.workflow_contexts(starts),
            "needs": Lazy({need: lambda need=need: self._result(need, starts) for need in job.needs}),  # type: ignore[misc]
            "secrets": self._secrets(starts, job),
            "runner": Open("runner", where),
            "job": Open("job", where),
            "strategy": Open("strategy", where),
            "steps": Open("steps", where),
        }
        contexts["matrix"] = matrix_of(job.matrix, contexts)
        contexts["env"] = environment_of(self.workflow.env, contexts, {}, where)
        known = contexts["env"].known if isinstance(contexts["env"], Partial) else {}
        contexts["env"] = environment_of(job.env, contexts, known, where)
        return contexts

    def _github(self, starts: tuple[Start, ...]) -> Data:
        repository = self.settings.repository
        known: dict[str, Data] = {"workflow": self.entry.name, "default_branch": self.settings.default_branch}
        if repository:
            known |= {"repository": repository, "repository_owner": repository.partition("/")[0]}
        if starts:
            known["event_name"] = one_of(start.event for start in starts)
            known["ref"] = one_of(start.ref for start in starts)
            known["ref_name"] = one_of(short_ref(start.ref) for start in starts)
            known["ref_type"] = one_of("tag" if _is_tag(start.ref) else "branch" for start in starts)
        if any(start.event == "workflow_dispatch" for start in starts):
            top = self.top
            known["event"] = Partial({"inputs": top.inputs(starts)}, Open("github.event"))
        elif starts and all(start.event == "release" for start in starts):
            known["event"] = _release_event(starts)
        return Partial(known, Open("github"))

    @property
    def top(self) -> Bound:
        return self if self.caller is None else self.caller.top

    def _secrets(self, starts: tuple[Start, ...], job: Job | None) -> Data:
        if self.caller is None or self.job is None:
            return Open("secrets")
        if job is not None and job.environment is not None:
            # An environment's own secrets win over what the caller hands down ("Reusing workflow configurations").
            return Open("secrets", "environment")
        if self.job.secrets == INHERIT:
            return self.caller._secrets(starts, self.job)
        given = self.job.secrets if isinstance(self.job.secrets, Mapping) else {}
        contexts = self.caller.contexts(starts, self.job)
        makers = {name: lambda each=each: interpolate(each.value, contexts) for name, each in given.items()}
        return Lazy({**makers, "GITHUB_TOKEN": lambda: Open("secrets.GITHUB_TOKEN")})

    def _result(self, job_id: str, starts: tuple[Start, ...]) -> Data:
        """``needs.<job_id>``, as far as outputs are written as expressions."""
        job = self.workflow.jobs.get(job_id)
        if job is None:
            return None
        opened = Open(f"needs.{job_id}", self.workflow.file)
        return {"result": opened.below("result"), "outputs": self._outputs(job, starts, opened.below("outputs"))}

    def _outputs(self, job: Job, starts: tuple[Start, ...], opened: Open) -> Data:
        if not job.uses:
            makers = {
                name: lambda each=each: interpolate(each.value, self.contexts(starts, job))
                for name, each in job.outputs.items()
            }
            return Lazy(makers)
        called = self.callee(self, job)
        if called is None:
            return opened
        contexts = {
            **called.workflow_contexts(starts),
            "jobs": Lazy({name: lambda name=name: called._result(name, starts) for name in called.workflow.jobs}),  # type: ignore[misc]
        }
        outputs = called.workflow.call_outputs
        return Lazy({name: lambda each=each: interpolate(each.value, contexts) for name, each in outputs.items()})  # type: ignore[misc]


def _release_event(starts: tuple[Start, ...]) -> Data:
    marked = several([start.prerelease for start in starts])
    release = Partial({"prerelease": marked}, Open("github.event.release"))
    actions = one_of(action for start in starts for action in release_actions(start))
    return Partial({"action": actions, "release": release}, Open("github.event"))


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


def matrix_of(written: Field | None, contexts: Contexts) -> Data:
    """The ``matrix`` context: for each key, one of its values."""
    if written is None:
        return None
    matrix = interpolate(written.value, contexts)
    if not isinstance(matrix, Mapping):
        return matrix if isinstance(matrix, Open | Unknown) else Open("matrix", "")
    found: dict[str, list[Data]] = {}
    for key, values in matrix.items():
        if key in {"include", "exclude"}:
            continue
        if isinstance(values, list):
            found[key] = list(values)
        else:
            found[key] = [values if isinstance(values, Unknown) else Open(f"matrix.{key}")]
    rows = matrix.get("include")
    for row in rows if isinstance(rows, list) else ():
        for key, value in row.items() if isinstance(row, Mapping) else ():
            found.setdefault(key, []).append(value)
    known = {key: several(values) for key, values in found.items()}
    if rows is not None and not isinstance(rows, list):
        return Partial(known, Open("matrix"))
    return known


def environment_of(written: Mapping[str, Field], contexts: Contexts, above: Mapping[str, Data], where: str) -> Partial:
    """The ``env`` context of a level, on top of the level above it."""
    known = {**above, **{name: scalar(interpolate(each.value, contexts)) for name, each in written.items()}}
    return Partial(known, Open("env", where))
