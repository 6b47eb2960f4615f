"""The command line and the environment."""

from pathlib import Path

import pytest

from infra.migrations import cli, config
from infra.migrations.errors import SetupError, printable

REMOTE = {
    "DB_HOST": "db.example.com",
    "DB_NAME": "doc_platform",
    "DB_USER": "postgres",
    "DB_PASSWORD": "hunter2",
    "DB_CA_FILE": __file__,
    "MIGRATIONS_DIR": "/app/migrations/main",
    "RELEASE_SHA": "a" * 40,
}


def test_a_remote_database_is_verified_by_default() -> None:
    assert Path(__file__) == config.settings(["up"], REMOTE).database.ca_file


def test_the_password_is_in_no_representation() -> None:
    assert "hunter2" not in repr(config.settings(["up"], REMOTE))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"DB_HOST": ""}, "not set: DB_HOST"),
        ({"DB_NAME": "", "DB_USER": ""}, "not set: DB_NAME, DB_USER"),
        ({"DB_PASSWORD": ""}, "not set: DB_PASSWORD"),
        ({"DB_CA_FILE": ""}, "DB_CA_FILE names no file"),
        ({"DB_CA_FILE": "/nowhere.pem"}, "DB_CA_FILE names no file"),
        ({"DB_PORT": "postgres"}, "not a port number"),
        ({"DB_PORT": "65536"}, "not a port number"),
        ({"DB_TLS": "disable"}, "neither verify-full nor local-socket"),
        ({"DB_TLS": "local-socket"}, "go together only"),
        ({"DB_HOST": "/var/run/postgresql"}, "go together only"),
        ({"RELEASE_SHA": "v1.2.0"}, "not a full commit SHA"),
        ({"RELEASE_SHA": ""}, "not a full commit SHA"),
        ({"MIGRATIONS_DIR": ""}, "no folder of migrations is named"),
    ],
)
def test_unsound_environments_are_refused(
    changes: dict[str, str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["up"], REMOTE | changes) == 2
    shown = capsys.readouterr()
    assert problem in shown.err
    assert "fix: " in shown.err
    assert "hunter2" not in shown.err + shown.out


def test_reading_needs_no_release() -> None:
    environ = {name: value for name, value in REMOTE.items() if name != "RELEASE_SHA"}
    assert config.settings(["status"], environ).command == "status"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sideways"],
        ["up", "--deadline", "0"],
        ["up", "--deadline", "nan"],
        ["up", "--poll", "61"],
        ["up", "--poll", "x"],
        ["up", "--to", "v7"],
        ["up", "--force"],
    ],
)
def test_unsound_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        config.settings(arguments, REMOTE)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        config.settings(["--help"], {})
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {code}  " in shown for code in range(6))


def test_a_voice_never_says_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    voice = cli.Voice("hunter2")
    voice.say("server: role hunter2 does not exist")
    voice.fail("hunter2", "hunter2")
    shown = capsys.readouterr()
    assert shown.out == "server: role [password] does not exist\n"
    assert "hunter2" not in shown.err


def test_control_characters_are_made_visible() -> None:
    assert printable("a\x1b[2Jb\nc ä") == "a\\x1b[2Jb\\nc ä"


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(SetupError) as refused:
        config.database({})
    assert str(refused.value) == "not set: DB_HOST, DB_NAME, DB_USER"
