"""What a pipeline tells of its jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.model.settings import Settings
from checker.run.pipeline import pipeline_of
from tests.pipelines import repository, workflow


def test_a_job_of_another_pipeline_does_not_do_nothing(tmp_path: Path) -> None:
    one, other = (
        pipeline_of(repository(tmp_path / name, {".github/workflows/d.yml": workflow("aws s3 ls")}), Settings(), ())
        for name in ("a", "b")
    )
    assert one is not None
    assert other is not None
    assert one.trace(one.jobs[0]).aws
    with pytest.raises(KeyError, match="job"):
        one.trace(other.jobs[0])
