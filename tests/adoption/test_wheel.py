"""The wheel: one import package, and a gate that needs neither Node nor anything but its two dependencies."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import msgspec
import pytest
import yaml

ROOT = Path(__file__).parents[2]
OWN = ("policies", "reports", "infra", "tools", "model")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    uv = str(Path(sys.executable).with_name("uv"))
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [uv, "build", "--wheel", "--offline", "--no-build-isolation", "--quiet", "--python", sys.executable,
         "--out-dir", str(out), str(ROOT)],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("*.whl")
    return found


def test_it_installs_one_import_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"checker"}
    for needed in ("py.typed", "policies/register.yaml", "reports/run_schema.json", "data/resource_types.json"):
        assert f"checker/{needed}" in names


def test_it_judges_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Also a project with packages of the names that rooms of ours have, in the same environment even."""
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    for dependency in (click, msgspec, yaml):
        folder = Path(str(dependency.__file__)).parent
        (packages / folder.name).symlink_to(folder)
    for name in OWN:
        (packages / name).mkdir()
        (packages / name / "__init__.py").write_text("raise SystemExit('the project ran')")
    project = tmp_path / "project"
    project.mkdir()
    (project / "template.yaml").write_text(
        "Resources:\n  Cache: {Type: AWS::ElastiCache::CacheCluster, Properties: {Engine: redis}}\n"
    )

    def checker(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(home / "bin" / "python"), "-m", "checker", *arguments],
            cwd=project, env={"PATH": "", "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert checker("--help").returncode == 0
    done = checker("gate", "--format", "console", "--format", "sarif=run.sarif", "--format", "html=run.html")
    assert done.returncode == 1, done.stderr
    assert "C7[at-rest]" in done.stdout
    assert (project / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")
