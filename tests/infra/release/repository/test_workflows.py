"""The workflows: what outside linters say, and the promises that no linter knows."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import naming
from infra.environments import ENVIRONMENTS, REGION
from infra.release.arguments import parser
from tests.infra.release.loopback import Answers
from tests.infra.release.test_rehearsal import release_steps, rollback_steps
from tests.work import HANG_SECONDS

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / ".github" / "workflows"
SESSION_SECONDS = 7200
COMMAND = ".venv/bin/python -m infra.release "


def load(path: Path) -> dict[str, Any]:
    """A workflow; the key `on` is a boolean to YAML 1.1."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {str("on" if key is True else key): value for key, value in found.items()}


WORKFLOWS: Mapping[str, dict[str, Any]] = {path.name: load(path) for path in sorted(FOLDER.glob("*.yml"))}
ACTION = yaml.safe_load((ROOT / ".github/actions/tools/action.yml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Job:
    workflow: str
    name: str
    body: Mapping[str, Any]

    @property
    def steps(self) -> list[Mapping[str, Any]]:
        steps: list[Mapping[str, Any]] = self.body.get("steps", [])
        return steps

    def __str__(self) -> str:
        return f"{self.workflow}/{self.name}"


JOBS = [Job(file, name, body) for file, w in WORKFLOWS.items() for name, body in w["jobs"].items()]
STEPS = [(job, step) for job in JOBS for step in job.steps]


def credential_steps(job: Job) -> list[Mapping[str, Any]]:
    return [step for step in job.steps if step.get("uses", "").startswith("aws-actions/configure-aws-credentials@")]


def texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)


# -- what others say -------------------------------------------------------------------------------------------------


def linter(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)


def test_zizmor_has_nothing_to_say() -> None:
    done = linter("zizmor", "--persona=auditor", "--offline", "--no-progress", "--strict-collection", ".github")
    assert done.returncode == 0, done.stdout


def test_actionlint_has_nothing_to_say() -> None:
    done = linter("actionlint", "-no-color", *(str(FOLDER / name) for name in WORKFLOWS))
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linters_do_see_these_files(tmp_path: Path) -> None:
    broken = tmp_path / ".github" / "workflows" / "broken.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        '      - uses: actions/checkout@v4\n      - run: echo "${{ github.event.head_commit.message }}"\n'
    )
    assert linter("zizmor", "--offline", "--no-progress", str(tmp_path)).returncode != 0
    assert linter("actionlint", "-no-color", str(broken)).returncode != 0


# -- what is pinned, and what may be done ----------------------------------------------------------------------------


def test_actions_are_pinned_by_commit_with_their_version_beside() -> None:
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if (found := re.search(r"uses: (\S+)(.*)", line)) and not found[1].startswith("./"):
                assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", found[1]), line
                assert re.fullmatch(r" # v\d+\.\d+\.\d+", found[2]), line


def test_nothing_is_permitted_unless_a_job_says_so() -> None:
    for file, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {}, file
    for job in JOBS:
        assert job.body["permissions"].items() <= {
            ("actions", "read"),
            ("attestations", "write"),
            ("contents", "read"),
            ("contents", "write"),
            ("id-token", "write"),
            ("issues", "write"),
            ("pull-requests", "write"),
            ("security-events", "write"),
        }, job
    # The night's audit alone writes an issue, and its role reads settings and nothing else.
    writers = {str(job) for job in JOBS if job.body["permissions"].get("issues") == "write"}
    assert writers == {"nightly.yml/audit"}
    # What comments runs the code that was reviewed, and no role of the account.
    (commenter,) = [job for job in JOBS if "pull-requests" in job.body["permissions"]]
    assert str(commenter) == "ci.yml/comment"
    assert commenter.steps[0]["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert not credential_steps(commenter)
    assert "id-token" not in commenter.body["permissions"]
    # What signs has no role of the account, and writes nothing else.
    signers = [job for job in JOBS if "attestations" in job.body["permissions"]]
    assert {str(job) for job in signers} == {"_evidence.yml/evidence", "prod-deploy.yml/evidence"}
    assert not [job for job in signers if credential_steps(job) or "environment" in job.body]


def test_only_the_annotation_may_write_and_it_has_no_credentials() -> None:
    writers = [job for job in JOBS if job.body["permissions"].get("contents") == "write"]
    assert {str(job) for job in writers} == {
        "_annotate.yml/annotate",
        "prod-deploy.yml/annotate",
        "prod-rollback.yml/annotate",
    }
    for job in writers:
        assert "id-token" not in job.body["permissions"]
        assert not credential_steps(job)


def test_a_called_workflow_is_granted_what_its_jobs_ask_for() -> None:
    for job in JOBS:
        if "uses" in job.body:
            called = WORKFLOWS[job.body["uses"].removeprefix("./.github/workflows/")]
            for name, inner in called["jobs"].items():
                for scope, level in inner["permissions"].items():
                    assert job.body["permissions"].get(scope) in {level, "write"}, f"{job} -> {name}: {scope}"


def test_secrets_are_passed_by_name() -> None:
    for job in JOBS:
        assert job.body.get("secrets") != "inherit", job


def test_no_expression_is_written_into_a_shell() -> None:
    for job, step in STEPS:
        assert "${{" not in step.get("run", ""), f"{job}: {step.get('name')}"
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_a_checkout_leaves_no_token_behind() -> None:
    for job, step in STEPS:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, job


# -- sessions, time and order ----------------------------------------------------------------------------------------


def bound(step: Mapping[str, Any]) -> int:
    return int(step["timeout-minutes"])


def sessions(job: Job) -> list[list[Mapping[str, Any]]]:
    """The steps that use each session: those up to the next that surely begins another."""
    found: list[list[Mapping[str, Any]]] = []
    for step in job.steps:
        if step in credential_steps(job):
            found.append([])
        elif found:
            found[-1].append(step)
    return found


@pytest.mark.parametrize("kind", ["deploy", "bootstrap", "rollback"])
def test_the_steps_of_a_session_end_before_it(kind: str) -> None:
    """Whatever the inputs are: steps of other kinds are passed over, and so are those that exclude each other."""
    (job,) = [job for job in JOBS if str(job) == "_release.yml/release"]
    total = 0
    for session in sessions(job):
        runs = [step for step in session if f"inputs.kind == '{kind}'" in step.get("if", f"inputs.kind == '{kind}'")]
        one_by_one = [step for step in runs if "!inputs.together" not in step.get("if", "")]
        minutes = sum(bound(step) for step in one_by_one)
        assert minutes * 60 < SESSION_SECONDS, [step.get("name") for step in one_by_one]
        total += minutes
    assert job.body["timeout-minutes"] < 360, "GitHub ends a job after six hours"


def test_every_session_lasts_two_hours() -> None:
    found = [(job, step) for job in JOBS for step in credential_steps(job)]
    assert {str(job) for job, _ in found} == {
        "_build-images.yml/build",
        "_release.yml/release",
        "nightly.yml/audit",
    }
    for job, step in found:
        assert step["with"]["role-duration-seconds"] == SESSION_SECONDS, job
        assert step["with"]["aws-region"] == "${{ env.AWS_REGION }}"
        assert WORKFLOWS[job.workflow]["env"]["AWS_REGION"] == REGION
        assert job.body["permissions"]["id-token"] == "write"


def test_every_job_has_a_bound() -> None:
    assert not [str(job) for job in JOBS if "uses" not in job.body and "timeout-minutes" not in job.body]


def test_waits_are_inside_their_steps() -> None:
    seen = 0
    for job, step in STEPS:
        waits = [int(found) for found in re.findall(r"deadline (\d+)", step.get("run", ""))]
        if waits:
            seen += 1
            # The smoke test waits for each of two endpoints.
            longest = sum(waits) * (2 if "smoke" in step["run"] else 1)
            assert longest < bound(step) * 60 < job.body["timeout-minutes"] * 60, step["name"]
    assert seen == 13


def test_a_release_is_approved_once() -> None:
    """An approval is asked for each job that names the environment."""
    for file in ("prod-deploy.yml", "prod-rollback.yml"):
        called = [job for job in JOBS if job.workflow == file and "_release.yml" in job.body.get("uses", "")]
        assert {job.body["with"]["environment"] for job in called} == {"production"}
        # Of a release and a bootstrap one runs.
        assert [job.body.get("if") for job in called if job.name in ("bootstrap", "release")] in (
            [],
            ["${{ inputs.bootstrap == true }}", "${{ inputs.bootstrap != true }}"],
        )
        assert len([job for job in called if job.name not in ("bootstrap",)]) == 1
    assert [str(job) for job in JOBS if "environment" in job.body] == ["_release.yml/release"]


def test_the_deploy_role_is_assumed_as_an_environment_and_the_build_role_as_main() -> None:
    for job in JOBS:
        for step in credential_steps(job):
            role = step["with"]["role-to-assume"]
            if "AWS_BUILD_ROLE_ARN" in role:
                assert "environment" not in job.body, job
                assert WORKFLOWS["cd.yml"]["on"] == {"push": {"branches": ["main"]}}
            elif "AWS_AUDIT_ROLE_ARN" in role:
                assert str(job) in {"_release.yml/release", "nightly.yml/audit"}
            else:
                assert "AWS_DEPLOY_ROLE_ARN" in role
                assert job.body["environment"] == "${{ inputs.environment }}", job
    callers = {
        w for w, body in WORKFLOWS.items() for j in body["jobs"].values() if "_build-images" in j.get("uses", "")
    }
    assert callers == {"cd.yml"}


def test_whatever_deploys_or_migrates_is_never_cancelled_by_a_later_run() -> None:
    groups = {}
    for file in ("cd.yml", "prod-deploy.yml", "prod-rollback.yml"):
        concurrency = WORKFLOWS[file]["concurrency"]
        assert concurrency["cancel-in-progress"] is False
        groups[file] = concurrency["group"]
    assert groups["prod-rollback.yml"] == "production-rollback"
    assert len({group.lower() for group in groups.values()}) == 3
    # A called workflow's own group would also hold for its callers.
    assert not [file for file, workflow in WORKFLOWS.items() if file.startswith("_") and "concurrency" in workflow]


def needs(workflow: str, job: str) -> set[str]:
    """Everything that a job waits for, at any remove."""
    wanted = WORKFLOWS[workflow]["jobs"][job].get("needs", [])
    direct = {wanted} if isinstance(wanted, str) else set(wanted)
    return direct | {further for each in direct for further in needs(workflow, each)}


def test_stack_then_migrations_then_services_then_smoke_test() -> None:
    steps = names("_release.yml", "release")
    order = ["What runs?", "Deploy", "Migrate", "Seed", "Roll, one service after the other", "Smoke test"]
    assert [steps.index(name) for name in order] == sorted(steps.index(name) for name in order)
    assert steps.index("Does the same still run?") == steps.index("Deploy") - 1


def test_a_release_is_marked_as_done_last() -> None:
    assert {"release", "resolve"} <= needs("prod-deploy.yml", "annotate")
    assert "roll-back" in needs("prod-rollback.yml", "annotate")


def test_a_release_is_annotated_whatever_became_of_its_evidence() -> None:
    job = WORKFLOWS["prod-deploy.yml"]["jobs"]["annotate"]
    assert "evidence" in needs("prod-deploy.yml", "annotate")
    assert job["if"] == "${{ !cancelled() && needs.release.result == 'success' }}"
    # Reading the account afterwards decides nothing.
    after = names("_release.yml", "release").index("Tell CloudWatch")
    steps = WORKFLOWS["_release.yml"]["jobs"]["release"]["steps"][after + 1 :]
    assert [step["continue-on-error"] for step in steps] == [True] * 4


def test_a_pre_release_deploys_nothing() -> None:
    deploy = WORKFLOWS["prod-deploy.yml"]
    assert deploy["on"]["release"]["types"] == ["released"]
    assert deploy["jobs"]["resolve"]["if"] == "${{ !github.event.release.prerelease }}"
    assert all("resolve" in needs("prod-deploy.yml", name) for name in deploy["jobs"] if name != "resolve")


def test_a_workflow_and_the_commands_that_it_runs_are_of_one_commit() -> None:
    """All code comes from what `resolve` gave, and that refuses where the workflow itself is of another commit."""
    resolving = {step["id"]: step for step in WORKFLOWS["_resolve.yml"]["jobs"]["resolve"]["steps"] if "id" in step}
    assert resolving["same"]["if"] == "${{ !inputs.other-code }}"
    assert resolving["same"]["env"]["WORKFLOW"] == "${{ github.workflow_sha }}"
    assert resolving["same"]["run"].endswith('resolve --tag "$TAG" --workflow "$WORKFLOW"')
    # The one tag that may be of other code is run as an image, and never checked out.
    other = [job for job in JOBS if job.body.get("with", {}).get("other-code")]
    assert [str(job) for job in other] == ["prod-rollback.yml/resolve-down"]
    for job in JOBS:
        for name, value in job.body.get("with", {}).items():
            if "resolve-down" in str(value):
                assert name == "down-sha", job


CARRIED = "${{ steps.running.outputs.sha }}"


def test_what_ran_when_the_release_began_is_carried_to_each_step_that_changes_something() -> None:
    steps = {s["name"]: s for s in WORKFLOWS["_release.yml"]["jobs"]["release"]["steps"] if "name" in s}
    for name in (
        "Does the same still run?",
        "Migrate",
        "Roll, one service after the other",
        "Roll, all services together",
        "Put back what ran",
    ):
        assert steps[name]["env"]["RUNNING"] == CARRIED
        assert re.search(r'--(running|expect) "\$RUNNING"', steps[name]["run"]), name
    assert '--started "$STARTED"' in steps["Does nothing speak against it?"]["run"]


def test_what_did_not_get_to_its_end_is_put_back() -> None:
    job = WORKFLOWS["_release.yml"]["jobs"]["release"]
    steps = {step["name"]: step for step in job["steps"] if "name" in step}
    condition = steps["Put back what ran"]["if"]
    for part in ("failure() || cancelled()", "inputs.kind == 'deploy'", "steps.running.outcome == 'success'"):
        assert part in condition
    # The smoke test fails after a roll-out that did not, so its failure is put back as well.
    assert "smoke" not in condition
    order = names("_release.yml", "release")
    assert order.index("Smoke test") < order.index("Put back what ran") < order.index("Tell CloudWatch")
    assert order.index("Wait for CloudFormation after a failure") == order.index("Put back what ran") - 1


def names(workflow: str, job: str) -> list[str]:
    steps = WORKFLOWS[workflow]["jobs"][job]["steps"]
    return [step.get("name") or step.get("uses") or step.get("run") for step in steps]


def test_the_assembly_that_is_judged_is_the_one_that_is_deployed() -> None:
    steps = WORKFLOWS["_release.yml"]["jobs"]["release"]["steps"]
    runs = [step.get("run", "") for step in steps]
    (gate,) = [i for i, run in enumerate(runs) if "checker gate" in run]
    (deploy,) = [i for i, run in enumerate(runs) if "cdk deploy" in run]
    synths = [i for i, run in enumerate(runs) if "cdk synth" in run]
    (removal,) = [i for i, run in enumerate(runs) if run.startswith("rm -rf cdk.out")]
    (verify,) = [i for i, run in enumerate(runs) if "verify-images" in run]
    assert verify < removal < min(synths) <= max(synths) < gate < deploy
    assert "--assembly cdk.out" in runs[gate]
    assert "--app cdk.out" in runs[deploy]
    assert [i for i in synths if "--output cdk.out" not in runs[i]] == [gate - 1], "what comes after a bootstrap"
    assert "gate=off" not in runs[gate - 1]
    assert not [run for run in runs if "--ignore-errors" in run]
    # Between the gate and the deployment nothing writes.
    assert all("cdk.out" not in run for run in runs[gate + 1 : deploy])


def test_every_deployment_says_which_image_runs_or_that_none_does() -> None:
    steps = WORKFLOWS["_release.yml"]["jobs"]["release"]["steps"]
    conditions = {}
    for step in steps:
        if "cdk synth" in step.get("run", ""):
            (said,) = re.findall(r"imageTag=\$\w+|bootstrap=true", step["run"])
            said = said if "cdk.out" in step["run"] else "cdk.after"
            conditions[said] = step["if"].removeprefix("${{ inputs.deploy-stack && ").removesuffix(" }}")
    assert conditions == {
        "imageTag=$RUNNING": "inputs.kind == 'deploy'",
        "imageTag=$SHA": "inputs.kind == 'rollback'",
        "bootstrap=true": "inputs.kind == 'bootstrap'",
        "cdk.after": "inputs.kind == 'bootstrap'",
    }


def test_the_gate_is_switched_off_in_synthesis_only_for_a_roll_back_and_a_bootstrap() -> None:
    """And at night, where nothing is deployed."""
    found = [(str(job), step["if"]) for job, step in STEPS if "gate=off" in step.get("run", "")]
    assert found == [
        *(
            ("_release.yml/release", f"${{{{ inputs.deploy-stack && inputs.kind == '{kind}' }}}}")
            for kind in ("rollback", "bootstrap")
        ),
        ("nightly.yml/audit", "${{ !cancelled() }}"),
    ]
    night = [step.get("run", "") for job, step in STEPS if str(job) == "nightly.yml/audit"]
    assert not [run for run in night if "cdk deploy" in run]


def test_what_deploys_a_tag_uses_its_code_for_everything() -> None:
    for file in ("_release.yml", "_annotate.yml", "_build-images.yml"):
        for name, job in WORKFLOWS[file]["jobs"].items():
            (checkout,) = [s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout@")]
            assert checkout["with"]["ref"] == "${{ inputs.sha }}", f"{file}/{name}"
    for job in JOBS:
        if job.workflow.startswith("prod-") and "sha" in job.body.get("with", {}):
            assert re.fullmatch(r"\$\{\{ needs\.resolve(-down)?\.outputs\.sha \}\}", job.body["with"]["sha"]), job


def test_seeding_is_for_a_staging_that_was_never_released_to() -> None:
    seeding = [job for job in JOBS if job.body.get("with", {}).get("seed")]
    assert [str(job) for job in seeding] == ["cd.yml/release"]
    assert seeding[0].body["with"]["environment"] == "staging"
    (step,) = [step for _, step in STEPS if step.get("name") == "Seed"]
    assert "steps.running.outputs.released == 'false'" in step["if"]


def test_every_roll_out_is_followed_by_a_smoke_test() -> None:
    steps = names("_release.yml", "release")
    last_roll = max(i for i, name in enumerate(steps) if name.startswith("Roll"))
    assert steps.index("Smoke test") > last_roll
    rolls = [job for job, step in STEPS if "infra.release roll" in step.get("run", "")]
    assert {str(job) for job in rolls} == {"_release.yml/release"}


def test_a_roll_back_of_services_does_not_wait_for_cloudformation() -> None:
    steps = [s for s in WORKFLOWS["_release.yml"]["jobs"]["release"]["steps"] if "name" in s]
    back = [
        s["name"] for s in steps if "inputs.kind == 'rollback'" in s.get("if", "") and "deploy-stack" not in s["if"]
    ]
    assert [name for name in back if "igrate" not in name] == [
        "Roll back",
        "Wait for CloudFormation",
        "Roll back what CloudFormation set meanwhile",
    ]


def test_a_deployment_is_told_of_whatever_became_of_it() -> None:
    """A job that took too long was cancelled, to GitHub."""
    steps = WORKFLOWS["_release.yml"]["jobs"]["release"]["steps"]
    (last,) = [step for step in steps if step.get("name") == "Tell CloudWatch"]
    assert last["if"] == "always()"
    assert last["env"]["RESULT"] == "${{ job.status }}"
    assert '--result "$RESULT"' in last["run"]


def test_nothing_runs_on_a_node_that_is_no_longer_supported() -> None:
    asked = [s["with"]["node-version"] for _, s in STEPS if s.get("uses", "").startswith("actions/setup-node@")]
    asked += [s["with"]["node-version"] for s in ACTION["runs"]["steps"] if "setup-node@" in s.get("uses", "")]
    assert len(asked) == 3
    assert all(int(version) >= 22 for version in asked)


# -- names and commands ----------------------------------------------------------------------------------------------


def test_the_names_of_environments_and_stacks_come_from_the_callers() -> None:
    for file in WORKFLOWS:
        text = (FOLDER / file).read_text(encoding="utf-8")
        if file.startswith("_"):
            for name in naming.STACKS:
                assert name not in text, file
            assert not [t for t in texts(WORKFLOWS[file]["jobs"]) if re.search(r"\b(staging|production)\b", t)], file
    for job in JOBS:
        given = job.body.get("with", {})
        if "stack" in given:
            assert ENVIRONMENTS[given["environment"]].stack_name == given["stack"], job


def test_the_images_are_those_that_run() -> None:
    (matrix,) = [job.body["strategy"]["matrix"]["include"] for job in JOBS if job.workflow == "_build-images.yml"]
    assert {entry["image"] for entry in matrix} == set(naming.IMAGES)
    assert (ROOT / {e["image"]: e["dockerfile"] for e in matrix}["migrations"]).is_file()
    (push,) = [s for _, s in STEPS if s.get("uses", "").startswith("docker/build-push-action@")]
    assert push["with"]["tags"].endswith(f"/{naming.repository('${{ matrix.image }}')}:${{{{ inputs.sha }}}}")


def commands() -> Iterator[tuple[str, list[str]]]:
    for job, step in STEPS:
        for line in step.get("run", "").replace("\\\n", " ").splitlines():
            if COMMAND in line:
                yield str(job), shlex.split(line.partition(COMMAND)[2])


SAMPLES = {
    "$SHA": "a" * 40,
    "$TAG": "v1.0.0",
    "$ENVIRONMENT": "production",
    "$STARTED": "2026-03-01T12:00:00+00:00",
    "$KIND": "deploy",
    "$IMAGE": "api",
    "$DOWN_TO": "0007",
    "$DATABASE": "storage",
    "$STACK": "DocPlatformProd",
    "$CANCEL": "",
    "$RUNNING": "",
    "$DESPITE": "",
    "$PLACES": "storage=1x2,api=1x2,mcp=1x2,frontend=1x2,github-sync=1",
    "$RESULT": "cancelled",
    "$WORKFLOW": "a" * 40,
    "$DOWN_SHA": "b" * 40,
}


def test_every_command_is_one_that_there_is() -> None:
    found = list(commands())
    assert len(found) >= 20
    for _, argv in found:
        parser().parse_args([SAMPLES.get(argument, argument) for argument in argv])


def test_the_rehearsal_runs_the_commands_of_the_workflows() -> None:
    rehearsed = {step[0] for step in [*release_steps("", "", Answers()), *rollback_steps("", "", Answers())]}
    assert {argv[0] for _, argv in commands()} - rehearsed == {
        *("seed", "restore"),
        *("previous-evidence", "publish-evidence"),  # test_evidence.py
    }


def test_the_commands_install_what_the_tests_ran_with_and_nothing_more() -> None:
    def pins(path: str) -> dict[str, tuple[str, set[str]]]:
        text = (ROOT / path).read_text(encoding="utf-8")
        found = re.findall(r"^([a-z][\w.-]*)==([^ \\]+)(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
        return {name: (version, set(re.findall(r"sha256:([0-9a-f]{64})", rest))) for name, version, rest in found}

    ours, everything = pins("infra/release/requirements.txt"), pins("locks/requirements.txt")
    assert set(ours) == {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
    assert ours == {name: everything[name] for name in ours}


def test_the_commands_import_nothing_that_is_not_installed_for_them() -> None:
    """Neither the stacks nor the checker: a roll-back must not wait for a CDK installation."""
    script = "import sys, infra.release.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"aws_cdk", "jsii", "constructs", "checker", "policies", "yaml", "psycopg", "click"}


def contexts(run: str) -> set[str]:
    """The names of the contexts that a synthesis is given."""
    return set(re.findall(r'--context "?(\w+)=', run))


def test_the_night_compares_with_what_a_release_would_synthesize() -> None:
    """Without an account's own ids the code is written for the example account, and no account is that."""
    steps = {step.get("name"): step for job, step in STEPS if str(job) == "nightly.yml/audit"}
    (released,) = [step for _, step in STEPS if step.get("name") == "Synthesize, with the commit that runs"]
    synthesis = steps["Synthesize"]["run"]
    assert contexts(synthesis) - {"gate"} == contexts(released["run"])
    assert "--output cdk.out" in synthesis
    assert "--assembly cdk.out" in steps["Drift"]["run"]


def test_the_night_may_read_the_settings_that_it_judges() -> None:
    (job,) = [job for job in JOBS if str(job) == "nightly.yml/audit"]
    assert job.body["permissions"]["actions"] == "read"
