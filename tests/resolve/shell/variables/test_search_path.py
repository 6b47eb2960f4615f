"""What a name of a program, or of a file, stands for by then: of the repository, of the system, of nobody known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.possible import joined, open_text
from checker.resolve.shell.variables.github_script import set_by_script
from checker.resolve.shell.variables.search_path import with_before
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import load, pipeline

_HERE = Path(__file__).parent
CASES = [*load(_HERE / "search_path.yaml"), *load(_HERE / "startup.yaml")]
_ASK = "aws ecs describe-services --cluster c --services s"
_LOGIN = {
    "uses": "aws-actions/configure-aws-credentials@v4",
    "with": {"role-to-assume": "arn:aws:iam::111122223333:role/r", "aws-region": "us-west-2"},
}
_FIRST = "/usr/bin/aws ecs update-service --cluster c --service s --force-new-deployment\n"
_OWN = '#!/bin/sh\n/usr/bin/aws ecs update-service --cluster c --service s --force-new-deployment "$@"\n'


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    check(case, tmp_path)


def check(case: dict[str, Any], tmp_path: Path) -> None:
    """The calls of a job with these steps, and how many of its commands nobody followed."""
    steps = [step if isinstance(step, dict) else {"run": step} for step in case["steps"]]
    own: dict[str, Any] = {name: case[name] for name in ("env", "container") if name in case}
    job: dict[str, Any] = {
        **own,
        "runs-on": "ubuntu-latest",
        "steps": [{"uses": "actions/checkout@v4"}, _LOGIN, *steps],
    }
    flow = yaml.safe_dump({"on": "push", "permissions": {"id-token": "write"}, "jobs": {"job": job}}, sort_keys=False)
    files = {".github/workflows/ci.yml": flow, "tools/aws": _OWN, "ci/env.sh": _FIRST, **case.get("files", {})}
    made = pipeline(tmp_path, {name: text.replace("ASK", _ASK) for name, text in files.items()})
    traces, unfollowed = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    assert [call.operation for trace in traces.values() for call in trace.aws] == case["calls"]
    assert len(unfollowed) == case.get("gaps", 0)


def test_what_a_path_was_before_takes_its_place() -> None:
    added = joined(["/b:", open_text("${PATH}")])
    assert with_before(added, "/a:/usr/bin") == "/b:/a:/usr/bin"
    assert with_before("/only", "/a") == "/only"


def test_folders_of_a_script_for_node() -> None:
    code = "core.addPath('bin'); core.addPath(process.env.GITHUB_WORKSPACE + '/x'); core.addPath(process.cwd())"
    assert set_by_script(code, {"PATH": "/a"}) == {
        "PATH": "/github/workspace:/github/workspace/x:/github/workspace/bin:/a"
    }
    assert set_by_script("core.info('x')", {}) == {}
    assert set_by_script("core.exportVariable('A', 'b'); core.exportVariable('C', d)", {}) == {
        "A": "b",
        "C": open_text("${C}"),
    }


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("core.exportVariable('A', '1')\ncore.exportVariable('A', '2')", "2"),
        ("const x = await f()\ncore.exportVariable(\n  'A',\n  '2',\n)", "2"),
        ("xs.map(x => { return x }); core.exportVariable('A', '2')", "2"),
        ("const odd = /['\"(]/; core.exportVariable('A', '2') // it's", "2"),
        ("const u = `${x ? `b${y}` : '}'}`\ncore.exportVariable('A', '2')", "2"),
        ("core.exportVariable('A', '1'); if (a) { core.exportVariable('A', '2') }", "1 | 2"),
        ("if (a) core.exportVariable('A', '2')", "was | 2"),
        ("if (a)\n  core.exportVariable('A', '2')", "was | 2"),
        ("if (a) {\n} else\n  core.exportVariable('A', '2')", "was | 2"),
        ("a && core.exportVariable('A', '2')", "was | 2"),
        ("xs.forEach(x => core.exportVariable('A', '2'))", "was | 2"),
        ("function f() {\n  core.exportVariable('A', '2')\n}", "was | 2"),
        ("if (a) { return }\ncore.exportVariable('A', '2')", "was | 2"),
        ("if (a) process.exit(0)\ncore.exportVariable('A', '2')", "was | 2"),
        ("f(\ncore.exportVariable('A', '2')", "was | ${A}"),
        ("core.exportVariable('A', 'a\\n')", "${A}"),
        ("/* core.exportVariable('A', '2') */ f('core.exportVariable(1)')", None),
    ],
)
def test_variables_of_a_script_for_node(code: str, value: str | None) -> None:
    found = set_by_script(code, {"A": "was"}).get("A")
    assert (None if found is None else str(found)) == value
