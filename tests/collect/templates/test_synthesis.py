"""An assembly is the project's own only where it was made here from what is there: by content, and by whom."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from checker.collect.kept.user_cache import user_cache
from checker.collect.templates import synthesis
from checker.collect.templates.synthesis import FOLDER, own_assembly
from checker.errors import InputError
from checker.model.settings import Settings

SETTINGS = Settings(synthesis_command=("python", "app.py"))
APP = """
import os, pathlib
folder = pathlib.Path(os.environ["CDK_OUTDIR"])
folder.joinpath("manifest.json").write_text('{"version": "36.0.0", "artifacts": {}}')
folder.joinpath("made").write_text(pathlib.Path("app.py").read_text())
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "app.py").write_text(APP)
    return tmp_path / "project"


def made(project: Path) -> list[str]:
    """Take the project's assembly; what was said on the way."""
    said: list[str] = []
    own_assembly(project, SETTINGS, said.append)
    return said


def test_it_is_made_once_and_anew_for_another_app_or_another_output(project: Path) -> None:
    assert made(project)
    assert not made(project)
    (project / "app.py").write_text(f"{APP}# changed\n")
    assert made(project)
    assert (project / FOLDER / "made").read_text().endswith("# changed\n")
    (project / FOLDER / "made").write_text("by hand")
    assert made(project)
    assert (project / FOLDER / "made").read_text().endswith("# changed\n")


def test_one_that_the_project_brings_with_a_stamp_of_its_own_is_made_anew(project: Path) -> None:
    """All that an earlier run leaves in a project can be brought by a change to it: what is judged cannot."""
    made(project)
    forged = project.with_name("forged")
    shutil.copytree(project, forged)
    (forged / FOLDER / "made").write_text("what passes")
    inputs, output = synthesis._inputs(forged, SETTINGS), synthesis._files(forged / FOLDER)
    stamp = json.dumps({"inputs": synthesis._digest(inputs), "output": synthesis._digest(output)})
    (forged / ".checker/synthesis.json").write_text(stamp)
    assert made(forged)
    assert (forged / FOLDER / "made").read_text() == APP


def test_gates_that_begin_together_make_it_once(project: Path) -> None:
    count = "import time; time.sleep(0.2); pathlib.Path('count').open('a').write('x')\n"
    (project / "app.py").write_text(f"{APP}{count}")
    with ThreadPoolExecutor(4) as several:
        said = [*several.map(lambda _: made(project), range(4))]
    assert (project / "count").read_text() == "x"
    assert sorted(map(len, said)) == [0, 0, 0, 1]


def test_a_link_in_the_place_of_the_lock_is_not_followed(project: Path) -> None:
    made(project)
    (project / ".checker/synthesis.lock").unlink()
    (project / ".checker/synthesis.lock").symlink_to(project / "app.py")
    (project / "app.py").write_text(f"{APP}# changed\n")
    with pytest.raises(InputError, match=r"synthesis\.lock: cannot be written"):
        made(project)
    assert (project / "app.py").read_text() == f"{APP}# changed\n"


def test_where_nothing_can_be_kept_it_is_made_each_time(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(project)
    shutil.rmtree(user_cache())
    user_cache().write_text("no folder")
    assert made(project)
    assert made(project)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", _nobody)
    assert made(project)


def _nobody() -> Path:
    raise RuntimeError("Could not determine home directory.")
