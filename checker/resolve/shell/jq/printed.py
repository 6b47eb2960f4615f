"""What ``jq`` prints for a document that is known, as its words tell. Source: jq 1.7 manual, "Invoking jq"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from checker import lazy_re
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, open_text
from checker.resolve.shell.files.editing import Marks
from checker.resolve.shell.jq.evaluating import Evaluation, FailedError, Found, weighed
from checker.resolve.shell.jq.functions import FUNCTIONS
from checker.resolve.shell.jq.parsing import UnreadError, parsed

_SHORT: Final = lazy_re.compile(r"-[rcMSe]+")
_LONG: Final[Mapping[str, str]] = {
    "--raw-output": "r",
    "--compact-output": "c",
    "--sort-keys": "S",
    "--monochrome-output": "",
    "--exit-status": "",
}


def made_of(command: Command, document: Possible) -> Possible | None:
    """What a command of jq prints, given the text that it reads; ``None`` where only the run tells."""
    marks = Marks()
    read = marks.text(document)
    if read is None:
        return None
    flags, given, told = "", dict[str, Any](), list[Possible]()
    left = list(command.words[1:])
    try:
        while left:
            word = left.pop(0)
            if word in {"--arg", "--argjson"} and len(left) > 1:
                name, value = left.pop(0), _marked(left.pop(0), marks)
                given[str(name)] = value if word == "--arg" else json.loads(value)
            elif isinstance(word, str) and word.startswith("-") and word != "-":
                if not (_SHORT.fullmatch(word) or word in _LONG):
                    return None
                flags += _LONG.get(word, word)
            else:
                told.append(word)
        filter_ = parsed(_marked(told[0], marks)) if told else None
        given["ENV"] = _Environment(command.handed, marks)
        results = [each.value for each in Evaluation(given, FUNCTIONS).of(filter_, Found(json.loads(read)))]
        weighed(results)
    except (
        UnreadError,
        FailedError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
        OverflowError,
    ):
        return None
    compact = None if "c" not in flags else (",", ":")
    lines = [
        each
        if "r" in flags and isinstance(each, str)
        else json.dumps(
            each, ensure_ascii=False, indent=None if compact else 2, separators=compact, sort_keys="S" in flags
        )
        for each in results
    ]
    return marks.filled("\n".join(lines))


def _marked(value: Possible, marks: Marks) -> str:
    found = marks.text(value)
    if found is None:
        raise UnreadError
    return found


class _Environment(dict[str, Any]):
    """``$ENV``: the variables of the shell, those that nobody knows too."""

    def __init__(self, variables: Mapping[str, Possible], marks: Marks) -> None:
        super().__init__()
        self._variables, self._marks = variables, marks

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 - as of any mapping
        value = self._variables.get(key, open_text(f"${{{key}}}"))
        return _marked(value, self._marks)
