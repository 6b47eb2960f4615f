"""GitHub's own evaluator of expressions (the ``@actions/expressions`` of its language server), for comparison.

It shortens numbers as JavaScript does (``1e+21``), where the runner, a program in C#, writes ``1E+21``; it takes
``0b1`` for a number, and ``SS`` for the upper case of ``ß``. Nothing of the three is asked here.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checker.model.possible import as_text
from checker.model.values import Text, Unknown
from checker.resolve.expressions.evaluation import evaluate
from checker.resolve.expressions.values import Data

PROGRAM: Final = Path(__file__).with_suffix(".mjs")
# Of each kind of value, and what lies beside it.
CONTEXTS: Final[dict[str, Any]] = {
    "github": {
        "ref": "refs/heads/main",
        "event_name": "push",
        "run_number": "7",
        "event": {
            "list": ["a", "B", 3, None, True],
            "objects": [{"name": "x", "n": 1}, {"name": "Y"}, {"m": 2}],
            "empty": "",
            "zero": 0,
            "nothing": None,
        },
    },
    "inputs": {"environment": "production", "flag": False, "count": 3, "spaced": " 12 ", "hex": "0xff", "sign": "-0"},
    "vars": {"LIST": '["a","b"]', "OBJECT": '{"a":{"b":[1,2]}}', "Name": "MiXed"},
    "env": {"A": "1", "B": "", "a-b": "dash"},
    "needs": {"x": {"result": "success", "outputs": {}}, "y": {"result": "failure", "outputs": {"tag": "v1"}}},
    "matrix": {"os": "ubuntu", "v": 1.5},
}


def told_by_github(expressions: Sequence[str]) -> list[Mapping[str, Any]]:
    """What GitHub's library says of each: ``value`` and ``text``, or a ``fault``."""
    done = subprocess.run(
        ["node", str(PROGRAM), json.dumps(CONTEXTS)],
        input="".join(f"{json.dumps(each)}\n" for each in expressions),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def difference(expression: str, told: Mapping[str, Any]) -> str:
    """What is said otherwise of an expression; empty where nothing is."""
    value = evaluate(expression, CONTEXTS)
    if isinstance(value, Unknown):
        return "" if "fault" in told else f"{expression}: {told['value']!r} was not found: {value}"
    if "fault" in told:
        return f"{expression}: {value!r}, where GitHub says: {told['fault']}"
    if _plain(value) != told["value"] or isinstance(value, bool) != isinstance(told["value"], bool):
        return f"{expression}: {value!r} in place of {told['value']!r}"
    if isinstance(value, str | int | float | Text) and as_text(value) != told["text"]:
        return f"{expression}: the text {as_text(value)!r} in place of {told['text']!r}"
    return ""


def _plain(value: Data) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return f"number {as_text(value)}"
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, Mapping) else value
