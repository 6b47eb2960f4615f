"""Images that container engines and actions push, with the tags that they get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines import pipeline, trace_of

HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
COMMANDS = {
    f"docker --log-level warn push {HOST}/a:one": ["one"],
    f"podman push localhost/a docker://{HOST}/a:two": ["two"],
    f"docker buildx build --push --tag={HOST}/a:three -t {HOST}/a:four .": ["three", "four"],
    f"docker buildx build -o type=registry -t {HOST}/a:five .": ["five"],
    f"docker buildx build -o type=local,dest=out -t {HOST}/a:five .": [],
    f"docker buildx imagetools create --tag {HOST}/a:six {HOST}/a:seven": ["six"],
    f"docker buildx imagetools inspect {HOST}/a:seven": [],
    f"docker build -t {HOST}/a:one . && docker tag x {HOST}/a:two && docker push -a {HOST}/a": ["one", "two"],
    f"nerdctl -n k8s.io push {HOST}/a:one": ["one"],
    f"docker buildx b --push -t{HOST}/a:two .": ["two"],
    f"docker build --output type=image,name={HOST}/a:one,push=true .": ["one"],
    f"""docker build -o '"type=image","name={HOST}/a:one,{HOST}/a:two",push=true' .""": ["one", "two"],
    f"docker build -o type=oci,name={HOST}/a:one,dest=x.tar .": [],
    f'R={HOST}; buildah push a "docker://$R/a:one"; podman manifest push a "docker://$(cat r)/a:two"': ["one"],
    f"I={HOST}/a; test -f b && I={HOST}/b; docker build -t $I:one . && docker push -a $I": ["one", "one"],
    f"docker push --all-tags {HOST}/a": ["whatever was built"],
}
TAGS = {
    "type=raw,value=stable": ["stable"],
    "type=sha,format=long,prefix=": ["${{ github.sha }}"],
    "type=ref,event=branch": ["main"],
    "type=ref,event=branch,suffix=-web": ["main-web"],
    "type=semver,pattern={{version}}": ["${{ github.ref_name }}", "latest"],
    "type=raw,value=stable,enable=false": [],
    "type=semver,pattern={{major}}.{{minor}},value=v1.2.3": ["{{major}}.{{minor}}", "latest"],
    "type=pep440,pattern={{version}},value=1.2.3": ["1.2.3", "latest"],
    "type=match,pattern=v(.*),group=1": ["${{ github.ref_name }}", "latest"],
    r"type=match,pattern=\d": [r"what \d finds in the ref", "latest"],
    "type=edge,branch=main": ["edge"],
    "type=edge,branch=next": [],
    "type=schedule,pattern={{date 'YYYYMMDD'}}": [],
    "type=raw,value={{branch}}-{{sha}}": ["main-${GITHUB_SHA::7}"],
    "": ["main", "${{ github.ref_name }}", "latest"],
}


def test_images_whose_names_come_from_elsewhere_are_not_passed_over(tmp_path: Path) -> None:
    run = """
      aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"
      docker push "$(cat image.txt)"
      docker push "$(cat image.txt):stable"
      docker push shop:stable
    """
    calls = [call for call in trace_of(tmp_path, run).aws if call.operation == "docker-push"]
    assert [(str(call.text("imageTag")), call.complete) for call in calls] == [("not set", False), ("stable", True)]


def pushed(trace: Any) -> list[str]:
    return [str(call.text("imageTag")) for call in trace.aws if call.operation == "docker-push"]


@pytest.mark.parametrize("run", COMMANDS)
def test_commands(run: str, tmp_path: Path) -> None:
    assert pushed(trace_of(tmp_path, run)) == COMMANDS[run]


@pytest.mark.parametrize("rule", TAGS)
def test_tags_that_an_action_makes(rule: str, tmp_path: Path) -> None:
    steps = [
        {"uses": "docker/metadata-action@v5", "id": "meta", "with": {"images": f"{HOST}/a", "tags": rule}},
        {
            "uses": "docker/build-push-action@v6",
            "with": {"outputs": "type=registry", "tags": "${{ steps.meta.outputs.tags }}"},
        },
    ]
    job = {"runs-on": "x", "steps": steps}
    text = yaml.safe_dump({"on": {"push": {"branches": ["main"], "tags": ["v*"]}}, "jobs": {"a": job}})
    made = pipeline(tmp_path, {".github/workflows/ci.yml": text})
    assert pushed(made.trace(made.jobs[0])) == TAGS[rule]


def test_a_task_that_the_deploy_action_runs(tmp_path: Path) -> None:
    files = {"task.json": '{"family": "web", "containerDefinitions": [{"name": "web", "image": "a:1"}]}'}
    given = {"task-definition": "task.json", "cluster": "c", "run-task": True, "wait-for-task-stopped": True}
    given["run-task-container-overrides"] = '[{"name": "web", "command": ["migrate"]}]'
    steps = [{"uses": "aws-actions/amazon-ecs-deploy-task-definition@v2", "with": given}]
    trace = trace_of(tmp_path, "", files, steps=steps)
    assert [call.operation for call in trace.aws] == ["RegisterTaskDefinition", "RunTask", "DescribeTasks"]
    assert trace.aws[1].text("taskDefinition") == "web"
    assert "migrate" in str(trace.aws[1].text("overrides"))


def test_outputs_that_a_row_of_the_matrix_names(tmp_path: Path) -> None:
    given = {"outputs": f"type=registry,name={HOST}/${{{{ matrix.image }}}}:edge"}
    steps = [{"uses": "docker/build-push-action@v6", "with": given}]
    job = {"runs-on": "x", "strategy": {"matrix": {"image": ["a", "b"]}}, "steps": steps}
    text = yaml.safe_dump({"on": {"push": {"branches": ["main"]}}, "jobs": {"a": job}})
    made = pipeline(tmp_path, {".github/workflows/ci.yml": text})
    assert {each for job in made.jobs for each in pushed(made.trace(job))} == {"edge"}
