"""Steps as they run: composite actions unfolded, expressions evaluated, scripts marked for a shell's grammar."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.data.actions import CREDENTIALS
from checker.model.answers import NO, YES, Answer, Certain, every, negated
from checker.model.answers import Open as Undecided
from checker.model.pipeline.holding import takes_token
from checker.model.pipeline.jobs import WORKSPACE, Credentials, EffectiveJob, EffectiveStep, asked_within
from checker.model.pipeline.workflows import CompositeAction, Step, Workflows
from checker.model.possible import Possible, truth
from checker.model.sources import Problem, Spot
from checker.model.values import ABSENT, Absent, Unknown
from checker.resolve.expressions.contexts import environment_of, without_rewritten
from checker.resolve.expressions.evaluation import (
    STATUS_FUNCTIONS,
    Contexts,
    ended,
    evaluate,
    in_each_status,
    interpolate,
    text_value,
)
from checker.resolve.expressions.refused import refusals_of
from checker.resolve.expressions.syntax import fault_in, functions_in, split
from checker.resolve.expressions.values import Data, Open, Partial, choices, scalar, truthy
from checker.resolve.workflows.checkouts import checked_out

# GitHub bounds how deep composite actions may use each other; ten levels are the bound here.
MAX_LEVELS: Final = 10
# Of one job, with those of its composite actions.
MAX_STEPS: Final = 2_000


# What other actions call the role that they are told to assume, and the length of its session: `role-to-assume`,
# `assume_role_arn` and the like. An action that is only handed a role for a service calls it otherwise (`role-arn`).
_ROLE_INPUTS: Final = frozenset(
    f"{head}{name}{tail}"
    for head in ("", "aws", "iam")
    for name in ("roletoassume", "assumerole", "assumedrole", "oidcrole", "webidentityrole")
    for tail in ("", "arn", "name")
)
_SECONDS_INPUTS: Final = ("roledurationseconds", "durationseconds", "rolesessionduration", "sessionduration")


_MOST_QUOTED: Final = 120
_WHOSE_TOKEN: Final = Undecided("whether the job's own token is what it presents")


def runs_under(condition: Any, contexts: Contexts) -> Answer:
    """Whether an ``if`` holds in a run where all went well so far."""
    if condition is None:
        return YES
    if len(status_functions(condition)) > 1 and all(_holds(condition, each) is NO for each in in_each_status(contexts)):
        return NO  # `failure() && success()`: no run is both
    if status_functions(condition) & {"always", "success"}:
        contexts = ended(contexts, "success")  # `!failure()` holds then, as `success()` does
    return _holds(condition, contexts)


def _holds(condition: Any, contexts: Contexts) -> Answer:
    if isinstance(condition, str):
        value: Data = interpolate(condition, contexts) if "${{" in condition else evaluate(condition, contexts)
    else:
        value = condition
    if isinstance(value, Unknown):
        return Undecided(_undecided(condition))
    answers = {truthy(option) for option in choices(value)}
    if len(answers) == 1 and isinstance(answer := answers.pop(), Certain):
        return answer
    return Undecided(_undecided(condition))


def _undecided(condition: Any) -> str:
    """The same for each way to run a step: what is open does not tell two ways apart."""
    written = " ".join(str(condition).split())
    return f"whether {written if len(written) <= _MOST_QUOTED else written[:_MOST_QUOTED] + '...'} holds"


@lru_cache(maxsize=1 << 12)
def status_functions(condition: Any) -> frozenset[str]:
    """The status functions that say after what an ``if`` may hold: ``always`` after a failure and after none.

    ``!cancelled()`` is ``always()`` here, and ``!(failure() || cancelled())`` is ``success()``: what holds is asked,
    not how it is written. Empty where it asks none.
    """
    if not isinstance(condition, str):
        return frozenset()
    sources = [part for part, is_code in split(condition) if is_code] if "${{" in condition else [condition]
    asked = frozenset().union(*(functions_in(source) for source in sources)) & STATUS_FUNCTIONS
    if not asked:
        return asked
    return _in_effect(condition, _ANYTHING) or asked


def _in_effect(condition: Any, contexts: Mapping[str, Any]) -> frozenset[str]:
    """After what an ``if`` holds where these contexts are known: an input that is not given leaves out one half."""
    found = frozenset(each for each in _ENDS if _holds(condition, ended(contexts, each)) is not NO)
    return frozenset({"always" if "failure" in found else "success"}) if "success" in found else found


_ENDS: Final = ("success", "failure", "cancelled")
# Contexts of which nothing is known.
_CONTEXTS: Final = "github env vars job jobs steps runner secrets strategy matrix needs inputs"
_ANYTHING: Final = {name: Open(name) for name in _CONTEXTS.split()}


def goes_on(condition: Any, needs: Sequence[str], contexts: Contexts) -> frozenset[frozenset[tuple[str, str]]]:
    """How what a job needs may end without keeping it from running: see ``EffectiveJob``.

    Without a status function in its ``if`` a job runs only after a success of all (GitHub documentation, "Workflow
    syntax", ``jobs.<job_id>.needs``).
    """
    if not status_functions(condition) & {"always", "failure", "cancelled"} or len(needs) > _MOST_NEEDS:
        return frozenset()
    found = []
    for results in itertools.product(("success", "failure", "skipped"), repeat=len(needs)):
        seen = ended(contexts, *(("failure",) if "failure" in results else ()))
        told: dict[str, Data] = {}
        for need, result in zip(needs, results, strict=True):
            told[need] = Partial({"result": result}, Open(f"needs.{need}"))
        if set(results) != {"success"} and _holds(condition, {**seen, "needs": told}) is YES:
            found.append(frozenset((need, end) for need, end in zip(needs, results, strict=True) if end != "success"))
    return frozenset(found)


_MOST_NEEDS: Final = 5


def started_by(step: Step, before: Sequence[EffectiveStep], contexts: Contexts) -> frozenset[str]:
    """The ids of steps that may fail (``continue-on-error``), and whose failure surely starts this step.

    Such a step's ``outcome`` is then ``failure`` and its ``conclusion`` ``success``, and the job goes on as after a
    success (GitHub documentation, "Contexts", ``steps``).
    """
    allowed = [each for each in before if each.step.id and not each.via and each.continue_on_error is not False]
    return frozenset(
        each
        for each in sorted({other.step.id for other in allowed})
        if runs_under(step.if_, _with_outcome(each, "failure", contexts)) is YES
        and runs_under(step.if_, _with_outcome(each, "success", contexts)) is NO
    )


def _with_outcome(step: str, outcome: str, contexts: Contexts) -> Contexts:
    steps = contexts["steps"]
    known, rest = (steps.known, steps.rest) if isinstance(steps, Partial) else ({}, steps)
    assert isinstance(rest, Open)
    ended = Partial({"outcome": outcome, "conclusion": "success"}, rest.below(step))
    return {**contexts, "steps": Partial({**known, step: ended}, rest)}


def scalars(value: Data) -> dict[str, Possible]:
    if isinstance(value, Partial):
        value = value.known
    return {key: scalar(each) for key, each in value.items()} if isinstance(value, Mapping) else {}


class Unfolder(Struct):
    """Steps of one job with composite actions replaced by the steps they hold."""

    workflows: Workflows
    job: EffectiveJob
    problems: dict[Problem, None] = field(default_factory=dict)
    refusals: dict[Problem, None] = field(default_factory=dict)  # of the actions that it uses
    left: int = MAX_STEPS

    def unfold(self, step: Step, contexts: Contexts, shell: str, via: tuple[str, ...]) -> Iterator[EffectiveStep]:
        if self.left <= 0:
            if self.left == 0:
                self.left = -1  # said once, of all that follow
                self._complain(step.spot, "more steps than can be followed: from this one on none was", "Use fewer.")
            return
        self.left -= 1
        env = contexts["env"]
        known = env.known if isinstance(env, Partial) else {}
        below = environment_of(step.env, contexts, known, self.job.name)
        contexts = {**contexts, "env": below if via else without_rewritten(below, step, self.job.job.steps)}
        for fault in (fault_in(step.if_, condition=True), fault_in(step.run.text if step.run else None)):
            if fault:
                self._complain(step.spot, fault, "Correct the expression.")
        effective = self._step(step, contexts, scalars(below), shell, via)
        action = self._action(step, via) if step.uses.startswith("./") else None
        if step.uses.startswith("./") and (action is None or action.using == "composite"):
            effective = replace(effective, unfolded=True)
        if action is None:
            yield effective
            return
        given = _action_inputs(action, effective)
        inner: Contexts = {
            **{key: value for key, value in contexts.items() if key not in {"secrets", "needs"}},
            "github": _in_action(contexts["github"], action.folder),
            "inputs": given,
            "steps": Open("steps", "#".join((self.job.name, *via, step.id or str(step.index), action.folder))),
        }
        outputs = {name: text_value(each.value, inner) for name, each in action.outputs.items()} if step.id else {}
        yield replace(effective, outputs=outputs) if outputs else effective
        for each in action.steps:
            for found in self.unfold(each, inner, shell, (*via, action.folder)):
                yield _within(effective, found)

    def _action(self, step: Step, via: tuple[str, ...]) -> CompositeAction | None:
        folder = posixpath.normpath(step.uses)
        action = self.workflows.actions.get(folder if folder != "." else "")
        if action is None and (whose := checked_out(self.job.job.steps, folder)):
            self._complain(step.spot, f"{folder} is {whose}'s and was not followed", "Check it there.")
        elif action is None:
            self._complain(step.spot, f"there is no action in {folder}", "Correct the path, or add action.yml.")
        elif folder in via or len(via) >= MAX_LEVELS:
            self._complain(step.spot, f"the action {folder} uses itself", "Break the cycle.")
            return None
        else:
            self.refusals.update(dict.fromkeys(refusals_of(action)))
        return action

    def _complain(self, spot: Spot, message: str, fix: str) -> None:
        self.problems.setdefault(Problem(spot, message, fix))

    def _step(
        self, step: Step, contexts: Contexts, env: Mapping[str, Possible], shell: str, via: tuple[str, ...]
    ) -> EffectiveStep:
        run, expressions = None, {}
        if step.run is not None:
            marked, sources = mark(step.run.text)
            run = replace(step.run, text=marked)
            expressions = {name: scalar(evaluate(source, contexts)) for name, source in sources}
        folder = step.working_directory
        if folder is None and not via:
            folder = self.job.job.working_directory
            folder = self.job.workflow.working_directory if folder is None else folder
        steps = contexts["steps"] if via else None
        return EffectiveStep(
            job=self.job,
            step=step,
            index=step.index,
            via=via,
            ids=(step.id,) if step.id else (),
            conditions=() if step.if_ is None else (str(step.if_),),
            runs=runs_under(step.if_, contexts),
            status_functions=(asked := status_functions(step.if_)) and (_in_effect(step.if_, contexts) or asked),
            mends=_holds(step.if_, ended(contexts, "failure")) if status_functions(step.if_) else NO,
            with_={name: text_value(each.value, contexts) for name, each in step.with_.items()},
            env=env,
            run=run,
            expressions=expressions,
            shell=step.shell or (self.job.job.shell or shell if not via else ""),
            working_directory="" if folder is None else text_value(folder, contexts),
            continue_on_error=text_value(step.continue_on_error, contexts),
            allowance=step.continue_on_error,
            timeout_minutes=ABSENT
            if isinstance(step.timeout_minutes, Absent)
            else text_value(step.timeout_minutes, contexts),
            scope=steps.where if isinstance(steps, Open) else "",
        )


def _in_action(github: Data, folder: str) -> Data:
    """The context ``github`` with the folder of the action that runs (GitHub Docs, "Contexts", ``github.action_path``).
    It is told as a variable too, which a step's own shell sets."""
    known, rest = (github.known, github.rest) if isinstance(github, Partial) else ({}, Open("github"))
    return Partial({**known, "action_path": posixpath.normpath(f"{WORKSPACE}/{folder}")}, rest)


def _within(outer: EffectiveStep, inner: EffectiveStep) -> EffectiveStep:
    """A step of a composite action with what the step that uses the action says for all of it.

    What is not surely run itself is not run more surely by an action that is. Its status functions ask about the
    action's own steps, so that after a failure of the job it runs where the action does (GitHub Docs, "Metadata syntax
    reference", ``runs.steps[*].if``, as its review says: github/docs pull request 12378; actions/runner issue 1271). A
    failure that it is not allowed itself is the action's.
    """
    own = truth(inner.continue_on_error) is not NO
    return replace(
        inner,
        runs=every((outer.runs, inner.runs)),
        status_functions=asked_within(inner.status_functions, outer.status_functions),
        mends=every((outer.mends, inner.mends)) if inner.status_functions else outer.mends,
        ids=(*inner.ids, *outer.ids),
        conditions=(*inner.conditions, *outer.conditions),
        continue_on_error=inner.continue_on_error if own else outer.continue_on_error,
        allowance=inner.allowance if own else outer.allowance,
        timeout_minutes=outer.timeout_minutes if isinstance(inner.timeout_minutes, Absent) else inner.timeout_minutes,
    )


def _action_inputs(action: CompositeAction, step: EffectiveStep) -> Mapping[str, Data]:
    given = {name.lower(): value for name, value in step.with_.items()}
    found: dict[str, Data] = {}
    for name, declared in action.inputs.items():
        default = (
            "" if isinstance(declared.default, Absent) else interpolate(declared.default, {"github": Open("github")})
        )
        found[name] = given.get(name.lower(), default)
    return found


@lru_cache(maxsize=2048)
def mark(script: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A script whose expressions are replaced by words (``__gha0__``), and the expression of each word.

    GitHub puts the value into the text before any shell reads it; a word keeps the text one that a shell can parse.
    Line breaks inside an expression stay, behind the word.
    """
    if "${{" not in script:
        return script, ()
    parts: list[str] = []
    sources: list[tuple[str, str]] = []
    for part, is_code in split(script):
        if is_code:
            name = f"__gha{len(sources)}__"
            sources.append((name, part))
            parts.append(name + "\n" * part.count("\n"))
        else:
            parts.append(part)
    return "".join(parts), tuple(sources)


def credentials(steps: Iterable[EffectiveStep]) -> Iterator[Credentials]:
    """The steps that take a role on: by the login action, or by another one that is told which role to assume."""
    for step in steps:
        given = {name.lower(): value for name, value in step.with_.items()}
        if step.step.action.lower() == CREDENTIALS:
            yield _login(step, given, role=given.get("role-to-assume", ABSENT))
        elif step.uses and not step.uses.startswith("./"):
            role = next((value for name, value in given.items() if _bare(name) in _ROLE_INPUTS), ABSENT)
            if role not in (ABSENT, "", None):
                found = _login(step, given, role=role)
                sure = found.oidc if found.oidc is NO or takes_token(step.job) else _WHOSE_TOKEN
                yield replace(found, oidc=sure)


def _login(step: EffectiveStep, given: Mapping[str, Possible], *, role: Possible | Absent) -> Credentials:
    bare = {_bare(name): value for name, value in given.items()}
    default: Possible | Absent = ABSENT
    if step.step.action.lower() != CREDENTIALS:
        default = Unknown(f"how long a session {step.step.action} asks for where its inputs do not say it")
    chained = truth(bare.get("rolechaining", False))
    keys = bare.get("awsaccesskeyid", bare.get("accesskeyid", ""))
    return Credentials(
        step=step,
        role=role,
        region=bare.get("awsregion", bare.get("region", ABSENT)),
        seconds=next((bare[name] for name in _SECONDS_INPUTS if name in bare), default),
        chained=chained,
        oidc=NO if keys not in ("", None) else negated(chained),
    )


def _bare(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def shell_of(step: EffectiveStep) -> str:
    """The program that runs a step's script: ``sh`` in a container (GitHub Docs, "Running jobs in a container")."""
    return next(iter(step.shell.split()), "sh" if step.job.job.container else "bash")


def shell_options(step: EffectiveStep) -> str | None:
    """``e``, ``p`` and ``u`` for ``errexit``, ``pipefail`` and ``nounset``; ``None`` for a shell that is not followed.

    Source: GitHub documentation, "Workflow syntax", ``jobs.<job_id>.steps[*].shell``.
    """
    shell = step.shell.strip()
    if not shell:
        runs_on = str(step.job.job.runs_on).lower()
        return None if "windows" in runs_on else "e"
    if shell == "bash":
        return "ep"
    if shell == "sh":
        return "e"
    words = shell.split()
    if words[0].rsplit("/", 1)[-1] in {"bash", "sh", "dash", "zsh"}:
        flags = [word for word in words[1:] if re.fullmatch(r"-[a-zA-Z]+", word)]
        found = "".join(letter for letter in "eu" if any(letter in flag for flag in flags))
        return found + ("p" if "pipefail" in words else "")
    return None


# Actions that give later steps no variable, or only those of the runner's own names.
_SETS_NONE: Final = r"actions/(?:checkout|cache|(?:up|down)load-artifact)@|aws-actions/"


def is_sealed(step: EffectiveStep) -> bool:
    """Whether every variable that the steps before can have handed on was seen."""
    before = [each for each in step.job.steps if each.index < step.index]
    writes = any(each.run is not None and "GITHUB_ENV" in each.run.text for each in before)
    return not writes and all(each.run is not None or re.match(_SETS_NONE, each.uses) for each in before)
