"""What is followed of hostile code is bounded by work, not by time, and what is left out is on record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.pipeline.pipeline import Unfollowed
from checker.resolve.effort import Effort
from checker.resolve.trace.tracer import Tracer
from checker.resolve.workflows import jobs as jobs_module
from checker.resolve.workflows.steps import MAX_STEPS
from tests.pipelines import pipeline

LOGIN: dict[str, Any] = {
    "uses": "aws-actions/configure-aws-credentials@v4",
    "with": {"role-to-assume": "arn:aws:iam::111122223333:role/r", "aws-region": "us-west-2"},
}
FILE = ".github/workflows/ci.yml"
CUT = "from this step on the job was not followed: it does more than can be followed"
# What one follower may go over its share by: it is asked before a statement, and commands are counted afterwards.
SLACK = 30_000


def workflow(*jobs: list[dict[str, Any]]) -> str:
    each = {
        f"job{index}": {"runs-on": "ubuntu-latest", "permissions": {"id-token": "write"}, "steps": steps}
        for index, steps in enumerate(jobs)
    }
    return yaml.safe_dump({"on": "push", "jobs": each}, sort_keys=False)


def followed(root: Path, files: Mapping[str, str], effort: Effort) -> tuple[Unfollowed, ...]:
    made = pipeline(root, files)
    return Tracer(ScriptLibrary(root), effort).every(made.jobs)[1]


def multiplied(text: str, levels: int) -> str:
    """``text`` once for each level, with the level and the next one put in."""
    return "".join(text.format(this=level, next=level + 1) for level in range(levels))


BASH = "#!/bin/bash\n"
HERE = "cat <<E\n$(aws s3 ls) $(cat <<F\n$(aws ecs list-tasks)\nF\n)\nE\n"
LOOPS = "".join(f"for v{level} in a b c d e f g h; do\n" for level in range(7)) + "aws s3 ls $v0\n" + "done\n" * 7
SHELL = multiplied("f{this}() {{ f{next}; f{next} x$1; aws s3 ls s3://{this}; }}\n", 20) + "f20() { :; }\nf0 a\n"
MAKE = multiplied("t{this}:\n\t$(MAKE) t{next}\n\t$(MAKE) t{next} X=1\n", 25) + "t25:\n\taws s3 ls\n"
PYTHON = (
    "import os, boto3\n"
    + multiplied(
        "def f{this}(a, b):\n    if a: f{next}([a], b)\n    else: f{next}(a, [b])\n    f{next}([b], [a])\n", 20
    )
    + "def f20(a, b):\n    boto3.client('ecs').update_service(cluster=a)\nf0(os.environ['A'], 1)\n"
)
NESTED = "y = " + "[" * 12 + "a0" + "".join(f" for a{level} in [1, 2, 3, 4, 5, 6, 7, 8]]" for level in range(12)) + "\n"
SCRIPTS = {f"s{level}.sh": f"{BASH}./s{level + 1}.sh a\n./s{level + 1}.sh b\n" for level in range(20)}
HOSTILE: dict[str, tuple[str, dict[str, str]]] = {
    "loops in loops": (LOOPS, {}),
    "functions that call twice": ("./deploy.sh", {"deploy.sh": BASH + SHELL}),
    "scripts that call twice": ("./s0.sh", {**SCRIPTS, "s20.sh": f"{BASH}aws s3 ls\n"}),
    "targets that call make twice": ("make t0", {"Makefile": MAKE}),
    "here-documents": ("./deploy.sh", {"deploy.sh": f"{BASH}f() {{\n{HERE * 100}}}\n" + "f\n" * 100}),
    "branches of Python that call twice": ("python deploy.py", {"deploy.py": PYTHON}),
    "comprehensions in comprehensions": ("python deploy.py", {"deploy.py": NESTED}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_code_that_multiplies_ends_and_is_named(name: str, tmp_path: Path) -> None:
    run, files = HOSTILE[name]
    effort = Effort(run=20_000, of_a_job=6_000)
    steps = [LOGIN, *({"run": run} for _ in range(20))]
    found = followed(tmp_path, {FILE: workflow(steps), **files}, effort)
    assert effort.run > 20_000 - 6_000 - SLACK
    assert CUT in [each.problem.message for each in found]


def test_many_starts_of_one_program_share_the_allowance(tmp_path: Path) -> None:
    code = "import boto3, sys\nx = boto3.client('ecs')\n" + "x.list_clusters()\n" * 200
    steps = [LOGIN, *({"run": f"python deploy.py {index}"} for index in range(100))]
    effort = Effort(run=40_000, of_a_job=20_000)
    found = followed(tmp_path, {FILE: workflow(steps), "deploy.py": code}, effort)
    assert [each.problem.message for each in found] == [CUT]
    assert effort.run > 40_000 - 20_000 - SLACK


def test_each_job_has_a_share_and_what_is_behind_the_last_is_named_once_for_each(tmp_path: Path) -> None:
    loops = "".join(f"for v{i} in a b c d e f; do\n" for i in range(5)) + "aws s3 ls\n" + "done\n" * 5
    greedy = [LOGIN, {"run": loops}, {"run": loops}]
    modest = [LOGIN, {"run": "aws ecs list-clusters"}]
    files = {FILE: workflow(greedy, modest)}
    made = pipeline(tmp_path, files)
    traces, found = Tracer(ScriptLibrary(tmp_path), Effort(run=100_000, of_a_job=5_000)).every(made.jobs)
    assert [each.job.name for each in found if each.problem.message == CUT] == ["ci/job0"]
    assert [call.operation for call in traces[made.jobs[1]].aws] == ["ListClusters"]

    traces, found = Tracer(ScriptLibrary(tmp_path), Effort(run=3_000, of_a_job=5_000)).every(made.jobs)
    assert [(each.job.name, each.logged_in) for each in found if each.problem.message == CUT] == [
        ("ci/job0", False),
        ("ci/job1", False),
    ]
    assert traces[made.jobs[1]].aws == ()


def test_an_ordinary_job_is_followed_to_its_end(tmp_path: Path) -> None:
    steps = [LOGIN, *({"run": f"aws ecs update-service --cluster c --service s{index}"} for index in range(300))]
    effort = Effort()
    assert followed(tmp_path, {FILE: workflow(steps)}, effort) == ()
    assert effort.run > 390_000


def test_steps_past_the_bound_are_named_once(tmp_path: Path) -> None:
    steps = [LOGIN, *({"run": "true"} for _ in range(MAX_STEPS + 500))]
    made = pipeline(tmp_path, {FILE: workflow(steps)})
    assert len(made.jobs[0].steps) == MAX_STEPS
    assert [problem.message for problem in made.jobs[0].problems] == [
        "more steps than can be followed: from this one on none was"
    ]


def test_composite_actions_that_multiply_are_bounded_over_all_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "MAX_STEPS", 1_000)
    actions = {
        f"a{level}/action.yml": yaml.safe_dump(
            {"runs": {"using": "composite", "steps": [{"uses": f"./a{level + 1}"}] * 3}}, sort_keys=False
        )
        for level in range(8)
    }
    leaf = {"runs": {"using": "composite", "steps": [{"run": "aws s3 ls", "shell": "bash"}]}}
    files = {FILE: workflow(*([LOGIN, {"uses": "./a0"}] for _ in range(10))), **actions}
    made = pipeline(tmp_path, {**files, "a8/action.yml": yaml.safe_dump(leaf)})
    assert sum(len(job.steps) for job in made.jobs) <= MAX_STEPS
    assert all(job.problems for job in made.jobs)


@pytest.mark.parametrize(
    "grows",
    [
        "x = x + x",
        "x = [*x, *x]",
        "x = [x, x]",
        "x.append(x)",
        "x.extend(x)",
        "x = {'a': x, 'b': x}",
        "x = {'a': 1}; x['b'] = x",
        "x = [x] if os.environ.get('V') else [x, x]",
    ],
)
def test_lists_that_grow_without_end_are_not_kept(tmp_path: Path, grows: str) -> None:
    code = f"import boto3, json, os\nx = ['a']\nfor n in range(80):\n    {grows}\n" + f"{grows}\n" * 80
    code += "boto3.client('ecs').run_task(cluster='c', overrides=x)\nprint(json.dumps(x), str(x))\n"
    made = pipeline(tmp_path, {FILE: workflow([LOGIN, {"run": "python deploy.py"}]), "deploy.py": code})
    traces, _ = Tracer(ScriptLibrary(tmp_path), Effort()).every(made.jobs)
    (call,) = [each for each in traces[made.jobs[0]].aws if each.operation == "RunTask"]
    assert len(repr(call.arguments)) < 1_000_000


DOUBLING = {
    "make variables": (
        "Makefile",
        "A=$(A)$(A)xxxxxxxx\nall: more\n\techo $(A)\n\tmake more\nmore: all\n\tmake all\n",
        "make",
    ),
    "make targets": ("Makefile", "".join(f"t{n}: t{n + 1}\n\techo\n" for n in range(700)), "make"),
    "just": (
        "justfile",
        "".join(f"t{n} a='': (t{n + 1} a+'x') (t{n + 1} a+'y')\n  echo {{{{a}}}}\n" for n in range(40)),
        "just t0",
    ),
    "task": (
        "Taskfile.yml",
        "version: 3\ntasks:\n"
        + "".join(f"  t{n}: {{cmds: [{{task: t{n + 1}}}, {{task: t{n + 1}}}]}}\n" for n in range(40)),
        "task t0",
    ),
}


@pytest.mark.parametrize("name", DOUBLING)
def test_tasks_that_multiply_are_bounded_and_on_record(tmp_path: Path, name: str) -> None:
    file, text, command = DOUBLING[name]
    _, unfollowed = Tracer(ScriptLibrary(tmp_path), Effort()).every(
        pipeline(tmp_path, {FILE: workflow([LOGIN, {"run": command}]), file: text}).jobs
    )
    assert unfollowed
