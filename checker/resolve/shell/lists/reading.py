"""What ``read`` and ``mapfile`` set: known where a text is given to them."""

from __future__ import annotations

import re

from checker.model.possible import Possible, open_text
from checker.resolve.shell.handed.asking import coming_in
from checker.resolve.shell.process import Asked
from checker.resolve.shell.state import Result
from checker.resolve.shell.syntax_facts import word_text


def read(asked: Asked) -> Result:
    """``read NAMES``, ``read -a NAME``: known where a text is given to it; a file is read on from line to line."""
    spot = asked.state.script.spot(asked.statement.line)
    names = [word for word in asked.words[1:] if isinstance(word, str) and word.isidentifier()]
    text = _own_input(asked, ("<<",))
    fields = _fields(text, asked) if text is not None else None
    if fields is not None and {"-a", "-ra", "-ar"} & set(map(str, asked.words)) and names:
        asked.state.set(names[-1], tuple(fields))
        return Result()
    for index, name in enumerate(names):
        if fields is None or (index == len(names) - 1 and len(fields) > len(names)):
            asked.state.set(name, open_text(f"${{{name}}}", str(spot)))
        else:
            asked.state.set(name, fields[index] if index < len(fields) else "")
    return Result()


def mapfile(asked: Asked) -> Result:
    """``mapfile NAME``: an element for each line of a text, or of a file of the repository."""
    spot = asked.state.script.spot(asked.statement.line)
    names = [word for word in asked.words[1:] if isinstance(word, str) and word.isidentifier()]
    name = names[-1] if names else "MAPFILE"
    text = _own_input(asked, ("<<", "<"))
    plain = all(isinstance(word, str) and word in {"-t", name} for word in asked.words[1:])
    if text is None or not plain:
        asked.state.set(name, open_text(f"${{{name}}}", str(spot)))
    else:
        asked.state.set(name, tuple(text.removesuffix("\n").split("\n")) if text else ())
    return Result()


def _own_input(asked: Asked, operators: tuple[str, ...]) -> str | None:
    """The text that a command's own redirection gives it, where that is known."""
    own = [each.operator for each in asked.statement.redirects if each.operator.startswith("<")]
    if len(own) != 1 or not (own[0].startswith("<<") or own[0] in operators):
        return None
    found = coming_in(asked.shell, asked.state, asked.context)
    return found if isinstance(found, str) else None


def _fields(text: str, asked: Asked) -> list[Possible] | None:
    """The words of a text's first line, by ``IFS`` where the command has one of its own."""
    given = next((each for each in asked.statement.assignments if each.name == "IFS"), None)
    separator = word_text(given.value) if given is not None and given.value is not None else None
    if given is not None and not separator:
        return None if separator is None else [text.partition("\n")[0]]
    line = text.partition("\n")[0]
    blank = not (separator or "").strip()
    return [*(line.split() if blank else re.split(f"[{re.escape(separator or '')}]", line))]
