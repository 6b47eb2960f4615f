"""How long a Python loop that waits goes on, as far as its code tells."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline
from tests.resolve.python.test_libraries import FILES

_HEAD = """\
import boto3, datetime, time
from datetime import timedelta
LIMIT = 20
ecs = boto3.client("ecs")
def done():
    return ecs.describe_tasks(tasks=["t"])["tasks"][0]["lastStatus"] == "STOPPED"
"""
CASES = load(Path(__file__).with_name("bounds.yaml"))


def _loop(code: str, tmp_path: Path) -> tuple[float | None, bool]:
    made = pipeline(tmp_path, {**FILES, "main.py": _HEAD + "def main(limit):\n" + indent(code, "    ") + "main(90)\n"})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    (call,) = [each for trace in traces.values() for each in trace.aws]
    assert call.loop is not None
    return call.loop.seconds, call.loop.bounded


@pytest.mark.parametrize("case", CASES, ids=[str(index) for index in range(len(CASES))])
def test_a_loop(case: dict[str, Any], tmp_path: Path) -> None:
    assert _loop(case["code"], tmp_path)[0] == case["seconds"]


_RAISES = "def wait():\n    if not done():\n        raise RuntimeError\nwait()\n"


@pytest.mark.parametrize(
    ("decorator", "seconds", "bounded"),
    [
        ("@tenacity.retry(stop=tenacity.stop_after_delay(60))", 60, True),
        ("@tenacity.retry(stop=stop_after_attempt(9) | stop_after_delay(60), wait=wait_fixed(5))", 45, True),
        ("@tenacity.retry(stop=stop_after_attempt(9), wait=wait_exponential())", None, True),
        ("@tenacity.retry(stop=mine, wait=wait_fixed(5))", None, True),
        ("@tenacity.retry(wait=wait_fixed(5))", None, False),
        ("@tenacity.retry", None, False),
        ("@backoff.on_predicate(backoff.constant, interval=2, max_tries=30)", 60, True),
        ("@retrying.retry(stop_max_delay=60000, wait_fixed=1000)", 60, True),
        ("@retry(tries=6, delay=10)", 60, True),
    ],
)
def test_a_function_that_is_called_again(decorator: str, seconds: float | None, bounded: bool, tmp_path: Path) -> None:
    assert _loop(f"{decorator}\n{_RAISES}", tmp_path) == (seconds, bounded)


def test_a_call_that_is_only_made_again_where_it_fails_waits_for_nothing(tmp_path: Path) -> None:
    code = "@tenacity.retry(stop=stop_after_attempt(3))\ndef ask():\n    return done()\nask()\n"
    made = pipeline(tmp_path, {**FILES, "main.py": _HEAD + code})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    assert [each.loop for trace in traces.values() for each in trace.aws] == [None]
