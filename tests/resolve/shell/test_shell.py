"""Shell scripts followed without running them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.collect.pipeline.shell_syntax import parse_shell
from checker.model.pipeline.scripts import Command, Reached
from checker.model.sources import Spot
from checker.resolve.shell.follower import Follower
from checker.resolve.shell.state import State
from tests.pipelines import load, trace_of

CASES = load(Path(__file__).with_name("shell.yaml"))


def facts(command: Command) -> dict[str, Any]:
    handling, loop = command.handling, command.loop
    return {
        **{
            name: getattr(handling, name)
            for name in ("stops", "tested", "negated", "captured", "lost", "retried", "fallback", "piped")
        },
        "stdout": handling.stdout.value,
        "stderr": handling.stderr.value,
        "certain": command.certain,
        "on_failure": command.reached.on_failure,
        "loop": loop.kind if loop else None,
        "index": loop.index if loop else None,
        "values": list(loop.values) if loop and loop.values else None,
    }


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    trace = trace_of(tmp_path, case["run"])
    # Where a script ends is on record too; these cases are about what it does.
    commands = [command for command in trace.commands if command.program not in {"exit", "return"}]
    step = commands[0].step
    assert step is not None
    assert step.run is not None
    first = step.run.lines[0]
    said = [[command.spot.line - first + 1, command.text()] for command in commands]
    assert said == [entry[:2] for entry in case["commands"]]
    for command, (_, _, wanted) in zip(commands, case["commands"], strict=True):
        known = facts(command)
        assert {name: known[name] for name in wanted} == wanted, command.source
    assert [each.message for each in trace.problems if "no AWS service" not in each.message] == []


def test_scripts_are_followed_from_one_file_to_the_next(tmp_path: Path) -> None:
    files = {
        "scripts/deploy.sh": '#!/bin/bash -e\ncd "$(dirname "${BASH_SOURCE[0]}")"\n. ./lib/common.sh\n'
        'roll "$1" "$IMAGE"\n',
        "scripts/lib/common.sh": 'roll() {\n  aws ecs update-service --service "$1" --task-definition "$2"\n}\n',
    }
    trace = trace_of(tmp_path, "IMAGE=abc ./scripts/deploy.sh api", files)
    call = trace.aws[0]
    assert str(call.spot) == "scripts/lib/common.sh:2"
    assert [str(spot) for spot in call.reached.via] == [".github/workflows/ci.yml:8", "scripts/deploy.sh:4"]
    assert (call.text("service"), call.text("taskDefinition")) == ("api", "abc")
    assert call.handling.stops


def test_a_script_that_is_not_there_is_said(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, "bash ./nope.sh")
    assert [problem.message for problem in trace.problems] == ["there is no script ./nope.sh in the repository"]
    assert not trace.complete


def test_outside_of_the_repository_is_outside(tmp_path: Path) -> None:
    (tmp_path / "secret.sh").write_text("aws iam delete-role --role-name x\n")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "link.sh").symlink_to(tmp_path / "secret.sh")
    trace = trace_of(tmp_path / "repo", "bash ../secret.sh\nbash link.sh\n")
    assert trace.aws == ()


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("f() { f; }\nf\n", "calls itself"),
        ("if aws x y; then\n", "not understood as bash"),
        ("cat <<EOF\n  $(aws x\nEOF\n", "not understood as bash"),
        ("cat <<EOF\n  `aws x\nEOF\n", "not understood as bash"),
        ("cat <<EOF\na\n  EOF\naws ecs no\nEOF\n", "not understood as bash"),
        ("cat <<-EOF\na\n  EOF\naws ecs no\nEOF\n", "not understood as bash"),
        ("$(cat tool) deploy\n", "is not known before it runs"),
        ('eval "$(sed 1d f)"\n', "eval runs what is not known"),
        ('eval "$(cat f)"\n', "a sourced file cannot be found"),
        ("source <(curl https://x.example)\n", "source runs what is not known"),
        ("source ~/.shop/roll.sh\n", "a sourced file cannot be found"),
        ("source ./missing.sh\n", "a sourced file cannot be found in the repository: ./missing.sh"),
        ("make deploy\n", "what `make deploy` runs was not followed"),
        ("npm run deploy\n", "what `npm deploy` runs was not followed"),
        ("aws nosuch thing\n", "there is no AWS service 'nosuch'"),
        ("aws ecs wait forever\n", "ecs has no waiter 'forever'"),
    ],
)
def test_what_cannot_be_followed_is_said(run: str, message: str, tmp_path: Path) -> None:
    trace = trace_of(tmp_path, run)
    assert any(message in problem.message for problem in trace.problems), trace.problems
    assert not trace.complete


@pytest.mark.parametrize(
    "run",
    [
        ". ~/.local/bin/env\n",
        '. "$HOME/.ghcup/env"\n',
        ". .venv/Scripts/activate\n",
        '. "$HOME/.nix-profile/etc/profile.d/nix.sh"\n',
        'source "$HOME/.rvm/scripts/rvm"\nrvm use 3.3\n',
        'eval "$(starship init bash)"\n',
    ],
)
def test_files_that_tools_give_a_shell_are_no_problem(run: str, tmp_path: Path) -> None:
    assert trace_of(tmp_path, run).complete


def test_other_shells_are_said(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, "", steps=[{"run": "Get-Item x", "shell": "pwsh"}])
    assert "pwsh was not followed" in trace.problems[0].message


def test_values_that_are_not_known_do_not_grow_without_bound(tmp_path: Path) -> None:
    doubling = "".join(f'v{n}="$v{n - 1}$v{n - 1}"\n' for n in range(1, 60)) + 'aws ecs x --y "$v59"\n'
    trace = trace_of(tmp_path, doubling)
    assert trace.commands[-1].words[:3] == ("aws", "ecs", "x")


def test_work_is_bounded(tmp_path: Path) -> None:
    doubled = "".join(f"f{n}() {{ f{n - 1}; f{n - 1}; }}\n" for n in range(1, 20))
    doubling = "f0() { aws ecs x; }\n" + doubled + "f19\n"
    trace = trace_of(tmp_path, doubling)
    assert any("more than can be followed" in problem.message for problem in trace.problems)
    deep = trace_of(tmp_path, "(" * 2000 + "aws x" + ")" * 2000)
    assert not deep.complete


def test_any_script_may_be_written_in_any_alphabet(tmp_path: Path) -> None:
    run = 'größe=groß\necho "→ $größe 💥" ünï \'é\'\naws ecs x --name "naïve-${X:-ö}"\n'
    trace = trace_of(tmp_path, run)
    assert trace.commands[-2].words[-2:] == ("ünï", "é")
    assert trace.aws[0].text("name") == "naïve-ö"


PIECES = st.sampled_from(
    ["aws ecs x", "if", "then", "fi", "for i in a b; do", "done", "$(", ")", "`", '"', "'", "{", "}", "||", "&&", "|",
     "x=1", "${x:-", "<<EOF\n", "EOF\n", "\n", "[[ ", " ]]", "case x in", "esac", ";;", "f() {", "#", "\\", "&", ">",
     "$@"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=25))
def test_no_text_breaks_the_follower(parts: list[str]) -> None:
    script = parse_shell(" ".join(parts), "x.sh")
    follower = Follower(ScriptLibrary(Path("/nonexistent")), Reached(Spot("x.sh")))
    follower.follow(State(script, positional=None))
    assert all(command.spot.file == "x.sh" for command in follower.commands)


WORDS = st.text("ab c$*'\"\\", max_size=12)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=4))
def test_quoting_is_that_of_a_real_shell(words: list[str]) -> None:
    import shlex

    line = "echo " + " ".join(shlex.quote(word) for word in words)
    script = parse_shell(line, "x.sh")
    follower = Follower(ScriptLibrary(Path("/nonexistent")), Reached(Spot("x.sh")))
    follower.follow(State(script))
    real = subprocess.run(["bash", "-c", f"printf '%s\\0' {line[5:]}"], capture_output=True, check=True)
    assert [*follower.commands[0].words[1:]] == real.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("case", load(Path(__file__).with_name("spellings.yaml")), ids=lambda case: case["run"])
def test_spellings_that_the_grammar_does_not_take(case: dict[str, Any], tmp_path: Path) -> None:
    bash = subprocess.run(["bash", "-O", "extglob", "-n"], input=case["run"], text=True, check=False)
    assert bash.returncode == 0
    trace = trace_of(tmp_path, case["run"])
    commands = [command for command in trace.commands if command.program not in {"exit", "return", "exec", "set"}]
    assert commands[0].step is not None
    assert commands[0].step.run is not None
    first = commands[0].step.run.lines[0]
    assert [[each.spot.line - first + 1, each.text().strip()] for each in commands] == case["commands"]
    assert [each.message for each in trace.problems if "no AWS service" not in each.message] == []
