"""Three projects of other people take the checker up by docs/tutorial.md alone: init, gate, a defect, a waiver."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.layouts.layout import HERE, lay_out

# layout -> what a change breaks (file, before, after), what the gate says of it then, and whether some of the project
# cannot be read by anyone.
PROJECTS = {
    "cdk-typescript-app": (
        "infra/cdk.out/ApiProd.json",
        '"RetentionInDays": 30',
        '"Tags": []',
        "P12[retention]",
        False,
    ),
    "make-deploys-nested-stacks": (
        "cloudformation/database.yaml",
        "StorageEncrypted: true",
        "StorageEncrypted: false",
        "C8[storage]",
        False,
    ),
    "rails-run-task": (".github/workflows/cd.yml", "id-token: write, ", "", "P4", False),
}


def checker(project: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """As a newcomer runs it: nothing of this machine but the program."""
    environ = {"HOME": str(home), "PATH": f"{home}{os.pathsep}/bin", "LANG": "C.UTF-8"}
    program = [str(Path(sys.executable).with_name("checker")), *words]
    return subprocess.run(program, cwd=project, env=environ, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("name", PROJECTS)
def test_init_gate_break_and_waive(name: str, tmp_path: Path) -> None:
    file, before, after, said, unread = PROJECTS[name]
    project = tmp_path / "project"
    project.mkdir()
    lay_out(HERE / f"{name}.yaml", project)
    subprocess.run(["git", "init", "-q", "-b", "main", str(project)], check=True)

    begun = checker(project, tmp_path, "init")
    assert begun.returncode == 0, begun.stderr
    assert "Next: checker gate --baseline checker-baseline.json" in begun.stdout
    # What the baseline holds does not fail, and neither does what nobody can read.
    calm = checker(project, tmp_path, "gate", "--baseline", "checker-baseline.json", "--quiet")
    assert calm.returncode == 0, calm.stdout
    assert ("not read: " in calm.stdout) == unread
    # A second look changes nothing: nothing that was written is judged.
    assert "--force" in checker(project, tmp_path, "init").stderr

    text = (project / file).read_text(encoding="utf-8")
    assert before in text
    (project / file).write_text(text.replace(before, after), encoding="utf-8")
    broken = checker(project, tmp_path, "gate", "--baseline", "checker-baseline.json", "--quiet")
    assert broken.returncode == 1, broken.stdout
    assert f" {said} " in broken.stdout

    (project / "policies").mkdir()
    today = date.today()
    (project / "policies/waivers.yaml").write_text(
        f'waivers:\n- finding: "{said}"\n  environments: ["*"]\n  resource: "*"\n'
        "  reason: It goes with the next release.\n"
        f"  owner: platform-team\n  approved-on: {today}\n  expires-on: {today + timedelta(30)}\n"
    )
    waived = checker(project, tmp_path, "gate", "--baseline", "checker-baseline.json", "--quiet")
    assert f" {said} " not in waived.stdout
