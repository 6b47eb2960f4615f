"""What other repositories hold on to: the action, the reusable workflow, the hooks, completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from checker.cli import run as command

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SCRIPT = ROOT / "tools" / "action.sh"
BROKEN = "Resources:\n  Cache: {Type: AWS::ElastiCache::CacheCluster, Properties: {Engine: redis}}\n"
CLEAN = "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n"


def test_the_action_is_pinned_wants_no_secret_and_writes_no_expression_into_a_shell() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "github.token" not in text
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    for found in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", found)


def test_every_input_reaches_the_script() -> None:
    (step,) = [each for each in ACTION["runs"]["steps"] if "run" in each]
    passed = {name for value in step["env"].values() for name in re.findall(r"inputs\.([\w-]+)", value)}
    assert passed == set(ACTION["inputs"])
    read = set(re.findall(r"CHECKER_\w+", SCRIPT.read_text(encoding="utf-8")))
    assert read == {name for name in step["env"] if name.startswith("CHECKER_")}
    called = yaml.safe_load((ROOT / ".github/workflows/gate.yml").read_text(encoding="utf-8"))
    (own,) = [each for each in called["jobs"]["gate"]["steps"] if "action.sh" in each.get("run", "")]
    assert {name for name in own["env"] if name.startswith("CHECKER_")} == read
    # What the action can be asked, the reusable workflow can be asked too.
    assert set(called[True]["workflow_call"]["inputs"]) == {*ACTION["inputs"], "checker"}


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """A runner without a network: what would be installed is this environment."""
    programs = tmp_path / "programs"
    programs.mkdir()
    python = programs / "python3"
    # `python3 -m venv HOME`: a home whose installer does nothing and whose checker is ours.
    python.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\n'
        'printf "#!/bin/sh\\nexit 0\\n" > "$3/bin/python"\n'
        f'printf \'#!/bin/sh\\nexec "{Path(sys.executable).with_name("checker")}" "$@"\\n\' > "$3/bin/checker"\n'
        'chmod +x "$3/bin/python" "$3/bin/checker"\n'
    )
    python.chmod(0o755)
    return {
        "PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "CHECKER_OUT": str(tmp_path / "out"),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }


@pytest.mark.parametrize(("template", "code"), [(CLEAN, 0), (BROKEN, 1)])
def test_its_steps_in_a_scrubbed_environment(runner: dict[str, str], tmp_path: Path, template: str, code: int) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "a template.yaml").write_text(template)
    hostile = f"production={project}/a template.yaml\n\n"
    environ = {**runner, "CHECKER_PROJECT": str(project), "CHECKER_ASSEMBLIES": hostile}
    done = subprocess.run([str(SCRIPT)], cwd=project, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    outputs = dict(line.split("=", 1) for line in Path(runner["GITHUB_OUTPUT"]).read_text().splitlines())
    assert outputs["exit-code"] == str(code)
    assert json.loads(Path(outputs["json"]).read_text())["environments"] == ["production"]
    assert json.loads(Path(outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert Path(runner["GITHUB_STEP_SUMMARY"]).read_text()


def test_inputs_are_words_and_no_commands(runner: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "clean.yaml").write_text(CLEAN)
    environ = {**runner, "CHECKER_ASSEMBLIES": f"$(touch {tmp_path}/ran)\n; touch {tmp_path}/ran"}
    done = subprocess.run([str(SCRIPT)], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert not (tmp_path / "ran").exists()


def test_the_hooks_run_commands_that_there_are() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [each["id"] for each in hooks] == ["checker-gate", "checker-gate-pipeline"]
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        assert program == "checker"
        assert command([*arguments, "--help"]) == 0
        re.compile(hook["files"])
        assert hook["pass_filenames"] is False
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{each}"' in project for each in hooks[1]["additional_dependencies"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["completion", shell]) == 0
    assert "_CHECKER_COMPLETE" in capsys.readouterr().out


def test_completion_knows_commands_and_options() -> None:
    program = str(Path(sys.executable).with_name("checker"))
    for words, expected in {"checker ev": "evidence", "checker gate --base": "--baseline"}.items():
        environ = {"_CHECKER_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = subprocess.run([program], env=environ, capture_output=True, text=True, check=False)
        assert f"plain,{expected}" in done.stdout.splitlines()
