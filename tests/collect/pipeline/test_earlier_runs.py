"""What earlier runs followed counts where nothing is another: then, and only then, nothing is followed anew."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.collect.kept.user_cache import user_cache
from checker.collect.pipeline import earlier_runs
from checker.collect.pipeline.earlier_runs import EarlierRuns
from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.pipeline.scripts import AwsCall
from checker.model.settings import Settings
from checker.resolve.python import code
from checker.run.pipeline import pipeline_of

FILES = {
    ".github/workflows/cd.yml": """
on: push
permissions: {id-token: write}
jobs:
  deploy:
    runs-on: ubuntu-latest
    env: {CLUSTER: main}
    steps:
      - run: python tools/deploy.py
      - run: |
          python - <<'PY'
          import boto3
          boto3.client("s3").list_buckets()
          PY
""",
    "tools/deploy.py": """
import os, boto3
from wait import wait
import tools_of_others.things

ecs = boto3.client("ecs")
try:
    ecs.update_service(cluster=os.environ["CLUSTER"], service="api")
finally:
    wait(ecs)
""",
    "tools/wait.py": """
def wait(ecs):
    ecs.describe_services(cluster="main", services=["api"])
""",
    "tools/broken.py": "def (:\n",
}


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        write(tmp_path / "repository", path, text)
    return tmp_path / "repository"


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that were followed so far."""
    paths: list[str] = []
    follow = code.follow

    def watched(library: object, path: str, *rest: object) -> object:
        paths.append(path)
        return follow(library, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(code, "follow", watched)
    return paths


def calls(root: Path, earlier: EarlierRuns | None = None) -> list[str]:
    """What the jobs call, what becomes of it, and what was not read."""
    pipeline = pipeline_of(root, Settings(), (), earlier)
    assert pipeline is not None
    actions = [each for trace in pipeline.traces.values() for each in trace.actions if isinstance(each, AwsCall)]
    told = [f"{each.spot} {each.operation} {dict(each.arguments)} {each.handling.ends!r}" for each in actions]
    told += [str(each.problem) for each in pipeline.unfollowed]
    if earlier is not None:
        earlier.save()
    return told


def kept() -> Path:
    (file,) = user_cache("followed").iterdir()
    return file


PROGRAMS = ["tools/deploy.py", ".github/workflows/cd.yml:11"]


def test_what_has_not_changed_is_not_followed_again(root: Path, followed: list[str]) -> None:
    fresh = calls(root)
    assert any("UpdateService" in line for line in fresh)
    assert calls(root, EarlierRuns()) == fresh
    assert followed == [*PROGRAMS, *PROGRAMS]
    assert calls(root, EarlierRuns()) == fresh
    assert followed == [*PROGRAMS, *PROGRAMS]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: write(root, "tools/wait.py", "def wait(ecs):\n    ecs.delete_service(service='api')\n"),
        lambda root: (root / "tools/wait.py").unlink(),
        lambda root: write(root, "tools/wait.py", "def wait(:\n"),
        lambda root: (root / "tools/wait.py").write_bytes(b"\xff\xfe"),
        # A library's name that a file of the repository takes now: in the program's folder, at the root, further down.
        lambda root: write(root, "tools/boto3.py", "def client(name):\n    return None\n"),
        lambda root: write(root, "tools_of_others/things.py", "import boto3\nboto3.client('s3').delete_bucket()\n"),
        lambda root: write(root, "a/tools_of_others/things.py", "import boto3\nboto3.client('s3').delete_bucket()\n"),
    ],
    ids=["changed", "gone", "broken", "unreadable", "a library's name", "now here", "now below"],
)
def test_what_a_program_imports_is_followed_when_it_is_another(
    change: Callable[[Path], object], root: Path, followed: list[str]
) -> None:
    before = calls(root, EarlierRuns())
    change(root)
    followed.clear()
    after = calls(root, EarlierRuns())
    assert "tools/deploy.py" in followed
    assert after == calls(root) != before


@pytest.mark.parametrize(
    ("old", "new", "programs"),
    [
        ("CLUSTER: main", "CLUSTER: other", PROGRAMS),
        ("list_buckets", "delete_bucket", PROGRAMS[1:]),
        ("deploy.py", "deploy.py --now", PROGRAMS[:1]),
    ],
    ids=["environment", "text in the workflow", "words"],
)
def test_another_start_is_followed(old: str, new: str, programs: list[str], root: Path, followed: list[str]) -> None:
    calls(root, EarlierRuns())
    file = root / ".github/workflows/cd.yml"
    file.write_text(file.read_text().replace(old, new))
    followed.clear()
    after = calls(root, EarlierRuns())
    assert followed == programs
    assert after == calls(root)


def test_what_does_not_concern_a_program_changes_nothing(root: Path, followed: list[str]) -> None:
    before = calls(root, EarlierRuns())
    write(root, "tools/unused.py", "import boto3\n")
    write(root, "README.md", "Other words.\n")
    followed.clear()
    assert calls(root, EarlierRuns()) == before
    assert not followed


def test_another_state_of_the_checker_follows_anew(
    root: Path, followed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = calls(root, EarlierRuns())
    monkeypatch.setattr(earlier_runs, "_own_code", lambda: "0" * 64)
    followed.clear()
    assert calls(root, EarlierRuns()) == before
    assert followed == PROGRAMS


def test_its_state_is_that_of_every_file_that_following_reads_imports_or_is_read_by() -> None:
    """Modules that following leads to, and the tables that they read, stand where the state is taken from."""
    code = (
        "import sys; from checker.collect.pipeline import scripts; from checker.resolve.trace import tracer; "
        "from checker.resolve.python import code; from checker.resolve.python.rehearsal import way; "
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('checker.') and m.__file__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    home = Path(earlier_runs.__file__).parents[2]
    imported = {Path(file).relative_to(home) for file in done.stdout.split()}
    covered = {home / each for each in earlier_runs._DECIDING}
    missed = {file for file in imported if not any((home / file).is_relative_to(each) for each in covered)}
    assert missed <= {Path("collect/__init__.py")}


class Harm:
    """Runs a command when it is read, where a reader lets it."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(user_cache("harmed")),))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _content: b"",
        lambda content: content[:-1],
        lambda content: content[:200] + b"\0" + content[201:],
        lambda content: content[:64] + b"0" * 64 + content[128:],
        lambda content: _told(content, pickle.dumps(({}, {"key": pickle.dumps(Harm())}))),
        lambda content: _told(content, pickle.dumps(Harm())),
        lambda content: _told(content, pickle.dumps("no such thing")),
    ],
    ids=["empty", "cut short", "a flipped byte", "another sum", "harm inside", "harm", "other data"],
)
def test_a_file_that_is_not_as_it_was_written_is_as_none(
    spoil: Callable[[bytes], bytes], root: Path, followed: list[str]
) -> None:
    before = calls(root, EarlierRuns())
    kept().write_bytes(spoil(kept().read_bytes()))
    followed.clear()
    assert calls(root, EarlierRuns()) == before
    assert followed == PROGRAMS
    assert not user_cache("harmed").exists()


def _told(content: bytes, body: bytes) -> bytes:
    """A body with its own sum before it, behind the state of the checker that wrote the file."""
    from hashlib import sha256

    return content[:64] + sha256(body).hexdigest().encode() + body


def test_an_entry_of_another_class_is_followed_anew_and_makes_nothing(root: Path, followed: list[str]) -> None:
    before = calls(root, EarlierRuns())
    asked, entries = pickle.loads(kept().read_bytes()[128:])
    spoilt = (asked, dict.fromkeys(entries, pickle.dumps(Harm())))
    kept().write_bytes(_told(kept().read_bytes(), pickle.dumps(spoilt)))
    followed.clear()
    assert calls(root, EarlierRuns()) == before
    assert followed == PROGRAMS
    assert not user_cache("harmed").exists()


def test_what_is_no_fact_is_not_written(root: Path) -> None:
    library = ScriptLibrary(root)
    module = library.python("tools/wait.py")
    earlier = EarlierRuns().begin(library)
    for name, made in {"a module": module, "its syntax": module.tree if module else None, "harm": Harm()}.items():
        earlier.keep(name, "", lambda made=made: made)  # type: ignore[misc]
    earlier.keep("plain", "", lambda: ("words", {"key": 1}))
    earlier.save()
    again = EarlierRuns().begin(ScriptLibrary(root))
    assert again.recall("plain", "") == ("words", {"key": 1})
    assert [again.recall(name, "") for name in ("a module", "its syntax", "harm")] == [None, None, None]
    assert not user_cache("harmed").exists()


def test_where_nothing_can_be_kept_all_is_followed_each_time(
    root: Path, followed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert calls(root, EarlierRuns()) == calls(root, EarlierRuns())
    assert len(followed) == 2 * len(PROGRAMS)


def test_a_cache_named_by_a_relative_path_is_not_taken_from_the_repository(
    root: Path, followed: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", ".cache")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(root)
    calls(root, EarlierRuns())
    assert not (root / ".cache").exists()
    assert kept().is_relative_to(tmp_path / "home")
    assert followed == PROGRAMS


def test_no_more_repositories_are_kept_than_a_few(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(earlier_runs, "_MOST_REPOSITORIES", 2)
    for number in range(4):
        other = tmp_path / str(number)
        root.rename(other)
        calls(other, EarlierRuns())
        other.rename(root)
    assert len(list(user_cache("followed").iterdir())) == 2
