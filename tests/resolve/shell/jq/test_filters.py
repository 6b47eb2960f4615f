"""What filters of jq make of a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checker.model.pipeline.handling import Handling
from checker.model.pipeline.scripts import Command, Reached
from checker.model.possible import Possible, open_text, shown
from checker.model.sources import Spot
from checker.resolve.shell.jq.printed import made_of
from tests.pipelines import load

GIVEN: Any = load(Path(__file__).with_name("filters.yaml"))


def _made(written: str) -> str | None:
    words: tuple[Possible, ...] = ("jq", "-c", "--arg", "TAG", open_text("${TAG}"))
    words += tuple(word for name, value in GIVEN["given"].items() for word in ("--arg", name, value))
    command = Command((*words, written, "file.json"), Reached(Spot("run.sh")), Handling())
    made = made_of(command, json.dumps(GIVEN["document"]))
    return None if made is None else shown(made)


@pytest.mark.parametrize(("written", "printed"), [*GIVEN["printed"].items(), *GIVEN["open"].items()])
def test_what_is_printed(written: str, printed: str | None) -> None:
    assert _made(written) == printed


@pytest.mark.parametrize("written", GIVEN["unread"])
def test_what_is_left_to_the_run(written: str) -> None:
    assert _made(written) is None


@pytest.mark.parametrize("twice", ["[.[], .[]]", "[., .]", "tojson + tojson", '"\\(.)\\(.)"', "{a: ., b: .}", ". == ."])
def test_what_grows_without_end_is_left_to_the_run(twice: str) -> None:
    assert _made(" | ".join(["[.]", *[twice] * 40])) is None or twice == ". == ."
