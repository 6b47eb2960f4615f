"""The rooms and the arrows between them: who may import whom, held by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# room -> the rooms that it may import. What is not named here it may not.
ALLOWED = {
    "infra": {"infra"},
    "checker.model": {"checker.model"},
    "checker.data": {"checker.data"},
    "checker.resolve": {"checker.model", "checker.resolve", "checker.data"},
    "checker.reason": {"checker.model", "checker.reason", "checker.data"},
    "checker.collect": {"checker.model", "checker.collect", "checker.data", "checker.errors", "checker.nodes"},
    "checker.lab": {"checker.lab", "checker.collect", "checker.resolve", "checker.model", "checker.errors"},
    "policies": {"policies", "checker.model", "checker.reason"},
    "reports": {"reports", "checker.model", "checker.errors", "checker.nodes"},
}
ROOMS = sorted({*ALLOWED, "checker"}, key=len, reverse=True)
# What start-up must not pay for.
HEAVY = ("aws_cdk", "boto3", "botocore", "cfnlint", "jsii", "pglast", "tree_sitter", "checker.model.pipeline.jobs")


def room_of(module: str) -> str | None:
    return next((room for room in ROOMS if module == room or module.startswith(room + ".")), None)


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_arrows_point_one_way(room: str) -> None:
    folder = ROOT / room.replace(".", "/")
    files = list(folder.rglob("*.py"))
    assert files, f"{room} has no modules"
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files
        for module in sorted(imports(file))
        if (target := room_of(module)) is not None and not any(module.startswith(each) for each in ALLOWED[room])
        if target not in ALLOWED[room] and module != "checker"
    ]
    assert wrong == []


def test_start_up_imports_nothing_heavy() -> None:
    arguments = ["gate", "--project", str(ROOT), "--assembly", str(ROOT / "tests/cli/small.yaml"), "--quiet"]
    code = (
        f"import sys; from checker.cli import run; run({arguments!r}); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_contributing_names_only_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = [word.strip("`.,;:()*") for word in text.replace("`", " ").split() if "/" in word]
    missing = [name for name in named if "ID" not in name and not (ROOT / name).exists()]
    assert missing == []
