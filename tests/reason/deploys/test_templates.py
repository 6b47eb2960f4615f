"""Which files of the repository are handed to CloudFormation, however that is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.settings import Settings
from checker.reason.deploys.templates import templates_given
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
