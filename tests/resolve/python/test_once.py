"""Calls that are gone through once: none of those that may come to something else each time is among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checker.collect.pipeline.scripts import ScriptLibrary
from checker.model.pipeline.python import Names
from checker.model.pipeline.scripts import AwsCall, Reached
from checker.model.possible import Possible, shown
from checker.model.sources import Spot
from checker.resolve.python import objects
from checker.resolve.python.code import follow
from checker.resolve.python.machine import Frame, Machine
from checker.resolve.python.once import Key, once
from checker.resolve.python.values import Function
from tests.pipelines import repository

LIBRARY = """
import argparse, os, sys, subprocess
from dataclasses import dataclass

BASE = "docs"

class Box:
    stage = "none"

    def __init__(self, stage):
        self.stage = stage

box = Box("none")

def named(name):
    return f"{BASE}-{name}"

def nested(name):
    return named(named(name))

def kind(value):
    return "yes" if value is True else named(value)

def variable(name):
    return f"{os.environ['STAGE']}-{name}"

def asked(name):
    return os.environ.get("STAGE", "none") + name

def word(name):
    return f"{sys.argv[1]}-{name}"

def grown(name, into=[]):
    into.append(name)
    return "-".join(into)

def set_box(name):
    box.stage = os.environ["STAGE"]
    return name

def boxed(name):
    return f"{box.stage}-{name}"

def imported(name):
    import stage
    return f"{stage.NAME}-{name}"

def started(name):
    subprocess.run(["aws", "s3", "ls", name])
    return name

def deeper(name):
    return named(name)

def declared():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bucket", default="declared")
    return parser
"""
HEAD = """
import boto3, os, lib
from lib import asked, boxed, declared, grown, imported, kind, named, nested, set_box, started, variable, word
s3 = boto3.client("s3")
def bucket(name):
    s3.create_bucket(Bucket=name)
"""
STAGE = "import os\nNAME = os.environ['STAGE']\n"


@dataclass
class Watched:
    """How often calls of each function were gone through, and how often done again."""

    gone: list[str]
    again: list[str]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    seen = Watched([], [])

    def counted(machine: Machine, function: Function, key: Key, given: Any, frame: Frame, go: Any) -> Any:
        went: list[bool] = []

        def going() -> Any:
            went.append(True)
            return go()

        found = once(machine, function, key, given, frame, going)
        (seen.gone if went else seen.again).append(getattr(function.node, "name", "lambda"))
        return found

    monkeypatch.setattr(objects, "once", counted)
    return seen


def buckets(
    root: Path, bodies: Sequence[str], stages: Sequence[str], words: Sequence[tuple[Possible, ...]]
) -> list[str]:
    """The buckets that programs make, one after the other, which share the library's modules."""
    files = {f"start{index}.py": HEAD + body for index, body in enumerate(bodies)}
    library = ScriptLibrary(repository(root, {**files, "lib.py": LIBRARY, "stage.py": STAGE}))
    made = []
    for index, (stage, given) in enumerate(zip(stages, words, strict=True)):
        path = f"start{index}.py"
        machine = follow(library, path, Reached(Spot(path)), given, {"STAGE": stage})
        assert machine.problems == []
        calls = [each for each in machine.calls if isinstance(each, AwsCall)]
        made.append(" ".join(shown(each.text("Bucket")) for each in calls if each.operation == "CreateBucket"))
    return made


def twice(root: Path, *bodies: str) -> list[str]:
    return buckets(root, bodies, ("one", "two"), (("first",), ("second",)))


def test_what_hangs_on_nothing_is_gone_through_once(tmp_path: Path, watched: Watched) -> None:
    body = "bucket(nested('a'))\n"
    assert twice(tmp_path, body, body) == ["docs-docs-a"] * 2
    assert watched.gone.count("nested") == watched.again.count("nested") == 1


def test_so_is_a_command_line_that_is_declared(tmp_path: Path, watched: Watched) -> None:
    body = "bucket(declared().parse_args().bucket)\n"
    words: list[tuple[Possible, ...]] = [("--bucket", "given"), ()]
    assert buckets(tmp_path, (body, body), ("one", "two"), words) == ["given", "declared"]
    assert watched.gone.count("declared") == watched.again.count("declared") == 1


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("variable", ["one-a", "two-a"]),
        ("asked", ["onea", "twoa"]),
        ("word", ["first-a", "second-a"]),
        ("imported", ["one-a", "two-a"]),
        ("started", ["a", "a"]),
        ("boxed", ["none-a", "none-a"]),
    ],
)
def test_what_reads_or_does_what_is_a_programs_own_is_gone_through_each_time(
    function: str, expected: list[str], tmp_path: Path, watched: Watched
) -> None:
    body = f"bucket({function}('a'))\n"
    assert twice(tmp_path, body, body) == expected
    assert watched.gone.count(function) == 2


def test_calls_that_are_made_the_same_way_are_made_again(tmp_path: Path, watched: Watched) -> None:
    root = repository(tmp_path, {"lib.py": LIBRARY, "start.py": HEAD + "started('a')\nstarted('a')\n"})
    library = ScriptLibrary(root)

    def made() -> list[str]:
        calls = follow(library, "start.py", Reached(Spot("start.py"))).calls
        return [f"{each.reached!r} {each.handling!r} {each.source}" for each in calls]

    first = made()
    assert (watched.gone, watched.again) == (["started"], [])
    assert len(first) == 2
    assert made() == first
    assert (watched.gone, watched.again) == (["started"], ["started"])


@pytest.mark.parametrize(
    "around",
    [
        "try:\n    {}\nexcept Exception:\n    pass\n",
        "for each in range(9):\n    {}\n",
        "while True:\n    {}\n",
        "if os.path.exists('x'):\n    {}\n",
        "def inner():\n    {}\ninner()\n",
    ],
)
def test_calls_that_are_reached_or_handled_in_another_way_are_gone_through(
    around: str, tmp_path: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(
        tmp_path, {"lib.py": LIBRARY, "start.py": HEAD + "started('a')\n" + around.format("started('a')")}
    )

    def made() -> list[str]:
        calls = follow(ScriptLibrary(root), "start.py", Reached(Spot("start.py"))).calls
        return [f"{each.reached!r} {each.handling!r} {each.source}" for each in calls]

    shared = made()
    assert "started" not in watched.again
    monkeypatch.setattr(objects, "key_of", lambda *_: None)
    assert shared == made()


def test_an_object_that_a_program_changed_is_read_each_time(tmp_path: Path) -> None:
    assert twice(tmp_path, "bucket(boxed('a'))\n", "set_box('b')\nbucket(boxed('a'))\n") == ["none-a", "two-a"]


def test_what_is_equal_and_not_the_same_is_told_apart(tmp_path: Path) -> None:
    found = twice(tmp_path, "bucket(named(1))\nbucket(named(True))\n", "bucket(named(True))\nbucket(named(1))\n")
    assert found == ["docs-1 docs-True", "docs-True docs-1"]


def test_a_list_that_is_a_default_is_new_each_time(tmp_path: Path) -> None:
    body = "bucket(grown('a'))\nbucket(grown('b'))\n"
    assert twice(tmp_path, body, body) == ["a b", "a b"]


def test_a_name_of_a_module_that_is_bound_again_is_read_again(tmp_path: Path, watched: Watched) -> None:
    assert not Names().settled
    before = Names.rebound
    library = ScriptLibrary(
        repository(tmp_path, {"lib.py": LIBRARY, "start.py": "import lib\nNAME = lib.named('a')\n"})
    )

    def followed() -> object:
        machine = follow(library, "start.py", Reached(Spot("start.py")))
        module = machine.modules["start.py"]
        assert module is not None
        return module.names["NAME"]

    assert [followed(), followed()] == ["docs-a", "docs-a"]
    assert watched.again == ["named"]
    module = library.python("lib.py")
    assert module is not None
    module.names["BASE"] = "other"
    assert Names.rebound == before + 1
    assert followed() == "other-a"
    module.names.update(BASE="third")
    assert followed() == "third-a"


def test_a_program_is_cut_off_where_it_would_be_if_nothing_were_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path, {"lib.py": LIBRARY, "start.py": "import lib\nlib.nested('a')\nlib.nested('b')\n"})

    def lefts() -> list[int]:
        library = ScriptLibrary(root)
        return [follow(library, "start.py", Reached(Spot("start.py"))).left for _ in range(3)]

    shared = lefts()
    library = ScriptLibrary(root)
    follow(library, "start.py", Reached(Spot("start.py")))
    short = follow(library, "start.py", Reached(Spot("start.py")), left=5)
    assert [each.message for each in short.problems] == ["does more than can be followed: the rest is not judged"]
    monkeypatch.setattr(objects, "key_of", lambda *_: None)
    assert shared == lefts()


# Whatever is added to a machine is thought of: what of it a call reads or changes is on record, or in its key.
IN_THE_KEY = {"stage", "depth", "expressions", "statements"}
ON_RECORD = {
    *(
        "library",
        "arguments",
        "environment",
        "folder",
        "calls",
        "problems",
        "foreign",
        "roots",
        "asked",
        "options",
        "flags",
    ),
    *("modules", "found", "own", "put", "session"),
    "leaving",
}
OF_PLACES_OF_CALLS = {"reached", "_numbers"}
OF_THIS = {"left", "memo", "kept", "journal", "cut", "filled", "filled_by"}
# The syntax alone tells it, and who makes the call has put it there.
OF_SYNTAX = {"awaited"}


def test_every_part_of_a_machine_is_thought_of() -> None:
    assert set(Machine.__struct_fields__) == IN_THE_KEY | ON_RECORD | OF_PLACES_OF_CALLS | OF_THIS | OF_SYNTAX
