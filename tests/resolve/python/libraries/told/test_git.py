"""Libraries for git and for archives: their calls on record as the lines that do the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.resolve.trace.tracer import Tracer
from tests.pipelines import pipeline
from tests.resolve.python.test_libraries import FILES

_HEAD = "import git, tarfile, zipfile, shutil\nREF = 'main'\nrepo = git.Repo('.')\n"


def _told(code: str, tmp_path: Path) -> list[str]:
    made = pipeline(tmp_path, {**FILES, "main.py": _HEAD + code})
    traces, _ = Tracer(ScriptLibrary(tmp_path)).every(made.jobs)
    commands = [each.text() for trace in traces.values() for each in trace.commands]
    return [each for each in commands if not each.startswith("python")]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("repo.git.checkout('origin/main', '--', 'infra')", ["git checkout origin/main -- infra"]),
        ("repo.git.cherry_pick(REF, no_commit=True)", ["git cherry-pick --no-commit main"]),
        ("repo.git.execute(['git', 'merge', REF])", ["git merge main"]),
        ("repo.heads.main.checkout()", ["git checkout main"]),
        ("repo.heads[REF].checkout()", ["git checkout main"]),
        ("repo.create_head('x', 'origin/main').checkout()", ["git checkout origin/main"]),
        ("repo.remotes.origin.pull(REF)", ["git pull origin main"]),
        ("repo.remote('origin').fetch()", ["git fetch origin"]),
        ("repo.head.reset('origin/main', working_tree=True)", ["git reset --hard origin/main"]),
        ("repo.head.reset('HEAD~1')", ["git reset --mixed"]),
        ("git.Repo('other').git.pull()", ["git -C other pull"]),
        ("git.Repo.clone_from('https://h/a/b', 'b', branch=REF)", ["git clone --branch main https://h/a/b b"]),
        ("print(repo.head.commit.hexsha, repo.tags, repo.is_dirty())", []),
        ("with tarfile.open('a.tgz') as a:\n    a.extractall('out')", ["tar -x -f a.tgz -C out"]),
        ("with tarfile.open('a.tgz', 'w:gz') as a:\n    a.add('out')", []),
        ("zipfile.ZipFile('a.zip').extractall()", ["unzip a.zip -d ."]),
        ("shutil.unpack_archive('a.zip', 'out')", ["unzip a.zip -d out"]),
    ],
)
def test_what_a_call_does(code: str, said: list[str], tmp_path: Path) -> None:
    assert _told(code, tmp_path) == said
