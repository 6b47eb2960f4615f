"""Workflows read and followed: what jobs become, and what hostile files may not do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.collect.pipeline.workflows.reading import read_workflow, read_workflows
from checker.model.pipeline.jobs import EffectiveJob
from checker.model.possible import OneOf, options, shown
from checker.model.settings import Settings
from checker.model.values import ABSENT, Text
from checker.resolve.workflows.jobs import effective_jobs
from tests.answers import said
from tests.pipelines import Made, load, pipeline, repository

RELEASE = load(Path(__file__).with_name("release.yaml"))


def job_of(made: Made, name: str) -> EffectiveJob:
    return next(job for job in made.jobs if job.name == name)


def one(root: Path, text: str, **more: str) -> Made:
    others = {f".github/workflows/{name}.yml": content for name, content in more.items()}
    return pipeline(root, {".github/workflows/ci.yml": text, **others})


def messages(made: Made) -> list[str]:
    return [str(problem) for problem in made.problems]


def test_a_release_pipeline(tmp_path: Path) -> None:
    made = pipeline(tmp_path, RELEASE)
    assert messages(made) == []
    assert [job.name for job in made.jobs] == [
        "prod-deploy/resolve",
        "prod-deploy/cdk",
        "prod-deploy/cdk/deploy",
        "prod-deploy/migrate",
        "prod-deploy/migrate/run",
        "prod-deploy/deploy",
    ]
    deploy = job_of(made, "prod-deploy/cdk/deploy")
    assert deploy.environment == "production"
    assert deploy.environment_name == "production"
    assert deploy.inputs["environment"] == "production"
    assert str(deploy.inputs["sha"]) == "${{ steps.sha.outputs.sha }}"
    assert [(start.event, str(start.ref), said(start.runs), start.prerelease) for start in deploy.starts] == [
        ("release", "refs/tags/${{ github.ref_name }}", True, False),
        ("release", "refs/tags/${{ github.ref_name }}", True, True),
    ]
    assert [(each.group, each.cancel_in_progress, each.level) for each in deploy.concurrency] == [
        ("production-deploy", False, "workflow")
    ]
    assert (deploy.permissions.level("id-token"), deploy.permissions.level("contents")) == ("write", "read")
    run = job_of(made, "prod-deploy/migrate/run")
    assert run.environment is ABSENT
    assert run.timeout_minutes == 360
    assert [(str(each.role), each.seconds) for each in run.credentials] == [
        ("${{ secrets.AWS_DEPLOY_ROLE_ARN }}", ABSENT)
    ]
    assert run.after(deploy)
    assert not deploy.after(run)
    last = job_of(made, "prod-deploy/deploy")
    assert last.timeout_minutes == 60
    assert [(step.uses, step.via) for step in last.steps if step.uses] == [
        ("./.github/actions/aws", ()),
        ("aws-actions/configure-aws-credentials@v6", (".github/actions/aws",)),
    ]
    assert [(str(each.role), each.seconds, said(each.oidc)) for each in last.credentials] == [
        ("${{ secrets.AWS_DEPLOY_ROLE_ARN }}", "7200", True)
    ]
    assert str(last.locate("environment", exactly=True)) == ".github/workflows/prod-deploy.yml:44"


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        ("{push: {branches: [main, 'release/**']}}", [("push", "refs/heads/main"), ("push", "refs/heads/release/**")]),
        ("{push: {tags: ['v*']}}", [("push", "refs/tags/v*")]),
        ("push", [("push", "refs/heads/${{ github.ref_name }}"), ("push", "refs/tags/${{ github.ref_name }}")]),
        ("{push: {branches: ['**', '!wip']}}", [("push", "refs/heads/**")]),
        ("[schedule, workflow_run]", [("schedule", "refs/heads/trunk"), ("workflow_run", "refs/heads/trunk")]),
        ("pull_request", [("pull_request", "refs/pull/${{ github.event.number }}/merge")]),
        ("{pull_request_target: {branches: [main]}}", [("pull_request_target", "refs/heads/main")]),
        # A full release, and a pre-release.
        ("release", [("release", "refs/tags/${{ github.ref_name }}")] * 2),
        (
            "workflow_dispatch",
            [("workflow_dispatch", f"refs/{kind}/${{{{ github.ref_name }}}}") for kind in ("heads", "tags")],
        ),
    ],
)
def test_starts(triggers: str, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    text = f"on: {triggers}\njobs: {{a: {{runs-on: x, steps: [{{run: a}}]}}}}\n"
    made = pipeline(tmp_path, {".github/workflows/ci.yml": text}, Settings(default_branch="trunk"))
    assert [(start.event, str(start.ref)) for start in made.jobs[0].starts] == expected


def test_conditions_leave_starts_out(tmp_path: Path) -> None:
    made = one(
        tmp_path,
        """
on: {push: {branches: [main], tags: ['v*']}, pull_request: , workflow_dispatch: {inputs: {go: {type: boolean}}}}
jobs:
  tagged: {if: "startsWith(github.ref, 'refs/tags/')", runs-on: x, steps: [{run: a}]}
  pushed: {if: github.event_name == 'push', runs-on: x, steps: [{run: a}]}
  asked: {if: inputs.go, runs-on: x, steps: [{run: a}]}
  never: {if: github.event_name == 'schedule', runs-on: x, steps: [{run: a}]}
  failed: {if: failure(), runs-on: x, steps: [{run: a, if: "false"}, {run: b, if: always()}]}
""",
    )
    found = {
        job.job.id: [(start.event, str(start.ref).split("/")[1], said(start.runs)) for start in job.starts]
        for job in made.jobs
    }
    assert found["tagged"] == [("push", "tags", True), ("workflow_dispatch", "tags", True)]
    assert found["pushed"] == [("push", "heads", True), ("push", "tags", True)]
    assert found["asked"] == [("workflow_dispatch", "heads", None), ("workflow_dispatch", "tags", None)]
    assert "never" not in found
    failed = next(job for job in made.jobs if job.job.id == "failed")
    assert said(failed.runs) is None
    assert failed.status_functions == {"failure"}
    assert [(said(step.runs), step.runs_after_failure) for step in failed.steps] == [(False, False), (True, True)]


def test_a_check_box_is_a_text_in_the_event(tmp_path: Path) -> None:
    made = one(
        tmp_path,
        """
on: {workflow_dispatch: {inputs: {live: {type: boolean}}}}
jobs:
  text: {if: "!github.event.inputs.live", runs-on: x, steps: [{run: a}]}
  box: {if: "!inputs.live", runs-on: x, steps: [{run: a}]}
  text_compared: {if: github.event.inputs.live == 'true', runs-on: x, steps: [{run: a}]}
  box_compared: {if: inputs.live == 'true', runs-on: x, steps: [{run: a}]}
""",
    )
    assert {job.job.id for job in made.jobs} == {"box", "text_compared"}


def test_the_system_of_a_runner_is_told_by_its_labels(tmp_path: Path) -> None:
    made = one(
        tmp_path,
        """
on: push
jobs:
  here: {runs-on: ubuntu-24.04-arm, steps: [{run: a, if: runner.os == 'Linux'}, {run: b, if: runner.os == 'Windows'}]}
  own: {runs-on: [self-hosted, Linux, X64], steps: [{run: a, if: runner.os == 'Linux'}]}
  unsaid: {runs-on: large, steps: [{run: a, if: runner.os == 'Linux'}]}
  asked: {runs-on: "${{ vars.RUNNER }}", steps: [{run: a, if: runner.os == 'Linux'}]}
  rows:
    strategy: {matrix: {os: [macos-15, windows-2025]}}
    runs-on: ${{ matrix.os }}
    steps: [{run: a, if: runner.os == 'Linux'}]
""",
    )
    found = {job.job.id: [said(step.runs) for step in job.steps] for job in made.jobs}
    assert found == {"here": [True, False], "own": [True], "unsaid": [None], "asked": [None], "rows": [False]}


def test_choices_matrices_and_environments(tmp_path: Path) -> None:
    made = one(
        tmp_path,
        """
on:
  workflow_dispatch:
    inputs:
      target: {type: choice, options: [staging, production]}
      tag: {type: string, default: v1}
jobs:
  deploy:
    strategy: {matrix: {region: [eu, us], include: [{region: ap, extra: 1}]}, max-parallel: 1}
    runs-on: x
    environment: {name: "${{ inputs.target }}"}
    concurrency:
      group: deploy-${{ inputs.target }}-${{ matrix.region }}
      cancel-in-progress: ${{ inputs.target == 'staging' }}
    env: {WHERE: "${{ github.ref == 'refs/heads/main' && 'main' || 'branch' }}"}
    steps: [{run: "echo ${{ inputs.tag }}"}]
""",
    )
    job = made.jobs[0]
    assert job.environments == ("staging", "production")
    assert options(job.matrix["region"]) == ("eu", "us", "ap")
    assert isinstance(job.concurrency[0].group, OneOf)
    assert len(job.concurrency[0].group.options) == 6
    assert {shown(each) for each in options(job.concurrency[0].cancel_in_progress) or ()} == {"true", "false"}
    assert {shown(each) for each in options(job.env["WHERE"]) or ()} == {"main", "branch"}
    assert str(job.steps[0].expressions["__gha0__"]) == "${{ inputs.tag }}"
    assert job.max_parallel == 1


def test_permissions_are_capped_by_every_caller(tmp_path: Path) -> None:
    inner = (
        "on: workflow_call\npermissions: {id-token: write, contents: write}\n"
        "jobs: {b: {runs-on: x, steps: [{run: a}]}}\n"
    )
    middle = "on: workflow_call\njobs: {m: {uses: ./.github/workflows/inner.yml}}\n"
    made = one(
        tmp_path,
        "on: push\n"
        "jobs:\n"
        "  none: {uses: ./.github/workflows/inner.yml}\n"
        "  read: {permissions: read-all, uses: ./.github/workflows/inner.yml}\n"
        "  all: {permissions: write-all, uses: ./.github/workflows/middle.yml}\n"
        "  empty: {permissions: {}, runs-on: x, steps: [{run: a}]}\n",
        inner=inner,
        middle=middle,
    )
    found = {job.name: (job.permissions.level("id-token"), job.permissions.level("contents")) for job in made.jobs}
    assert found["ci/none/b"] == ("none", None)
    assert found["ci/read/b"] == ("none", "read")
    assert found["ci/all/m/b"] == ("write", "write")
    assert found["ci/empty"] == ("none", "none")


def test_a_reusable_workflow_that_nothing_calls_comes_by_itself(tmp_path: Path) -> None:
    made = one(
        tmp_path,
        "on: {workflow_call: {inputs: {env: {type: string}}}}\n"
        "jobs: {a: {runs-on: x, environment: '${{ inputs.env }}', steps: [{run: a}]}}\n",
    )
    assert made.jobs[0].is_reusable_alone
    assert made.jobs[0].starts == ()
    assert isinstance(made.jobs[0].environment, Text)


WRONG = load(Path(__file__).with_name("wrong_workflows.yaml"))


@pytest.mark.parametrize("case", WRONG, ids=[case["says"] for case in WRONG])
def test_what_is_wrong_is_said_where_it_stands(case: dict[str, str], tmp_path: Path) -> None:
    found = messages(one(tmp_path, case["text"]))
    assert any(case["says"] in message for message in found), found


def test_columns_and_lines_of_every_style(tmp_path: Path) -> None:
    text = """on: push
jobs:
  a:
    runs-on: x
    steps:
      - name: literal
        run: |
          one

          three
      - run: >-
          folded
          still

          second
      - run: "quoted"
      - {run: inline}
"""
    (tmp_path / "w.yml").write_text(text)
    workflow = read_workflow(tmp_path / "w.yml", "w.yml")
    steps = workflow.jobs["a"].steps
    lines = [(step.run.text.split("\n"), step.run.lines) for step in steps if step.run]
    assert [dict(zip(words, numbers, strict=False)) for words, numbers in lines] == [
        {"one": 8, "": 11, "three": 10},
        {"folded still": 12, "second": 15},
        {"quoted": 16},
        {"inline": 17},
    ]
    assert [step.run.spot.column for step in steps if step.run] == [9, 9, 9, 10]
    assert (workflow.jobs["a"].spot.line, workflow.jobs["a"].spot.column) == (3, 3)


HOSTILE: dict[str, bytes] = {
    "binary": bytes(range(256)) * 10,
    "nul": b"on: push\0\njobs: {}\n",
    "latin": "on: pushé\n".encode("latin-1"),
    "large": b"on: push\njobs:\n" + b"  # filler\n" * 500_000,
    "bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(12))
    + b"on: push\njobs: {}\n",
    "deep": b"on: " + b"[" * 3000 + b"]" * 3000 + b"\n",
    "deep flow": b"on: " + b"{a: " * 3000 + b"}" * 3000 + b"\n",
    "tags": b"on: !!python/object/apply:os.system ['true']\njobs: {a: !!binary xx}\n",
    "long expression": b"on: push\njobs: {a: {runs-on: x, if: '" + b"(" * 30_000 + b"', steps: []}}\n",
    "many unknown keys": b"on: push\njobs:\n" + b"".join(b"  a%d: {x: 1}\n" % n for n in range(5_000)),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_files_end_in_problems(name: str, tmp_path: Path) -> None:
    root = repository(tmp_path, {".github/workflows/ci.yml": HOSTILE[name], ".github/workflows/ok.yml": RELEASE_LIKE})
    workflows = read_workflows(root)
    jobs = effective_jobs(workflows)
    assert workflows.files[".github/workflows/ci.yml"].problems or jobs.problems
    assert len(workflows.all_problems) <= 300
    assert [job.name for job in jobs.jobs if job.entry.stem == "ok"] == ["ok/a"]


RELEASE_LIKE = b"on: push\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n"


def test_ten_thousand_jobs(tmp_path: Path) -> None:
    line = "  j{}: {{runs-on: x, if: github.ref == 'refs/heads/main', steps: [{{run: a}}]}}\n"
    root = repository(
        tmp_path, {".github/workflows/ci.yml": "on: push\njobs:\n" + "".join(line.format(n) for n in range(10_500))}
    )
    # Its own peak, from the kernel: what getrusage tells counts the memory of the process that forked it.
    code = (
        "import re, sys; from pathlib import Path;"
        "from checker.collect.pipeline.workflows.reading import read_workflows;"
        "from checker.resolve.workflows.jobs import effective_jobs;"
        "found = effective_jobs(read_workflows(Path(sys.argv[1])));"
        "peak = int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024;"
        "print(len(found.jobs), found.problems[0].message, peak, sep=';')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
    count, message, megabytes = done.stdout.strip().split(";")
    assert (count, message) == ("10000", "more than 10,000 jobs: the rest was not followed")
    assert int(megabytes) < 500


def test_calls_that_multiply_are_bounded(tmp_path: Path) -> None:
    files = {".github/workflows/w8.yml": "on: workflow_call\njobs: {a: {runs-on: x, steps: [{run: a}]}}\n"}
    for level in range(8):
        calls = "".join(f"  j{n}: {{uses: ./.github/workflows/w{level + 1}.yml}}\n" for n in range(10))
        files[f".github/workflows/w{level}.yml"] = f"on: {'push' if level == 0 else 'workflow_call'}\njobs:\n{calls}"
    made = pipeline(tmp_path, files)
    assert len(made.jobs) == 10_000
    assert any("more than 10,000 jobs" in message for message in messages(made))


def test_actions_that_use_each_other_end(tmp_path: Path) -> None:
    action = "runs: {{using: composite, steps: [{{uses: ./{other}}}, {{uses: ./{other}}}]}}\n"
    made = one(tmp_path, "on: push\njobs: {a: {runs-on: x, steps: [{uses: ./one}]}}\n")
    repository(tmp_path, {"one/action.yml": action.format(other="two"), "two/action.yml": action.format(other="one")})
    made = pipeline(tmp_path, {})
    assert any("uses itself" in message for message in messages(made))


KEYS = [
    "on",
    "jobs",
    "steps",
    "run",
    "uses",
    "with",
    "env",
    "if",
    "needs",
    "permissions",
    "concurrency",
    "push",
    "workflow_call",
    "inputs",
    "secrets",
    "environment",
    "strategy",
    "matrix",
    "include",
    "a",
    "b",
]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["${{ inputs.x }}", "push"])
)
SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(SHAPES)
def test_no_shape_breaks_the_reader(tmp_path: Path, data: object) -> None:
    made = one(tmp_path, yaml.safe_dump(data))
    for job in made.jobs:
        made.trace(job)
    assert all(str(problem) for problem in made.problems)


def test_steps_that_run_together_are_steps(tmp_path: Path) -> None:
    text = """
on: push
cache-mode: read
jobs:
  a:
    runs-on: x
    env: &names {A: one}
    steps:
      - {id: web, run: serve, background: true}
      - parallel:
          - {run: first, env: *names}
          - uses: actions/checkout@v4
      - cancel: web
  b:
    runs-on: x
    env: &names {A: two}
    steps: [{run: last, env: *names}]
"""
    made = pipeline(tmp_path, {".github/workflows/ci.yml": text, ".github/workflows/off.yml": "# on: push\n"})
    steps = made.jobs[0].steps
    assert [(step.spot.line, step.step.concurrent) for step in steps] == [
        (9, True),
        (11, True),
        (12, True),
        (13, False),
    ]
    assert [str(job.steps[-1].env.get("A")) for job in made.jobs] == ["one", "two"]
    assert [(str(each), each.unread) for each in made.problems] == [
        (".github/workflows/ci.yml:3: a workflow has no key 'cache-mode' that is known", False),
        (".github/workflows/off.yml:1: not a workflow: the file's top level is not a mapping", False),
    ]


def test_two_files_that_differ_by_their_ending_are_two_workflows(tmp_path: Path) -> None:
    text = "on: push\njobs: {go: {runs-on: x, steps: [{run: a}]}}\n"
    names = ("deploy.yml", "deploy.yaml", "check.yml")
    made = pipeline(tmp_path, {f".github/workflows/{name}": text for name in names})
    assert sorted(job.name for job in made.jobs) == ["check/go", "deploy.yaml/go", "deploy.yml/go"]
