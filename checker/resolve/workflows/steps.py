"""Steps as they run: composite actions unfolded, expressions evaluated, scripts marked for a shell's grammar."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker.data.actions import CREDENTIALS
from checker.model.answers import NO, every, negated
from checker.model.answers import Open as Undecided
from checker.model.pipeline.holding import takes_token
from checker.model.pipeline.jobs import WORKSPACE, Credentials, EffectiveJob, EffectiveStep, asked_within
from checker.model.pipeline.workflows import CompositeAction, Step, Workflows
from checker.model.possible import Possible, truth
from checker.model.sources import Problem, Spot
from checker.model.values import ABSENT, Absent, Unknown
from checker.resolve.expressions.contexts import environment_of, without_rewritten
from checker.resolve.expressions.evaluation import (
    Contexts,
    evaluate,
    interpolate,
    text_value,
)
from checker.resolve.expressions.refused import refusals_of
from checker.resolve.expressions.syntax import fault_in, split
from checker.resolve.expressions.values import Data, Open, Partial, scalar
from checker.resolve.workflows.checkouts import checked_out
from checker.resolve.workflows.ifs import after_failure, functions_in_effect, mends_after, runs_under
from checker.resolve.workflows.starts import system_of

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


_WHOSE_TOKEN: Final = Undecided("whether the job's own token is what it presents")


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
            place=step.index,
            via=via,
            ids=(step.id,) if step.id else (),
            conditions=() if step.if_ is None else (str(step.if_),),
            runs=runs_under(step.if_, contexts),
            status_functions=functions_in_effect(step.if_, contexts),
            mends=after_failure(step.if_, contexts),
            mends_after={} if via else mends_after(step, self.job.job.steps, contexts),
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
        mends_after=outer.mends_after,
        place=outer.place,
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


def keeps_to_itself(step: EffectiveStep) -> bool:
    """Whether a login step puts no keys into the environment of those that follow (README of
    aws-actions/configure-aws-credentials, ``output-env-credentials``)."""
    given = {name.lower(): value for name, value in step.with_.items()}
    return truth(given.get("output-env-credentials", True)) is NO


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


def is_hosted(step: EffectiveStep) -> bool:
    """Whether a step's job asks for a runner of GitHub's own, or leaves that to the run: what is set on any other one
    stands nowhere in the repository."""
    labels = step.job.job.runs_on
    listed = labels if isinstance(labels, list) else [labels]
    if any(not isinstance(label, str) or "${{" in label for label in listed):
        return not isinstance(labels, dict)
    return "self-hosted" not in listed and system_of(labels) != ""


def is_sealed(step: EffectiveStep) -> bool:
    """Whether every variable that the runner has, or that the steps before can have handed on, was seen."""
    before = [each for each in step.job.steps if each.index < step.index]
    writes = any(each.run is not None and "GITHUB_ENV" in each.run.text for each in before)
    seen = not writes and all(each.run is not None or re.match(_SETS_NONE, each.uses) for each in before)
    return seen and is_hosted(step)
