"""Values that ``jq`` and ``yq`` put into a document: ``.a.b[0] = "x"``, ``del(.a)``, several of them in a row.

Sources: jq manual, "Invoking jq", "Assignment", "del(path_expression)"; yq documentation, "Assign (Update)", "Delete",
"Env Variable Operators".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from checker import lazy_re
from checker.model.pipeline.changes import EACH, GONE
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, open_text
from checker.resolve.shell.files.editing import Marks

Edits: TypeAlias = "tuple[tuple[tuple[str | int, ...], Possible], ...]"
_STEP: Final = lazy_re.compile(
    r"""\s*(?:\.?(?P<name>[A-Za-z_][\w-]*)|\.?"(?P<quoted>[^"\\]*)"|\.?\[\s*(?:(?P<index>-?[0-9]+)|"(?P<key>[^"\\]*)"|)\s*\])"""
)
_OF_ENVIRONMENT: Final = lazy_re.compile(r"(?:\$ENV|env)\.(\w+)|(?:str)?env\((\w+)\)")
_STRING: Final = lazy_re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_FLAGS: Final = frozenset(
    {"-r", "-c", "-M", "-S", "-e", "-a", "-i", "-P", "-y", "-Y", "--tab", "--compact-output", "--raw-output",
     "--sort-keys", "--exit-status", "--inplace", "--prettyPrint", "-iP", "-Pi", "-o=json", "-oj", "-o=yaml", "-oy",
     "-ojson", "-oyaml"}
)  # fmt: skip


def assigned(command: Command) -> tuple[Edits, list[Possible]] | None:
    """What jq or yq puts where, and the files that it reads; ``None`` where it does something else."""
    values: dict[str, Possible] = {}
    plain: list[Possible] = []
    pending = list(command.words[1:])
    while pending:
        word = pending.pop(0)
        if word in {"--arg", "--argjson"} and len(pending) > 1:
            name, value = pending[:2]
            values[str(name)] = _of_json(value) if word == "--argjson" else value
            pending = pending[2:]
        elif word == "--indent":
            pending = pending[1:]
        elif isinstance(word, str) and word.startswith("-") and word != "-":
            if word not in _FLAGS:
                return None
        else:
            plain.append(word)
    if command.program == "yq" and plain[:1] in (["e"], ["eval"]):
        plain = plain[1:]
    marks = Marks()
    written = marks.text(plain[0]) if plain else None
    edits = _edits(written, values, command.environment, marks) if written is not None else None
    return None if edits is None else (edits, plain[1:])


def _edits(
    written: str, values: Mapping[str, Possible], environment: Mapping[str, Possible], marks: Marks
) -> Edits | None:
    found: list[tuple[tuple[str | int, ...], Possible]] = []
    for part in _parts(written):
        deleted = re.fullmatch(r"del\((.*)\)", part, re.DOTALL)
        match = None if deleted else re.fullmatch(r"(\.[^=|]*?)\s*\|?=\s*(?!=)(.+)", part, re.DOTALL)
        place = _place(deleted[1] if deleted else match[1].strip(" (") if match else part)
        if place is None or not (deleted or match or part == "."):
            return None
        if deleted:
            found.append((place, GONE))
        elif match:
            value = _value(match[2].strip().removesuffix(")"), values, environment, marks)
            if value is None:
                return None
            found.append((place, value[0]))
    return tuple(found)


def _parts(written: str) -> Sequence[str]:
    """The filters between pipes; those in texts are none."""
    strings: list[str] = []

    def hide(match: re.Match[str]) -> str:
        strings.append(match[0])
        return f"\ue003{len(strings) - 1}\ue003"

    hidden = _STRING.sub(hide, written)
    parts = re.split(r"\|(?!=)", hidden)
    return [re.sub("\ue003([0-9]+)\ue003", lambda match: strings[int(match[1])], part).strip() for part in parts]


def _place(written: str) -> tuple[str | int, ...] | None:
    written = written.strip()
    if written == ".":
        return ()
    steps: list[str | int] = []
    at = 0
    while at < len(written):
        match = _STEP.match(written, at)
        if match is None or (not steps and written[:1] != "."):
            return None
        text = next((match[each] for each in ("name", "quoted", "key") if match[each] is not None), None)
        steps.append(text if text is not None else int(match["index"]) if match["index"] else EACH)
        at = match.end()
    return tuple(steps)


def _value(
    written: str, values: Mapping[str, Possible], environment: Mapping[str, Possible], marks: Marks
) -> tuple[Possible] | None:
    if match := _OF_ENVIRONMENT.fullmatch(written):
        name = match[1] or match[2]
        return (environment.get(name, open_text(f"${{{name}}}")),)
    if written.startswith("$") and written[1:] in values:
        return (values[written[1:]],)
    try:
        literal = json.loads(written)
    except (ValueError, RecursionError):
        return None
    if isinstance(literal, str) and "\\(" not in written:
        filled = marks.filled(literal)
        return None if filled is None else (filled,)
    return (literal,) if literal is None or isinstance(literal, bool | int | float) else None


def _of_json(value: Possible) -> Possible:
    try:
        literal = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return open_text(str(value))
    return open_text(str(value)) if isinstance(literal, list | dict) else literal
