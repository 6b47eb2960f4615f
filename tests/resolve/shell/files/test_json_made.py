"""JSON that ``jq -n`` makes of its words."""

from __future__ import annotations

import json
import shlex

import pytest

from checker.model.possible import OneOf, open_text, options, shown
from checker.resolve.shell.files.json_made import made_json


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("-n '{a: 1, b: [true, null, -2.5]}'", {"a": 1, "b": [True, None, -2.5]}),
        ("-cn --arg name app '{$name}'", {"name": "app"}),
        ("-nc --arg c 'say \"hi\"' '{\"the-key\": {x: $c}}'", {"the-key": {"x": 'say "hi"'}}),
        ("--null-input --argjson n 3 '[$n, ($n)]'", [3, 3]),
        ("-n '{c: $ARGS.positional}' --args a b", {"c": ["a", "b"]}),
        ("-n --args '$ARGS.positional[1]' a b", "b"),
        ("-n --args '[$ARGS.positional[2]]' a b", [None]),
        ("-n --arg t v1 '\"image:\\($t)\"'", "image:v1"),
        ("-n '[]'", []),
        ("-n '{}'", {}),
    ],
)
def test_words_that_are_put_into_place(line: str, wanted: object) -> None:
    made = made_json(shlex.split(line))
    assert isinstance(made, str)
    assert json.loads(made) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "'{a: 1}'",
        "-n '{a: 1} | .a'",
        "-n '{a: input}'",
        "-n '{a: $b}'",
        "-n '{a: env.HOME}'",
        "-n '{a: \"\\(1 + 1)\"}'",
        "-n '[1, 2'",
        "-n '{a 1}'",
        "-n '{(\"a\"): 1}'",
        "-n",
        "-n -f file.jq",
        "-n '{a: 1}' file.json",
        f"-n '{'[' * 50}1{']' * 50}'",
    ],
)
def test_what_only_a_run_tells(line: str) -> None:
    assert made_json(shlex.split(line)) is None


def test_what_is_open_stays_so_inside_of_the_text() -> None:
    made = made_json(["-n", "--arg", "image", open_text("$IMAGE"), "{$image}"])
    assert made is not None
    assert shown(made) == '{"image":"$IMAGE"}'
    several = made_json(["-n", "--arg", "a", OneOf(("x", "y")), "[$a]"])
    assert several is not None
    assert options(several) == ('["x"]', '["y"]')
