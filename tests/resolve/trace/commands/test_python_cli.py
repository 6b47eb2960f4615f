"""Python's command line: what the interpreter runs."""

from __future__ import annotations

import shlex

import pytest

from checker.model.values import Unknown
from checker.resolve.trace.commands.python_cli import File, Inline, Module, Run, is_python, parse_python


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python deploy.py --now", File("deploy.py", ("--now",))),
        ("python -m ops.deploy -c x", Module("ops.deploy", ("-c", "x"))),
        ("python -mops.deploy now", Module("ops.deploy", ("now",))),
        ("python -um ops.deploy", Module("ops.deploy", ())),
        ("python -c 'import boto3' a", Inline("import boto3", ("a",))),
        ("python -Bc 'import boto3'", Inline("import boto3", ())),
        ("python '-cimport boto3'", Inline("import boto3", ())),
        ("python -W ignore -u deploy.py", File("deploy.py", ())),
        ("python -Wignore deploy.py", File("deploy.py", ())),
        ("python -X dev -X utf8=1 deploy.py", File("deploy.py", ())),
        ("python -bb -OO deploy.py", File("deploy.py", ())),
        ("python --check-hash-based-pycs never deploy.py", File("deploy.py", ())),
        ("python -V", None),
        ("python3 -VV", None),
        ("python --version", None),
        ("python -h deploy.py", None),
        ("python - a", Inline(Unknown("what another command prints"), ("a",))),
        ("python", Inline(Unknown("what another command prints"), ())),
        ("python -c", Inline("", ())),
    ],
)
def test_what_the_interpreter_runs(line: str, expected: Run | None) -> None:
    assert parse_python(shlex.split(line), ()) == expected


@pytest.mark.parametrize(
    ("program", "is_one"),
    [("python", True), ("python3.12", True), ("pypy3", True), ("pythonw", False), ("ipython", False)],
)
def test_interpreters_of_python(program: str, is_one: bool) -> None:
    assert is_python(program) is is_one
