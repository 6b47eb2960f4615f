"""The same pipeline, written elsewhere: what a step runs in a script, a function, an action, a task or a called
workflow.

None of these may change what a rule says: behaviour is judged, not spelling. Each rewrite takes one workflow and
returns the files that it needs beside it, ``None`` where there is nothing in it that it could move.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import yaml

Files = dict[str, str]
Workflow = dict[str, Any]
Rewrite = Callable[[Workflow], Files | None]

_WORKFLOW: Final = re.compile(r"\.github/workflows/([^/]+)\.ya?ml")
_POSITIONAL: Final = re.compile(r"\$\{?[@*#1-9]")
# What a called workflow's job does not see as it stands there.
_OF_THE_CALLER: Final = re.compile(
    r"\b(?:needs|inputs|matrix|vars|env)\.|github\.event\.inputs|workflow_ref|toJSON\(inputs|\bgithub\s*\)"
)


class _Loader(yaml.SafeLoader):
    """YAML as GitHub reads it: ``on`` is a word."""


class _Dumper(yaml.SafeDumper):
    """Scripts line by line, so that each command keeps a line of its own."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_RESOLVERS: Final = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.yaml_implicit_resolvers = {key: [*each] for key, each in _RESOLVERS.items()}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false|True|False|TRUE|FALSE"), list("tfTF"))
_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _scalar(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not re.search(r"[ \t]\n", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _scalar)


def _written(data: object) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=10**6)


def moved(files: Mapping[str, str], rewrite: Rewrite) -> Files | None:
    """The repository with its workflows rewritten; ``None`` where there was nothing to rewrite."""
    result, found = dict(files), False
    for name, text in files.items():
        match = _WORKFLOW.fullmatch(name)
        try:
            workflow = yaml.load(text, Loader=_Loader) if match else None
        except yaml.YAMLError:
            continue
        # A merge key is one that GitHub refuses: read and written again it would be none.
        if match is None or not isinstance(workflow, dict) or "<<:" in text:
            continue
        beside = rewrite(workflow)
        if beside is not None:
            found = True
            stem = match[1]
            result[name] = _written(workflow).replace("STEM", stem)
            result |= {path.replace("STEM", stem): each.replace("STEM", stem) for path, each in beside.items()}
    return result if found else None


def _jobs(workflow: Workflow) -> list[dict[str, Any]]:
    jobs = workflow.get("jobs")
    return [each for each in jobs.values() if isinstance(each, dict)] if isinstance(jobs, dict) else []


def _folder(*owners: Mapping[str, Any]) -> object:
    told = [(each.get("defaults") or {}).get("run") or {} for each in owners]
    return next((each["working-directory"] for each in told if "working-directory" in each), None)


def _options(workflow: Workflow, job: Mapping[str, Any], step: Mapping[str, Any]) -> str | None:
    """What bash is started with for a step; ``None`` for another shell."""
    told = [step, *((each.get("defaults") or {}).get("run") or {} for each in (job, workflow))]
    shell = next((each["shell"] for each in told if "shell" in each), None)
    if "windows" in str(job.get("runs-on")) or job.get("container") or shell not in {None, "bash"}:
        return None
    return "-e" if shell is None else "-eo pipefail"


def _steps(workflow: Workflow, *, in_files: bool) -> Iterator[tuple[dict[str, Any], str]]:
    """The steps whose script can be moved, and the options of their shell. ``in_files``: into files, which are there
    once the repository is checked out, and are found from its root."""
    for job in _jobs(workflow):
        there = not in_files
        for step in job.get("steps") or ():
            if not isinstance(step, dict):
                continue
            if str(step.get("uses", "")).startswith("actions/checkout"):
                there = not in_files or not {"path", "repository", "ref"} & (step.get("with") or {}).keys()
            options = _options(workflow, job, step)
            run = step.get("run")
            if not there or options is None or not isinstance(run, str) or "${{" in run:
                continue
            if not (in_files and (step.get("working-directory") or _folder(job, workflow))):
                yield step, options


def _in_place(change: Callable[[str, str], str]) -> Rewrite:
    """``change`` takes a script and its shell's options."""

    def rewrite(workflow: Workflow) -> Files | None:
        found = False
        for step, options in _steps(workflow, in_files=False):
            if not _POSITIONAL.search(step["run"]):
                step["run"], found = change(step["run"].rstrip("\n"), options), True
        return {} if found else None

    return rewrite


def _by_file(path: str, text: Callable[[str, str], str], command: Callable[[str, str], str]) -> Rewrite:
    """A script in a file of its own; ``text`` and ``command`` take the script (its path) and its shell's options."""

    def rewrite(workflow: Workflow) -> Files | None:
        files: Files = {}
        for step, options in _steps(workflow, in_files=True):
            name = path.format(len(files))
            files[name] = text(step["run"].rstrip("\n"), options)
            step["run"] = command(name, options)
        return files or None

    return rewrite


def _python_step(workflow: Workflow) -> Files | None:
    files: Files = {}
    for step, options in _steps(workflow, in_files=True):
        name = f".ci/STEM-{len(files)}.sh"
        files[name] = step["run"]
        words = ["bash", *options.split(), name]
        step["run"], step["shell"] = f"import subprocess\nsubprocess.run({words!r}, check=True)\n", "python"
    return files or None


def _package_script(workflow: Workflow) -> Files | None:
    files: Files = {}
    scripts: dict[str, str] = {}
    for step, options in _steps(workflow, in_files=True):
        files[f".ci/STEM-{len(scripts)}.sh"] = step["run"]
        scripts[f"STEM-{len(scripts)}"] = f"bash {options} .ci/STEM-{len(scripts)}.sh"
        step["run"] = f"npm --prefix .ci/STEM run STEM-{len(scripts) - 1}"
    if not scripts:
        return None
    # npm runs a script in the folder of its package.json (npm documentation, "npm run").
    scripts = {name: f"cd ../.. && {script}" for name, script in scripts.items()}
    return {**files, ".ci/STEM/package.json": json.dumps({"name": "ci", "scripts": scripts})}


def _task(path: str, head: str, recipe: Callable[[str, list[str], str], str], command: str) -> Rewrite:
    """A file of tasks; ``recipe`` takes a task's name, its lines and its shell's options."""

    def rewrite(workflow: Workflow) -> Files | None:
        text, used = head, set[str]()
        for number, (step, options) in enumerate(_steps(workflow, in_files=True)):
            lines = step["run"].rstrip("\n").split("\n")
            if used - {options} or "{{" in step["run"] or "\\\n" in step["run"] or lines[0][:1] in {"-", "@", "+"}:
                continue
            used.add(options)
            text += recipe(f"step-{number}", lines, options)
            step["run"] = command.format(number)
        return {path: text.replace("<options>", next(iter(used)))} if used else None

    return rewrite


def _action(workflow: Workflow, inner: Callable[[str, str, str], tuple[Files, dict[str, Any]]]) -> Files | None:
    """``inner`` takes an action's folder, a script and its shell's options, and gives files and the action's step."""
    files: Files = {}
    for step, options in _steps(workflow, in_files=True):
        own = step.get("env")
        if "id" in step or "${{" in str(own):
            continue
        folder = f".ci/STEM-{len(files)}"
        beside, within = inner(folder, step["run"], options)
        if own:
            within["env"] = own
        files |= beside
        files[f"{folder}/action.yml"] = _written({"name": "step", "runs": {"using": "composite", "steps": [within]}})
        kept: dict[str, Any] = {
            key: step[key] for key in ("name", "if", "continue-on-error", "timeout-minutes") if key in step
        }
        step.clear()
        step.update(kept, uses=f"./{folder}")
    return files or None


def _composite(workflow: Workflow) -> Files | None:
    return _action(workflow, lambda _, run, options: ({}, {"run": run, "shell": f"bash {options} {{0}}"}))


def _action_with_a_script(workflow: Workflow) -> Files | None:
    def inner(folder: str, run: str, options: str) -> tuple[Files, dict[str, Any]]:
        command = f'bash {options} "${{{{ github.action_path }}}}/run.sh"'
        return {f"{folder}/run.sh": run}, {"run": command, "shell": "bash"}

    return _action(workflow, inner)


def _called_workflow(workflow: Workflow) -> Files | None:
    files: Files = {}
    for name, job in (workflow.get("jobs") or {}).items() if not workflow.get("defaults") else ():
        if not isinstance(job, dict) or "steps" not in job or {"strategy", "outputs"} & job.keys():
            continue
        if _OF_THE_CALLER.search(str(job)):
            continue
        outside = {key: job[key] for key in ("needs", "if", "permissions", "concurrency") if key in job}
        inside = {key: each for key, each in job.items() if key not in outside}
        if workflow.get("env"):
            inside["env"] = {**workflow["env"], **(inside.get("env") or {})}
        path = f".github/workflows/called-STEM-{name}.yml"
        files[path] = _written({"on": {"workflow_call": {}}, "jobs": {name: inside}})
        job.clear()
        job.update(outside, uses=f"./{path}", secrets="inherit")
    return files or None


def _matrix_of_one(workflow: Workflow) -> Files | None:
    jobs = [job for job in _jobs(workflow) if "steps" in job and "strategy" not in job]
    for job in jobs:
        job["strategy"] = {"matrix": {"only": ["one"]}}
    return {} if jobs else None


def _behind_another_job(workflow: Workflow) -> Files | None:
    jobs = [job for job in _jobs(workflow) if "needs" not in job and not re.search(r"\(\)", str(job.get("if")))]
    for job in jobs:
        job["needs"] = "before-all"
    if jobs:
        steps = [{"run": "echo"}]
        workflow["jobs"]["before-all"] = {"runs-on": "ubuntu-latest", "permissions": {}, "steps": steps}
    return {} if jobs else None


def _by_a_step(file: str, asked: str) -> Rewrite:
    """What actions are given comes from a first step of the job, which writes it into a file of GitHub's."""

    def rewrite(workflow: Workflow) -> Files | None:
        found = False
        for job in [] if workflow.get("defaults") else _jobs(workflow):
            lines: list[str] = []
            for step in job.get("steps") or ():
                asks = isinstance(step, dict) and "uses" in step and isinstance(step.get("with"), dict)
                given: dict[str, Any] = step["with"] if asks else {}
                for name, value in given.items():
                    if isinstance(value, str) and re.fullmatch(r"[^\n$\"`\\]+", value):
                        lines.append(f"GIVEN_{len(lines)}={value}")
                        given[name] = f"${{{{ {asked}.GIVEN_{len(lines) - 1} }}}}"
            if lines and not job.get("defaults") and "windows" not in str(job.get("runs-on")):
                run = "\n".join([f'cat >> "${file}" <<END', *lines, "END"])
                job["steps"].insert(0, {"id": "given", "run": run})
                found = True
        return {} if found else None

    return rewrite


def _expressions(change: Callable[[str], str]) -> Rewrite:
    """``change`` takes an expression that a step asks for a value."""

    def each(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: each(inner) for key, inner in value.items()}
        return (
            _EXPRESSION.sub(lambda found: "${{ " + change(found[1].strip()) + " }}", value)
            if isinstance(value, str)
            else value
        )

    def rewrite(workflow: Workflow) -> Files | None:
        before = str(workflow)
        for job in _jobs(workflow):
            for step in job.get("steps") or ():
                for key in {"run", "env", "with"} & step.keys() if isinstance(step, dict) else ():
                    step[key] = each(step[key])
        return {} if str(workflow) != before else None

    return rewrite


def _in_brackets(expression: str) -> str:
    quoted = re.split(r"('[^']*')", expression)
    for index in range(0, len(quoted), 2):
        quoted[index] = _BELOW_A_CONTEXT.sub(
            lambda found: found[1].upper() + "".join(f"['{each}']" for each in found[2][1:].split(".")), quoted[index]
        )
    return "".join(quoted)


def _neither_failed_nor_cancelled(workflow: Workflow) -> Files | None:
    steps = [
        each
        for job in _jobs(workflow)
        for each in job.get("steps") or ()
        if isinstance(each, dict) and "if" not in each
    ]
    for step in steps:
        step["if"] = "${{ !(failure() || cancelled()) }}"
    return {} if steps else None


_EXPRESSION: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_BELOW_A_CONTEXT: Final = re.compile(
    r"\b(github|env|steps|needs|inputs|vars|secrets|matrix)((?:\.[A-Za-z_][\w-]*)+)(?![\w(.*])"
)
# Where the AWS CLI is started as a command of its own.
_AWS: Final = re.compile(r"(^\s*|[;&|(]\s*|\b(?:do|then|else|if|while|until|!)\s+)aws (?=[a-z])", re.MULTILINE)

REWRITES: Final[Mapping[str, Rewrite]] = {
    "function": _in_place(lambda run, _: f"main() {{\n{run}\n}}\nmain\n"),
    "shell of its own": _in_place(lambda run, _: f"(\n{run}\n)\n"),
    "branch": _in_place(lambda run, _: f"if true; then\n{run}\nfi\n"),
    "errors with the output": _in_place(lambda run, _: f"{{\n{run}\n}} 2>&1\n"),
    "text of a shell": _in_place(lambda run, options: f"bash {options} -c {shlex.quote(run)}\n"),
    "here-document": _in_place(lambda run, options: f"bash {options} <<'END_OF_STEP'\n{run}\nEND_OF_STEP\n"),
    "settings in front": _in_place(lambda run, _: _AWS.sub(r"\1/usr/local/bin/aws --no-cli-pager --color off ", run)),
    "script": _by_file(
        ".ci/STEM-{}.sh", lambda run, _: f"{run}\n", lambda path, options: f'bash {options} "$GITHUB_WORKSPACE/{path}"'
    ),
    "script by the context": _by_file(
        ".ci/STEM-{}.sh",
        lambda run, options: f"set {options}\n{run}\n",
        lambda path, _: f"bash ${{{{ github.workspace }}}}/{path}",
    ),
    "script that is read": _by_file(".ci/STEM-{}.sh", lambda run, _: f"{run}\n", lambda path, _: f". ./{path}"),
    "step in Python": _python_step,
    "package script": _package_script,
    "make": _task(
        ".ci/STEM.mk",
        ".ONESHELL:\nSHELL := /bin/bash\n.SHELLFLAGS := <options> -c\n",
        lambda name, lines, _: f"{name}:\n" + "".join(f"\t{line.replace('$', '$$')}\n" for line in lines),
        "make -f .ci/STEM.mk step-{}",
    ),
    "just": _task(
        "STEM.just",
        "",
        lambda name, lines, options: (
            f"{name}:\n    #!/usr/bin/env bash\n    set {options}\n" + "".join(f"    {line}\n" for line in lines)
        ),
        "just --justfile STEM.just --working-directory . step-{}",
    ),
    "composite action": _composite,
    "action with a script": _action_with_a_script,
    "called workflow": _called_workflow,
    "matrix of one": _matrix_of_one,
    "behind another job": _behind_another_job,
    "values by a step's outputs": _by_a_step("GITHUB_OUTPUT", "steps.given.outputs"),
    "values by the job's environment": _by_a_step("GITHUB_ENV", "env"),
    "in brackets": _expressions(_in_brackets),
    "formatted": _expressions(lambda each: f"format('{{0}}', {each})"),
    "neither failed nor cancelled": _neither_failed_nor_cancelled,
}
