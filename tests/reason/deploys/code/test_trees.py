"""Whose code a stack is of that a script deploys, where the repository is checked out into folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.pipeline.scripts import AwsCall
from checker.reason.deploys.code.trees import stands_in
from tests.pipelines import trace_of

PLACES = frozenset({"", "release", "main"})


@pytest.mark.parametrize(
    ("before", "template", "home"),
    [
        ("", "infra/shop.yaml", ""),
        ("", "release/infra/shop.yaml", "release"),
        ("cd release", "infra/shop.yaml", "release"),
        ("cd release", "../main/infra/shop.yaml", "main"),
        ("cd release", "../infra/shop.yaml", ""),
        ("cp main/infra/shop.yaml /tmp/shop.yaml\ncd release", "/tmp/shop.yaml", "main"),
        ("cp main/infra/shop.yaml one.yaml\nmv one.yaml two.yaml", "two.yaml", "main"),
        ("sed s/A/B/ release/infra/shop.yaml > out.yaml", "out.yaml", "release"),
        ("cat main/infra/shop.yaml | envsubst | tee out.yaml", "out.yaml", "main"),
        ("aws ssm get-parameter --name /a/b > main/out.yaml\ncd release", "infra/shop.yaml", "release"),
        ("cd release\nsed s/A/B/ infra/shop.yaml > ../out.yaml\ncd ..", "out.yaml", "release"),
        ("cd release", "https://bucket.s3.amazonaws.com/main/shop.yaml", "release"),
    ],
)
def test_a_stack_is_of_the_code_that_its_template_is_made_of(
    before: str, template: str, home: str, tmp_path: Path
) -> None:
    trace = trace_of(tmp_path, f"{before}\naws cloudformation deploy --stack-name shop --template-file {template}")
    assert [at for action, at in stands_in(trace, PLACES) if isinstance(action, AwsCall)][-1] == home
