"""Emptying a stack's buckets, in the emulated account."""

from typing import Any

import boto3
import pytest

from infra.environments import REGION
from infra.release import buckets
from infra.release.account import Account
from infra.release.cli import main
from tests.infra.release.fakes import FakeAccount, FakeEcs
from tests.infra.release.stage import Stage

pytestmark = pytest.mark.xdist_group("account with production")
"""One worker, and so one emulated account."""


def test_every_version_and_marker_of_every_bucket_of_the_stack_goes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    s3: Any = stage.root("s3")
    names = buckets.of_stack(stage.root("cloudformation"), "DocPlatformProd")
    assert len(names) == 2
    content = next(name for name in names if "content" in name)
    for body in (b"1", b"2"):
        s3.put_object(Bucket=content, Key="a file", Body=body)
    s3.delete_object(Bucket=content, Key="a file")
    s3.put_object(Bucket="templates", Key="of nobody", Body=b"3")

    # Production refuses; so the one stack there is stands for staging's.
    monkeypatch.setattr("infra.release.cli.stack_name", lambda _: "DocPlatformProd")
    account = Account(REGION, boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION))
    argv = ["empty-buckets", "--environment", "staging", "--confirm", "DocPlatformProd"]
    assert main(argv, {}, account=account) == 0
    assert f"{content}: 3 versions deleted" in capsys.readouterr().out
    left = s3.list_object_versions(Bucket=content)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")
    assert s3.get_object(Bucket="templates", Key="of nobody")["Body"].read() == b"3"


@pytest.mark.parametrize(
    ("environment", "confirmed"), [("production", "DocPlatformProd"), ("staging", "Docplatformstack")]
)
def test_not_in_production_and_not_by_mistake(environment: str, confirmed: str) -> None:
    argv = ["empty-buckets", "--environment", environment, "--confirm", confirmed]
    assert main(argv, {}, account=FakeAccount(FakeEcs())) == 2
