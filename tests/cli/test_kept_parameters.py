"""What a deployment does not say of a parameter: the AWS CLI's ``deploy`` keeps what the stack has."""

from __future__ import annotations

import pytest

from tests.cli.repositories import Project

TEMPLATE = """
    Parameters: {Tag: {Type: String, Default: latest}, Count: {Type: Number, Default: 0}}
    Resources:
      Task:
        Type: AWS::ECS::TaskDefinition
        Properties:
          ContainerDefinitions: [{Name: api, Image: !Sub "111122223333.dkr.ecr.us-west-2.amazonaws.com/api:${Tag}"}]
"""
FIRST = "aws cloudformation deploy --stack-name app-dev --template-file t.yaml --parameter-overrides Tag=$SHA"
AGAIN = "aws cloudformation deploy --stack-name app-dev --template-file t.yaml --parameter-overrides Count=1"
RAW = (
    "aws cloudformation update-stack --stack-name app-dev --template-body file://t.yaml"
    " --parameters ParameterKey=Count,ParameterValue=1"
)


HEAD = "on: push\nenv: {SHA: '${{ github.sha }}'}\njobs:\n"


def _image(project: Project) -> set[str]:
    verdicts = project.gate()["verdicts"]
    mine = (each for each in verdicts if (each["finding"], each.get("sub")) == ("C3", "image"))
    return {each["outcome"] for each in mine if each["location"]["file"] == "t.yaml"}


def _step(command: str, condition: str = "") -> str:
    return f"      - run: {command}\n" + (f"        if: {condition}\n" if condition else "")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (_step(FIRST), "pass"),
        (_step(FIRST) + _step(AGAIN), "pass"),
        # In its default the tag moves: UpdateStack takes that where nothing is said.
        (_step(FIRST) + _step(RAW), "unknown"),
        (_step(AGAIN) + _step(FIRST), "unknown"),
        (_step(FIRST, "vars.FIRST == 'yes'") + _step(AGAIN), "unknown"),
        (_step(FIRST) + _step(AGAIN.replace("app-dev", "app-two")), "fail pass"),
    ],
    ids=["told", "kept", "not kept", "told too late", "may be left out", "another stack's"],
)
def test_what_deploy_is_not_told_stays(project: Project, steps: str, said: str) -> None:
    workflow = HEAD + "  ship:\n    runs-on: ubuntu-latest\n    steps:\n" + steps
    assert _image(project.write({"t.yaml": TEMPLATE, ".github/workflows/ship.yml": workflow})) == {*said.split()}


def test_a_later_job_keeps_what_the_one_before_gave(project: Project) -> None:
    def job(name: str, command: str, more: str = "") -> str:
        return f"  {name}:\n    runs-on: ubuntu-latest\n{more}    steps:\n{_step(command)}"

    for more, said in (("    needs: infra\n", "pass"), ("", "unknown")):
        workflow = HEAD + job("infra", FIRST) + job("scale", AGAIN, more)
        assert _image(project.write({"t.yaml": TEMPLATE, ".github/workflows/ship.yml": workflow})) == {said}
