"""A glance tells whether a folder has a pipeline: what it overlooks is not judged at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.config.register import load_register
from checker.model.settings import Settings
from checker.model.verdicts import Outcome
from checker.policies.rules import load
from checker.run.coverage import left_out
from checker.run.judging import judge_stacks
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("db/migrations/20260101000000_nick.php", "<?php class Nick extends AbstractMigration {}"),
        ("Migrations/20260101000000_Nick.cs", "public partial class Nick : Migration {}"),
        ("priv/repo/migrations/20260101000000_nick.exs", "use Ecto.Migration"),
        ("src/db/migration/V2__Nick.java", "public class V2__Nick extends BaseJavaMigration {}"),
        ("src/db/migration/V2__Nick.kt", "class V2__Nick : BaseJavaMigration() {}"),
        ("db/changelog/db.changelog-master.xml", '<databaseChangeLog><changeSet id="1"/>'),
        ("db/changelog/002.xml", '<databaseChangeLog><changeSet id="1"/>'),
        ("src/liquibase/002.xml", '<databaseChangeLog><changeSet id="1"/>'),
    ],
)
def test_migrations_alone_are_seen_whatever_they_are_written_in(file: str, text: str, tmp_path: Path) -> None:
    found = pipeline_of(repository(tmp_path, {file: text}), Settings(), ())
    assert found is not None
    assert [[each.spot.file for each in folder.problems] for folder in found.migrations] == [[file]]


def test_a_folder_of_templates_has_none(tmp_path: Path) -> None:
    assert pipeline_of(repository(tmp_path, {"template.yaml": "Resources: {}"}), Settings(), ()) is None


def test_scripts_that_no_job_runs_are_named_where_they_call_aws(tmp_path: Path) -> None:
    files = {
        ".github/workflows/a.yml": "on: push\njobs: {a: {runs-on: x, steps: [{run: ./run.sh}]}}\n",
        "run.sh": ". ./lib.sh\nroll\n",
        "lib.sh": "roll() { aws ecs update-service --cluster a --service b; }\n",
        "by-hand.sh": "set -e\naws --region eu-west-1 s3 sync . s3://site\n",
        "plain.sh": "# aws s3 ls\necho aws-cli\n",
        "tests/fake.sh": "aws s3 ls\n",
        "old/gone.sh": "cdk deploy\n",
    }
    found = pipeline_of(repository(tmp_path, files), Settings(exclude={"old": "not used"}), ())
    assert found is not None
    assert found.not_run == ("by-hand.sh",)
    assert list(left_out(found)) == ["no workflow is seen to run by-hand.sh: what it does is not judged"]


def test_calls_that_do_not_go_to_aws_are_told(tmp_path: Path) -> None:
    """A variable of a workflow must not take calls out of what is judged without a word."""
    runs = ["aws ecs list-clusters", "aws --endpoint-url http://minio:9000 s3 ls", "aws sqs list-queues"]
    steps = "".join(f"      - run: {each}\n" for each in runs)
    job = f"    runs-on: x\n    env: {{AWS_ENDPOINT_URL: 'http://[::1]:4566'}}\n    steps:\n{steps}"
    files = {".github/workflows/a.yml": f"on: push\njobs:\n  a:\n{job}"}
    found = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert found is not None
    assert list(left_out(found)) == [
        "calls that go to [::1], not to AWS, are not judged: .github/workflows/a.yml:7 and 1 more",
        "calls that go to minio, not to AWS, are not judged: .github/workflows/a.yml:8",
    ]


@pytest.mark.parametrize("broken", ["on: push\njobs:\n  a: [\n", "- on: push\n", "on: push\njobs: later\n"])
def test_what_a_workflow_does_that_is_not_read_is_unknown(broken: str, tmp_path: Path) -> None:
    """A rule that finds nothing has not looked there: "not applicable" would be said of what nobody saw."""
    good = "on: push\njobs: {a: {runs-on: x, steps: [{run: echo}]}}\n"
    answers = []
    for number, last in enumerate((good, "# on: push\n", broken)):
        root = repository(tmp_path / str(number), {".github/workflows/a.yml": good, ".github/workflows/b.yml": last})
        found = pipeline_of(root, Settings(), ())
        assert found is not None
        rules = [each for each in load() if each.check_pipeline is not None]
        verdicts = judge_stacks((), {}, rules, load_register().findings, pipeline=found)
        answers.append({each.finding for each in verdicts if each.outcome is Outcome.NOT_APPLICABLE})
        assert {each.outcome for each in verdicts} == {Outcome.NOT_APPLICABLE if number < 2 else Outcome.UNKNOWN}
    assert answers[0] == answers[1]
    assert not answers[2]


def test_a_script_that_bash_refuses_is_told_though_it_leaves_nothing_open(tmp_path: Path) -> None:
    files = {
        ".github/workflows/a.yml": "on: push\njobs: {a: {runs-on: x, steps: [{run: bash run.sh}, {run: npm build}]}}\n",
        "run.sh": "set -e\naws ecs list-clusters\nif [ -f a ]; then\n  echo there\n",
    }
    found = pipeline_of(repository(tmp_path, files), Settings(), ())
    assert found is not None
    (note,) = left_out(found)
    assert note.startswith("run.sh:")
    assert "not understood as bash" in note
