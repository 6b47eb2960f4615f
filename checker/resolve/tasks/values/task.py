"""Templates of Task.

Source: Task documentation, "Templating Reference", "Dynamic variables".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from checker import lazy_re
from checker.model.possible import Possible, open_text
from checker.resolve.tasks.recipes import behind, placed

_PLACE: Final = lazy_re.compile(r"\{\{-?((?:(?!\{\{).)*?)-?\}\}", re.DOTALL)
_MAX_VALUES: Final = 1_000  # of one command: values that name one another may double without end


def filled(
    written: str, variables: Mapping[str, Any], given: Mapping[str, Possible], environment: Mapping[str, Any], file: str
) -> tuple[str, dict[str, Possible]]:
    """A command with its templates as the shell's variables, and what those are. What a variable's own command prints
    is asked for first: where that fails, the task does."""
    used: dict[str, Possible] = {}
    asked: dict[str, str] = {}
    left = iter(range(_MAX_VALUES))

    def fill(text: str, before: str, around: tuple[str, ...] = ()) -> str:
        done, position = before, 0
        for match in _PLACE.finditer(text):
            done += text[position : match.start()]
            done += put(match, done, around)
            position = match.end()
        return done[len(before) :] + text[position:]

    def put(match: re.Match[str], before: str, around: tuple[str, ...]) -> str:
        name, _, rest = (part.strip() for part in match[1].partition("|"))
        name = name.lstrip(".")
        if name == "CLI_ARGS":
            return '"$@"'
        otherwise = re.fullmatch(r"default\s+[\"']([^\"']*)[\"']", rest)
        if name in given and (otherwise or not rest):
            return placed(name, given[name], before, used)
        value = variables.get(name, environment.get(name))
        if otherwise and value in (None, ""):
            return otherwise[1]
        value = None if rest and not otherwise else value
        plain_text = isinstance(value, str | int | float) and not isinstance(value, bool)
        if plain_text and name not in around and next(left, None) is not None:
            return fill(str(value), before, (*around, name))
        plain = re.sub(r"\W", "_", name)[:40] or "task"
        if isinstance(value, Mapping) and isinstance(value.get("sh"), str):
            if plain not in asked:
                asked[plain] = ""  # one that asks for itself gets nothing
                asked[plain] = fill(value["sh"], "")
            return behind(before, f"${{{plain}}}")
        used[plain] = open_text(match[0], file)
        return behind(before, f"${{{plain}}}")

    for name, value in variables.items():
        if isinstance(value, str | int | float) and "{{" not in str(value):
            used[name] = str(value)
    text = fill(written, "")
    before = "".join(f"{name}=$({command}); " for name, command in reversed(asked.items()))
    return before + text, used
