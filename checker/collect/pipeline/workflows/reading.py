"""Reads ``.github/workflows`` and the composite actions of a repository, as written.

Nothing here evaluates an expression or follows a call: see :mod:`checker.resolve.workflows.jobs`. A file that is too
large, not YAML or not shaped as a workflow becomes a located problem, and all others are still read.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from checker.collect.documents import read_text
from checker.collect.exclusions import Exclusions
from checker.collect.folders import LEADS_OUT, is_inside, walk
from checker.collect.pipeline.workflows.accepted import Accepted
from checker.collect.pipeline.workflows.shapes import Shapes, below
from checker.collect.pipeline.workflows.spelling import in_one_spelling
from checker.collect.pipeline.workflows.triggers import declared_secrets, inputs_of, triggers_of, values_of
from checker.collect.yaml_nodes import Mark, construct
from checker.errors import InputError
from checker.model.pipeline.workflows import (
    INHERIT,
    CompositeAction,
    Concurrency,
    Field,
    Job,
    Permissions,
    Step,
    Workflow,
    Workflows,
)
from checker.model.sources import Problem, Spot
from checker.model.values import ABSENT, as_count

FOLDER: Final = ".github/workflows"
# Far above what a person writes, and small enough to read in a second or two.
MAX_BYTES: Final = 2 * 1024 * 1024
MAX_NODES: Final = 300_000
MAX_FILES: Final = 1_000

_WORKFLOW_KEYS: Final = frozenset(
    {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs", "description"}
)
_JOB_KEYS: Final = frozenset(
    {"name", "needs", "if", "permissions", "runs-on", "environment", "concurrency", "outputs", "env", "defaults",
     "strategy", "continue-on-error", "timeout-minutes", "container", "services", "steps", "uses", "with", "secrets",
     "snapshot"}
)  # fmt: skip
_STEP_KEYS: Final = frozenset(
    {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error",
     "timeout-minutes", "background", "parallel", "wait", "wait-all", "cancel"}
)  # fmt: skip
# What a step does that neither runs nor uses anything: it starts others together, waits for them or stops them.
_STEERING: Final = frozenset({"parallel", "wait", "wait-all", "cancel"})
_LEVELS: Final = frozenset({"read", "write", "none"})


def read_workflows(root: Path, exclusions: Exclusions | None = None) -> Workflows:
    """Every workflow file and every composite action below ``root``. Raises nothing: what fails is a problem.

    A workflow that ``checker.toml`` leaves out is not read; an action is, for others call it.
    """
    files: dict[str, Workflow] = {}
    problems: list[Problem] = []
    for path in _workflow_files(root, problems):
        if exclusions is not None and exclusions.leave_out(path.relative_to(root)):
            continue
        shown = path.relative_to(root).as_posix()
        files[shown] = read_workflow(path, shown)
    names = [shown.rpartition(".")[0] for shown in files]
    files = {
        shown: replace(each, has_twin=names.count(name) > 1)
        for name, (shown, each) in zip(names, files.items(), strict=True)
    }
    actions: dict[str, CompositeAction] = {}
    for shown in walk(root, lambda name: name in {"action.yml", "action.yaml"}, MAX_FILES, problems):
        folder = shown.rpartition("/")[0]
        actions.setdefault(folder, read_action(root / shown, shown))
    _read_named(root, files.values(), actions)
    return Workflows(files, actions, tuple(problems))


def _read_named(root: Path, workflows: Iterable[Workflow], actions: dict[str, CompositeAction]) -> None:
    """Read the actions that steps name in folders which are passed over elsewhere, as ``build``."""
    pending = [step for workflow in workflows for job in workflow.jobs.values() for step in job.steps]
    pending += [step for action in actions.values() for step in action.steps]
    while pending and len(actions) < MAX_FILES:
        uses = pending.pop().uses
        folder = posixpath.normpath(uses) if uses.startswith("./") else ".."
        if folder in actions or folder.startswith(".."):
            continue
        for name in ("action.yml", "action.yaml"):
            path = root / folder / name
            if is_inside(path, root) and path.is_file():
                actions[folder] = read_action(path, f"{folder}/{name}")
                pending.extend(actions[folder].steps)
                break


def _workflow_files(root: Path, problems: list[Problem]) -> list[Path]:
    folder = root / FOLDER
    if not is_inside(folder, root):
        problems.append(Problem(Spot(FOLDER), LEADS_OUT, "Put the workflows into the repository."))
        return []
    if not folder.is_dir():
        return []
    try:
        named = sorted(path for path in folder.iterdir() if path.suffix in {".yml", ".yaml"})
    except OSError as error:
        problems.append(Problem(Spot(FOLDER), f"the folder cannot be read: {error.strerror}", "Check its permissions."))
        return []
    found = [path for path in named if is_inside(path, root)]
    away = (path.relative_to(root).as_posix() for path in named if path not in found)
    problems.extend(Problem(Spot(shown), LEADS_OUT, "Put the workflow into the repository.") for shown in away)
    if len(found) > MAX_FILES:
        problems.append(Problem(Spot(FOLDER), f"more than {MAX_FILES} files: the rest was not read", "Remove some."))
    return found[:MAX_FILES]


def _shapes(path: Path, shown: str) -> tuple[Any, Shapes] | Problem:
    """The file's data, or the problem that keeps it from being read."""
    try:
        text = read_text(path, shown, MAX_BYTES)
        marks: dict[tuple[str | int, ...], Mark] = {}
        data, _ = construct(text, shown, MAX_NODES, yaml_1_2_booleans=True, marks=marks)
    except InputError as error:
        place, _, message = error.message.partition(": ")
        line = place.rpartition(":")[2]
        return Problem(Spot(shown, as_count(line) or 1), message or error.message, error.hint)
    return in_one_spelling(data, text), Shapes(shown, marks, text.split("\n"))


def read_workflow(path: Path, shown: str) -> Workflow:
    """One workflow file; ``shown`` is its path as messages name it."""
    read = _shapes(path, shown)
    if isinstance(read, Problem):
        return Workflow(shown, "", Spot(shown), problems=(read,))
    data, shapes = read
    if not isinstance(data, dict) or not data:
        # Of comments alone nothing runs; what another kind of file was meant to do is not known.
        what = "not a workflow: the file's top level is not a mapping"
        problem = Problem(Spot(shown), what, "Write on: and jobs:.", unread=data not in ({}, None))
        return Workflow(shown, "", Spot(shown), problems=(problem,))
    shapes.known_keys(data, _WORKFLOW_KEYS, (), what="a workflow")
    accepted = Accepted(shapes)
    accepted.look_at_workflow(data)
    triggers = triggers_of(data.get("on"), shapes)
    on = data.get("on")
    dispatch = below(on, "workflow_dispatch")
    call = below(on, "workflow_call")
    jobs_data = shapes.mapping(data.get("jobs"), ("jobs",), what="jobs")
    if not jobs_data:
        shapes.complain((), "a workflow without jobs", "Add jobs:, or delete the file.")
    shell, folder = _defaults(data.get("defaults"), (), shapes)
    return Workflow(
        file=shown,
        name=shapes.word(data.get("name"), ("name",), what="name") or shown,
        spot=shapes.spot(("name",)) if "name" in data else Spot(shown),
        triggers=triggers,
        inputs=inputs_of(dispatch.get("inputs"), ("on", "workflow_dispatch", "inputs"), shapes),
        call_inputs=inputs_of(call.get("inputs"), ("on", "workflow_call", "inputs"), shapes),
        call_secrets=declared_secrets(call.get("secrets"), shapes),
        call_outputs=values_of(call.get("outputs"), ("on", "workflow_call", "outputs"), shapes),
        env=shapes.fields(data.get("env"), ("env",), what="env"),
        shell=shell,
        working_directory=folder,
        permissions=_permissions(data, (), shapes),
        concurrency=_concurrency(data.get("concurrency"), ("concurrency",), shapes),
        jobs={key: _job(key, each, shapes) for key, each in jobs_data.items()},
        problems=tuple(shapes.problems),
        refusals=tuple(accepted.refusals),
        asking=tuple(accepted.asking),
    )


def _defaults(value: Any, path: tuple[str, ...], shapes: Shapes) -> tuple[str, Any]:
    at = (*path, "defaults")
    run = shapes.mapping(shapes.mapping(value, at, what="defaults").get("run"), (*at, "run"), what="defaults.run")
    folder = shapes.scalar(run.get("working-directory"), (*at, "run", "working-directory"), what="working-directory")
    return shapes.word(run.get("shell"), (*at, "run", "shell"), what="shell"), folder


def _permissions(data: Mapping[str, Any], path: tuple[str, ...], shapes: Shapes) -> Permissions | None:
    if "permissions" not in data:
        return None
    at = (*path, "permissions")
    value, spot = data["permissions"], shapes.spot(at)
    if isinstance(value, str):
        if value in {"read-all", "write-all"}:
            return Permissions({}, value.removesuffix("-all"), spot)
        shapes.complain(at, f"permissions cannot be {value!r}", "Write read-all, write-all or a mapping of scopes.")
        return Permissions({}, "none", spot)
    levels: dict[str, str] = {}
    for scope, level in shapes.mapping(value, at, what="permissions").items():
        if isinstance(level, str) and level in _LEVELS:
            levels[scope] = level
        else:
            shapes.complain((*at, scope), f"the permission {scope} cannot be {level!r}", "Write read, write or none.")
    return Permissions(levels, "none", spot)


def _concurrency(value: Any, path: tuple[str, ...], shapes: Shapes) -> Concurrency | None:
    if value is None:
        return None
    spot = shapes.spot(path)
    if not isinstance(value, dict):
        return Concurrency(shapes.scalar(value, path, what="concurrency"), False, None, spot)
    shapes.known_keys(value, {"group", "cancel-in-progress", "queue"}, path, what="concurrency")
    if value.get("group") is None:
        shapes.complain(path, "concurrency without a group", "Name the group.")
    return Concurrency(
        shapes.scalar(value.get("group"), (*path, "group"), what="group"),
        shapes.scalar(value.get("cancel-in-progress", False), (*path, "cancel-in-progress"), what="cancel-in-progress"),
        shapes.scalar(value.get("queue"), (*path, "queue"), what="queue"),
        spot,
    )


def _job(key: str, value: Any, shapes: Shapes) -> Job:
    path = ("jobs", key)
    data = shapes.mapping(value, path, what=f"job {key}")
    shapes.known_keys(data, _JOB_KEYS, path, what="a job")
    if ("uses" in data) == ("steps" in data):
        shapes.complain(path, f"job {key} must have either steps or uses", "Give it one of the two.")
    strategy = shapes.mapping(data.get("strategy"), (*path, "strategy"), what="strategy")
    shell, folder = _defaults(data.get("defaults"), path, shapes)
    secrets = data.get("secrets")
    timeout = data.get("timeout-minutes")
    image, started_with = shapes.container(data.get("container"), (*path, "container"))
    return Job(
        id=key,
        spot=shapes.spot(path),
        name=shapes.scalar(data.get("name"), (*path, "name"), what="name"),
        needs=shapes.words(data.get("needs"), (*path, "needs"), what="needs"),
        if_=shapes.scalar(data.get("if"), (*path, "if"), what="if"),
        runs_on=data.get("runs-on"),
        environment=_environment(data.get("environment"), path, shapes),
        environment_url=shapes.word(below(data, "environment").get("url"), (*path, "environment"), what="url"),
        permissions=_permissions(data, path, shapes),
        concurrency=_concurrency(data.get("concurrency"), (*path, "concurrency"), shapes),
        timeout_minutes=None if timeout is None else Field(timeout, shapes.spot((*path, "timeout-minutes"))),
        container=image,
        services=shapes.services(data.get("services"), (*path, "services")),
        env={**started_with, **shapes.fields(data.get("env"), (*path, "env"), what="env")},
        outputs=shapes.fields(data.get("outputs"), (*path, "outputs"), what="outputs"),
        matrix=Field(strategy["matrix"], shapes.spot((*path, "strategy", "matrix"))) if "matrix" in strategy else None,
        max_parallel=strategy.get("max-parallel"),
        fail_fast=strategy.get("fail-fast", True),
        continue_on_error=data.get("continue-on-error", False),
        shell=shell,
        working_directory=folder,
        steps=tuple(_steps(data.get("steps"), (*path, "steps"), shapes)),
        uses=shapes.word(data.get("uses"), (*path, "uses"), what="uses"),
        with_=shapes.fields(data.get("with"), (*path, "with"), what="with"),
        secrets=INHERIT if secrets == INHERIT else shapes.fields(secrets, (*path, "secrets"), what="secrets"),
    )


def _environment(value: Any, path: tuple[str, ...], shapes: Shapes) -> Field | None:
    if value is None:
        return None
    at = (*path, "environment")
    if isinstance(value, dict):
        name = value.get("name")
        if name is None:
            shapes.complain(at, "environment without a name", "Name it.")
        return Field(shapes.scalar(name, (*at, "name"), what="name"), shapes.spot((*at, "name")))
    return Field(shapes.scalar(value, at, what="environment"), shapes.spot(at))


def _steps(value: Any, path: tuple[str, ...], shapes: Shapes) -> Iterator[Step]:
    """The steps in order, those below ``parallel`` among them.

    Source: GitHub documentation, "Workflow syntax", ``jobs.<job_id>.steps[*].background`` and the keys behind it.
    """
    written: list[tuple[Any, tuple[str, ...], bool]] = []
    for position, each in enumerate(shapes.items(value, path, what="steps")):
        at = (*path, str(position))
        below = each.get("parallel") if isinstance(each, dict) else None
        if below is None:
            written.append((each, at, False))
            continue
        inner = (*at, "parallel")
        group = shapes.items(below, inner, what="parallel")
        written.extend((step, (*inner, str(number)), True) for number, step in enumerate(group))
    for index, (each, at, together) in enumerate(written):
        data = shapes.mapping(each, at, what="a step")
        shapes.known_keys(data, _STEP_KEYS, at, what="a step")
        if ("uses" in data) == ("run" in data) and not _STEERING.intersection(data):
            shapes.complain(at, "a step must have either run or uses", "Give it one of the two.")

        def one(key: str, data: Mapping[str, Any] = data, at: tuple[str, ...] = at) -> Any:
            return shapes.scalar(data.get(key), (*at, key), what=key)

        def word(key: str, data: Mapping[str, Any] = data, at: tuple[str, ...] = at) -> str:
            return shapes.word(data.get(key), (*at, key), what=key)

        yield Step(
            index=index,
            spot=shapes.spot(at),
            id=word("id"),
            name=word("name"),
            if_=one("if"),
            uses=word("uses"),
            with_=shapes.fields(data.get("with"), (*at, "with"), what="with"),
            run=shapes.script(data.get("run"), (*at, "run")),
            shell=word("shell"),
            working_directory=one("working-directory"),
            env=shapes.fields(data.get("env"), (*at, "env"), what="env"),
            continue_on_error=data.get("continue-on-error", False),
            timeout_minutes=data.get("timeout-minutes", ABSENT),
            concurrent=together or data.get("background") is True,
        )


def read_action(path: Path, shown: str) -> CompositeAction:
    """One ``action.yml``; its steps where it is composite."""
    folder = shown.rpartition("/")[0]
    read = _shapes(path, shown)
    if isinstance(read, Problem):
        return CompositeAction(shown, folder, "", "", problems=(read,))
    data, shapes = read
    top = shapes.mapping(data, (), what="an action")
    runs = shapes.mapping(top.get("runs"), ("runs",), what="runs")
    accepted = Accepted(shapes)
    accepted.look_at_action(data)
    return CompositeAction(
        shown,
        folder,
        shapes.word(top.get("name"), ("name",), what="name"),
        shapes.word(runs.get("using"), ("runs", "using"), what="using"),
        inputs=inputs_of(top.get("inputs"), ("inputs",), shapes),
        outputs=values_of(top.get("outputs"), ("outputs",), shapes) if runs.get("using") == "composite" else {},
        steps=tuple(_steps(runs.get("steps"), ("runs", "steps"), shapes)),
        problems=tuple(shapes.problems),
        refusals=tuple(accepted.refusals),
        asking=tuple(accepted.asking),
    )
