"""Which files of the repository are handed to CloudFormation, however that is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.model.pipeline.pipeline import Pipeline
from checker.model.settings import Settings
from checker.reason.deploys.templates import maker_of, nobody_makes, templates_given
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository, workflow

BOTO = """
import boto3
import io
from pathlib import Path
boto3.client('cloudformation').update_stack(StackName='a', TemplateBody={body})
"""


@pytest.mark.parametrize(
    ("line", "body", "given"),
    [
        ("aws cloudformation deploy --stack-name a --template-file stacks/a.yaml", "", ["stacks/a.yaml"]),
        ("cd stacks && aws cloudformation create-stack --template-body file://a.yaml", "", ["stacks/a.yaml"]),
        ("python deploy.py", "open('stacks/a.yaml').read()", ["stacks/a.yaml"]),
        ("python deploy.py", "open('stacks/a.yaml', 'rb').read().decode()", ["stacks/a.yaml"]),
        ("cd stacks && python ../deploy.py", "Path('a.yaml').read_text(encoding='utf-8')", ["stacks/a.yaml"]),
        ("python deploy.py", "io.open('stacks/a.yaml').read()", ["stacks/a.yaml"]),
        ("python deploy.py", "open(name()).read()", []),
        ("python deploy.py", "render('stacks/a.yaml').read()", []),
    ],
)
def test_a_template_that_a_job_deploys(tmp_path: Path, line: str, body: str, given: list[str]) -> None:
    files = {".github/workflows/ci.yml": workflow(line), "deploy.py": BOTO.format(body=body or "''")}
    pipeline = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert pipeline is not None
    assert [file for file, _ in templates_given(pipeline)] == given


DEPLOY = "aws cloudformation deploy --stack-name a --template-file out/a.yaml"


def _pipeline(tmp_path: Path, lines: list[str], uses: tuple[str, ...] = ()) -> Pipeline:
    steps = [{"uses": each} for each in uses] + [{"run": each} for each in lines]
    files = {".github/workflows/ci.yml": json.dumps({"on": "push", "jobs": {"a": {"runs-on": "x", "steps": steps}}})}
    pipeline = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert pipeline is not None
    return pipeline


@pytest.mark.parametrize(
    ("line", "maker"),
    [
        ("python render.py --out out/a.yaml", "python"),
        ("python render.py > out/a.yaml", "python"),
        ("cd out && python ../render.py -o a.yaml", "python"),
        ("python render.py < out/a.yaml", None),
        ("python render.py --out out/b.yaml", None),
        ("cp stacks/web.yaml out/a.yaml", None),  # of what is judged
        ("python render.py stacks/web.yaml out/a.yaml", None),
        ("aws cloudformation package --template-file in.yaml --output-template-file out/a.yaml", None),
        ("sam build --template-file out/a.yaml", None),
        ("aws cloudformation validate-template --template-body out/a.yaml", None),
        ("cfn-lint out/a.yaml", None),
        ("envsubst a b c cat out/a.yaml", "envsubst"),
        ("ls -l -a out/a.yaml", None),
    ],
)
def test_what_makes_a_template_of_what_is_not_judged(tmp_path: Path, line: str, maker: str | None) -> None:
    found = maker_of(_pipeline(tmp_path, [line, DEPLOY]), "out/a.yaml", ["stacks/web.yaml"])
    assert (found.program if found is not None else None) == maker


def test_the_first_that_makes_a_template(tmp_path: Path) -> None:
    pipeline = _pipeline(tmp_path, ["python render.py out/a.yaml", "ruby fill.rb out/a.yaml", DEPLOY])
    found = maker_of(pipeline, "out/a.yaml", ["stacks/web.yaml"])
    assert found is not None
    assert found.program == "python"
    assert maker_of(pipeline, "out/a.yaml", ["stacks/a.yaml"]) is None  # made of the one that is called so


@pytest.mark.parametrize(
    ("lines", "uses", "nobody"),
    [
        ([DEPLOY], (), True),
        ([DEPLOY], ("actions/checkout@v4", "actions/setup-node@v4", "aws-actions/configure-aws-credentials@v4"), True),
        ([DEPLOY], ("actions/checkout@v4", "actions/download-artifact@v4"), False),
        ([DEPLOY], ("acme/render@v1",), False),
        (["echo go", "cat out/b.yaml", "test -f out/a.yaml", DEPLOY], (), True),
        (["cfn-lint out/a.yaml", DEPLOY], (), True),
        (["python render.py", DEPLOY], (), False),
        (["npm run build", DEPLOY], (), False),
        (["mkdir -p out", DEPLOY], (), False),  # its folder
        (["mkdir -p logs", DEPLOY], (), True),
        (["cp in.yaml out/a.yaml", DEPLOY], (), False),
        (["cd out && cp ../in.yaml a.yaml", DEPLOY], (), False),
        (["echo x > out/a.yaml", DEPLOY], (), False),
        (["cdk synth", DEPLOY], (), False),
        (["sam build", DEPLOY], (), False),
        (["sam deploy --stack-name b", DEPLOY], (), True),
        (["aws s3 cp s3://b/k out/b.yaml", DEPLOY], (), False),
        (["aws sts get-caller-identity", DEPLOY], (), True),
        (["aws cloudformation package --template-file in.yaml --output-template-file out/a.yaml", DEPLOY], (), False),
        (["aws cloudformation get-template --stack-name b > out/a.yaml", DEPLOY], (), False),
    ],
)
def test_a_template_that_nothing_makes(tmp_path: Path, lines: list[str], uses: tuple[str, ...], nobody: bool) -> None:
    assert nobody_makes(_pipeline(tmp_path, lines, uses), "out/a.yaml") is nobody


def test_one_job_of_two_in_which_nothing_makes_a_template(tmp_path: Path) -> None:
    def job(*lines: str) -> dict[str, object]:
        return {"runs-on": "x", "steps": [{"run": each} for each in lines]}

    jobs = {"other": job("python render.py"), "made": job("python render.py", DEPLOY), "bare": job(DEPLOY)}
    files = {".github/workflows/ci.yml": json.dumps({"on": "push", "jobs": jobs})}
    pipeline = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert pipeline is not None
    assert nobody_makes(pipeline, "out/a.yaml")
    assert not nobody_makes(pipeline, "out/b.yaml")


@pytest.mark.parametrize("line", ["cdk deploy --app out", "cdk deploy -a out", "cdk -a ./out deploy"])
def test_an_assembly_that_a_job_deploys(tmp_path: Path, line: str) -> None:
    assert [file for file, _ in templates_given(_pipeline(tmp_path, [line]))] == ["out"]


def test_one_alternative_of_a_job_in_which_nothing_makes_a_template(tmp_path: Path) -> None:
    line = "aws cloudformation deploy --stack-name a --template-file out/${{ matrix.stack }}.yaml"
    rows = [{"stack": "b", "role": "one"}, {"stack": "a", "role": "other"}]
    role = {"role-to-assume": "arn:aws:iam::111111111111:role/${{ matrix.role }}"}
    assumes = {"uses": "aws-actions/configure-aws-credentials@v4", "with": role}
    job = {"runs-on": "x", "strategy": {"matrix": {"include": rows}}, "steps": [assumes, {"run": line}]}
    files = {".github/workflows/ci.yml": json.dumps({"on": "push", "jobs": {"a": job}})}
    pipeline = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert pipeline is not None
    assert nobody_makes(pipeline, "out/a.yaml")
    assert nobody_makes(pipeline, "out/b.yaml")
    assert not nobody_makes(pipeline, "out/c.yaml")
