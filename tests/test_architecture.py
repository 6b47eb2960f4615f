"""The rooms and the arrows between them: who may import whom, held by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

_CHECKER = {"checker.collect", "checker.errors", "checker.model"}
# What every room of the checker may use.
_ALL = {"checker.lazy_re"}
# room -> the rooms that it may import. What is not named here it may not. A file of the checker's own is a room too.
ALLOWED = {
    "infra": {"infra"},
    "checker.model": {"checker.model"},
    "checker.data": {"checker.data"},
    "checker.resolve": {"checker.model", "checker.resolve", "checker.data"},
    "checker.reason": {"checker.model", "checker.reason", "checker.data"},
    "checker.drift": {"checker.drift", "checker.model", "checker.resolve", "checker.reason", "checker.data"},
    "checker.collect": {"checker.model", "checker.collect", "checker.data", "checker.errors", "checker.nodes"},
    "checker.lab": {"checker.lab", "checker.collect", "checker.resolve", "checker.model", "checker.errors"},
    "checker.policies": {"checker.policies", "checker.model", "checker.reason"},
    "checker.reports": {"checker.reports", "checker.model", "checker.errors", "checker.nodes"},
    "checker.errors": set(),
    "checker.lazy_re": set(),
    "checker.start": {"checker.cli"},
    "checker.nodes": {"checker.errors"},
    "checker.judge": {"checker.model", "checker.errors"},
    "checker.waivers": _CHECKER,
    "checker.compare": {"checker.model"},
    "checker.evidence": {"checker.evidence", "checker.compare", "checker.model", "checker.errors", "checker.reports"},
    "checker.scanners": {*_CHECKER, "checker.scanners", "checker.waivers"},
    "checker.hook": {
        *_CHECKER,
        *("checker.hook", "checker.policies", "checker.resolve", "checker.run", "checker.waivers"),
    },
    "checker.review": {
        *_CHECKER,
        "checker.compare",
        "checker.review",
        "checker.scanners",
        "checker.waivers",
        "checker.reports",
    },
    "checker.run": {
        *_CHECKER,
        "checker.run",
        "checker.judge",
        "checker.reason",
        "checker.resolve",
        "checker.waivers",
        "checker.policies",
    },
    "checker.audit": {
        *_CHECKER,
        "checker.data",
        *("checker.drift", "checker.judge", "checker.reason", "checker.resolve", "checker.run", "checker.waivers"),
        *("checker.together", "checker.policies"),
    },
    "checker.preflight": {
        *_CHECKER,
        *("checker.audit", "checker.judge", "checker.reason", "checker.resolve", "checker.run"),
        *("checker.waivers", "checker.policies"),
    },
    "checker.drift_run": {*_CHECKER, "checker.drift", "checker.resolve", "checker.run", "checker.together"},
    "checker.together": {*_CHECKER, "checker.run"},
    "checker.pages": {*_CHECKER, "checker.reason", "checker.run", "checker.policies"},
    "checker.cdk_plugin": {*_CHECKER, "checker.run", "checker.reports"},
    # Where all of it meets: but nothing here reasons.
    "checker.cli": {
        *_CHECKER,
        *(
            "checker.audit",
            "checker.preflight",
            "checker.cli",
            "checker.compare",
            "checker.data",
            "checker.drift",
            "checker.drift_run",
            "checker.evidence",
            "checker.lab",
            "checker.pages",
            "checker.resolve",
            "checker.review",
            "checker.scanners",
        ),
        *("checker.run", "checker.policies", "checker.reports"),
    },
    "checker.__main__": {"checker.start"},
    "tools": {"tools", "checker.cli", "checker.collect", "checker.model", "checker.reason", "checker.policies"},
}
ROOMS = sorted({*ALLOWED, "checker", "tests"}, key=len, reverse=True)
# How many files a room may hold; `checker/policies/rules` has one per finding.
LARGEST_ROOM = 15
# How many lines a file may have: past that it holds more than one thought.
LONGEST_FILE = 400
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


def files_of(room: str) -> list[Path]:
    path = ROOT / room.replace(".", "/")
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_arrows_point_one_way(room: str) -> None:
    files = files_of(room)
    assert files, f"{room} has no modules"
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files
        for module in sorted(imports(file))
        if (target := room_of(module)) is not None and not any(module.startswith(each) for each in ALLOWED[room])
        if target not in ALLOWED[room] | _ALL and module != "checker"
    ]
    assert wrong == []


def test_every_file_of_the_checker_is_in_a_room() -> None:
    files = {file.relative_to(ROOT) for file in (ROOT / "checker").rglob("*.py")}
    placed = {file.relative_to(ROOT) for room in ALLOWED for file in files_of(room)}
    assert files - placed == {Path("checker/__init__.py")}


def modules() -> dict[str, Path]:
    """Dotted name -> file, of all that is shipped and of the tools."""
    found: dict[str, Path] = {}
    for root in ("checker", "infra", "tools"):
        for file in sorted((ROOT / root).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def test_expressions_wait_until_they_are_used() -> None:
    """A run pays for those alone that it uses: what a module holds is made by ``lazy_re``."""

    def made(node: ast.AST) -> Iterator[int]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile":
            yield node.lineno
        for child in ast.iter_child_nodes(node):
            yield from made(child)

    files = {name: file for name, file in modules().items() if name.startswith("checker.")}
    found = {
        name: lines for name, file in files.items() if (lines := [*made(ast.parse(file.read_text(encoding="utf-8")))])
    }
    assert found == {}


def test_every_expression_can_be_compiled() -> None:
    """One that is wrong would be told of by the run that uses it first."""
    names = sorted(name for name in modules() if name.startswith("checker.") and not name.endswith("__main__"))
    program = "import importlib, re, sys\nfrom checker import lazy_re\nlazy_re.compile = re.compile\n"
    program += "for name in sys.argv[1:]: importlib.import_module(name)\n"
    done = subprocess.run(
        [sys.executable, "-c", program, *names], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_two_files_import_each_other() -> None:
    """Nor do more of them in a circle; imports inside functions and those for types alone count."""
    files = modules()
    left = {name: {each for each in imports(file) if each in files and each != name} for name, file in files.items()}
    for name, targets in left.items():
        # ``from package import module`` is about the module.
        left[name] = {each for each in targets if not any(other.startswith(f"{each}.") for other in targets)}
    while leaves := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in leaves:
            del left[name]
    # What only leads to a circle is in none.
    while origins := left.keys() - {each for targets in left.values() for each in targets}:
        for name in origins:
            del left[name]
    assert {name: sorted(targets & left.keys()) for name, targets in sorted(left.items())} == {}


def test_no_room_holds_more_than_one_can_take_in() -> None:
    count = Counter(file.parent.relative_to(ROOT).as_posix() for file in modules().values())
    assert {
        room: number
        for room, number in count.items()
        if number > LARGEST_ROOM and room.split("/")[0] == "checker" and room != "checker/policies/rules"
    } == {}


# Rooms whose tests stand elsewhere: tables beside what reads them, describers with the calls they share, and rules,
# the cases of which are data.
_TESTED_ELSEWHERE = {
    "checker/data": "tests/reason",
    "checker/collect/account/asking": "tests/collect/account",
    "checker/collect/account/services": "tests/collect/account",
    "checker/collect/account/services/data": "tests/collect/account",
    "checker/collect/account/services/network": "tests/collect/account",
    "checker/collect/account/services/running": "tests/collect/account",
    "checker/model/live": "tests/collect/test_snapshots.py",
    "checker/policies/rules": "tests/policies/cases",
}


def test_tests_mirror_the_rooms() -> None:
    rooms = {file.parent.relative_to(ROOT).as_posix() for file in modules().values() if file.name != "__init__.py"}
    rooms = {room for room in rooms if room.startswith(("checker/", "infra/"))}
    missing = [
        room
        for room in sorted(rooms - _TESTED_ELSEWHERE.keys())
        if not any((ROOT / "tests" / room.removeprefix("checker/")).rglob("test_*.py"))
    ]
    assert missing == []
    assert [room for room, place in _TESTED_ELSEWHERE.items() if room not in rooms or not (ROOT / place).exists()] == []


def test_no_file_is_longer_than_one_can_take_in() -> None:
    lines = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in modules().items()}
    assert {name: count for name, count in lines.items() if count > LONGEST_FILE} == {}


@pytest.mark.parametrize("own", [False, True], ids=["a small template", "this repository's"])
def test_templates_alone_import_nothing_heavy(own: bool, own_assembly: Path, tmp_path: Path) -> None:
    templates = own_assembly if own else ROOT / "tests/cli/small.yaml"
    arguments = ["gate", "--project", str(tmp_path), "--assembly", str(templates), "--quiet"]
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
