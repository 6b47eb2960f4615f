"""Migrations that an image applies whenever a container of it starts: by its entry point, or a script that this runs.

Sources: Dockerfile reference, "ENTRYPOINT", "CMD" (the last of each counts, those of a stage before do not). One for
development or tests is nobody's deployment. What a condition guards may be for one task alone, and is left out.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.collect.migrations.frameworks.images import TooMuchError, instructions
from checker.model.migrations.folders import MigrationRunner, SourceFile
from checker.model.migrations.images import ImageStart
from checker.model.migrations.shaping import Shapes
from checker.model.migrations.tools import BY_NAME, TOOLS, MigrationTool, evaluated
from checker.model.written.shell_lines import line_in, listed

_FILE: Final = lazy_re.compile(r"(?:[\w-]*\.)?(?:Dockerfile|Containerfile)(?:\.\w+)?")
_OTHERS: Final = lazy_re.compile(
    r"(?:^|[/._-])(?:dev|devel|development|tests?|local|ci|examples?|e2e)(?:$|[/._-])", re.IGNORECASE
)
_BEGINS: Final = lazy_re.compile(r"(?:if|case|for|while|until|select)\b|(?:function\s+)?[\w-]+\s*\(\)|\{$|\($")
_ENDS: Final = lazy_re.compile(r"(?:fi|esac|done)\b|[})]")
_SHEBANG: Final = lazy_re.compile(r"#!.*\b(?:ba|da|a|z|k)?sh\b")
# What stands in front of a tool.
_BEFORE: Final = lazy_re.compile(
    r"(?:exec|npx|npm|pnpm|yarn|bun|bunx|uv|poetry|pipenv|bundle|run|time|sudo|gosu|su-exec|env|timeout|node|ruby|php|python[\d.]*"
    r"|--?[\w-]+|\w+=.*|\d+[smh]?)"
)  # fmt: skip
Text = Callable[[str], str | None]


def is_recipe(name: str) -> bool:
    """Whether a file of this name says how an image is built that somebody deploys."""
    last = name.rpartition("/")[2]
    return "file" in last and _FILE.fullmatch(last) is not None and _OTHERS.search(name) is None


def started_with(recipe: str, text: str, text_of: Text, image: ImageStart | None) -> Iterator[MigrationRunner]:
    """What applies migrations when a container starts. ``text_of`` gives the text of a file of the repository,
    ``image`` says which of them lies where in the image."""
    words, line = _started(text)
    inline = line_in(words)
    folder, said = posixpath.dirname(recipe), inline or shlex.join(words)
    part = next((part for part in _followed(said, folder, text_of) if _tool(part) is not None), None)
    if part is not None:
        yield replace(_runner(recipe, text, line, part), recipe=recipe)
        return
    called = [part[0] for part in _plainly(inline) if part] if inline else words
    for word in called:
        laid = [each for name in (word, f"./{word}") for each in (image.own(name) if image is not None else ())]
        there = [each for each in laid if text_of(each) is not None][:1]
        script = next(filter(None, (_script(each, text_of) for each in there or _places(word, folder))), None)
        if script is not None:
            yield from (replace(each, recipe=recipe) for each in _of_script(*script, folder, text_of))
            return


def tool_before_more(words: Sequence[str]) -> MigrationTool | None:
    """The tool that a container's command migrates with before it goes on to something else."""
    parts = [each for each in _plainly(line_in(words)) if each]
    return next((tool for each in parts[:-1] if (tool := _tool(each)) is not None), None)


def tool_of_task(words: Sequence[str]) -> MigrationTool | None:
    """The tool that a container's command migrates with, wherever in it."""
    parts = [each for each in _plainly(line_in(words)) if each] or [list(words)]
    return next((tool for each in parts if (tool := _tool(each)) is not None), None)


def _runner(file: str, text: str, line: int, words: Sequence[str]) -> MigrationRunner:
    entry, tool = SourceFile(file, "other", text), _tool(words)
    assert tool is not None
    return MigrationRunner(entry, (entry,), tool.name, (), line, shaped_by(words))


def shaped_by(words: Sequence[str]) -> Shapes | None:
    """What a tool's command does to a schema by no migration; ``None`` where it applies migrations."""
    tool = _tool(words)
    if tool is None or not any(_in_order(way, words) for way in tool.declares):
        return None
    return Shapes.EMPTIES if any(_in_order(way, words) for way in tool.wipes) else Shapes.CHANGES


def _started(text: str) -> tuple[list[str], int]:
    """The words of what starts, and the line that says so."""
    said: dict[str, tuple[str, int]] = {}
    stages: dict[str, dict[str, tuple[str, int]]] = {}
    try:
        for number, name, written in instructions(text):
            if name == "FROM":
                given = [each.lower() for each in written.split() if not each.startswith("--")] or [""]
                said = {**stages.get(given[0], {})}
                if len(given) == 3:  # with a name
                    stages[given[2]] = said
            elif name in {"ENTRYPOINT", "CMD"}:
                said[name] = (written, number)
    except TooMuchError:
        return [], 1  # what images start is told of elsewhere
    words = [word for name in ("ENTRYPOINT", "CMD") if name in said for word in _words(said[name][0])]
    return words, next((said[name][1] for name in ("ENTRYPOINT", "CMD") if name in said), 1)


def _words(written: str) -> Sequence[str]:
    given = listed(written)
    return given if given is not None else ["sh", "-c", written]


def _places(word: str, folder: str) -> Iterator[str]:
    """Where a file of the image may lie in the repository: beside the recipe, without the folders that only the image
    has."""
    parts = [part for part in word.split("/") if part not in {"", "."}]
    for at in range(len(parts)):
        yield posixpath.join(folder, *parts[at:])
    # The last one is where Phoenix keeps what a release has beside it (its documentation, "Deploying with releases").
    for beside in ("docker", "bin", "scripts", "deploy", "rel/overlays/bin") if parts else ():
        yield posixpath.join(folder, beside, parts[-1])


def _script(path: str, text_of: Text) -> tuple[str, str] | None:
    text = text_of(path)
    return (path, text) if text and (_SHEBANG.match(text) or path.endswith(".sh")) else None


def _of_script(file: str, text: str, folder: str, text_of: Text) -> Iterator[MigrationRunner]:
    deep = 0
    for number, line in enumerate(text.split("\n"), 1):
        said = line.strip()
        if _ENDS.match(said):
            deep -= 1
        for part in _followed(said, folder, text_of) if deep == 0 and not said.startswith("#") else ():
            if _tool(part) is not None:
                yield _runner(file, text, number, part)
                return
        one_line = re.search(r"\b(?:fi|esac|done)\b|\}\s*$", said) is not None
        if _BEGINS.match(said) and not one_line:
            deep += 1


def _plainly(line: str) -> Iterator[list[str]]:
    """The commands of a line that are run whatever there is: not those behind a question."""
    for part in re.split(r"\|\||;|\n", line):
        for each in part.split("&&"):
            try:
                words = shlex.split(each, comments=True)
            except ValueError:
                return
            if words and words[0] in {"[", "[[", "test", "if", "case", "for", "while", "until"}:
                return
            yield words
        if "||" in line:
            return


_DEEPEST: Final = 4  # scripts of a package that run scripts


def _followed(line: str, folder: str, text_of: Text, depth: int = 0) -> Iterator[list[str]]:
    """The commands of a line, and those of the package's scripts that it runs by their names."""
    for part in _plainly(line):
        yield part
        for script in _of_package(part, folder, text_of) if depth < _DEEPEST else ():
            yield from _followed(script, folder, text_of, depth + 1)


def _of_package(words: Sequence[str], folder: str, text_of: Text) -> Iterator[str]:
    """What a script of ``package.json`` runs that a command names, with what goes before it (npm documentation,
    "scripts": pre and post scripts, ``npm start``)."""
    named = [word for word in words if word != "exec" and not word.startswith("-")]
    run = named[1:2] in (["run"], ["run-script"])
    if len(named) < (3 if run else 2):
        return
    program, asked = named[0].rpartition("/")[2], named[2 if run else 1]
    # Of npm only `start` needs no `run`: `npm ci` is a command of its own.
    if program not in {"pnpm", "yarn", "bun"} and not (program == "npm" and (run or asked == "start")):
        return
    for place in dict.fromkeys((posixpath.join(folder, "package.json"), "package.json")):
        try:
            data = json.loads(text_of(place) or "{}")
        except (ValueError, RecursionError):
            return
        scripts = data.get("scripts") if isinstance(data, dict) else None
        if isinstance(scripts, dict) and asked in scripts:
            found = (scripts.get(f"pre{asked}"), scripts[asked])
            yield from (each for each in found if isinstance(each, str))
            return


def _tool(words: Sequence[str]) -> MigrationTool | None:
    rest = list(words)
    while rest and _BEFORE.fullmatch(rest[0].rpartition("/")[2]):
        rest.pop(0)
    program = rest[0].rpartition("/")[2] if rest else ""
    if evaluated(rest) is False:
        return BY_NAME["ecto"]
    for tool in TOOLS:
        for each in tool.programs if not tool.is_client else ():
            named, *group = each.split()
            if named == program and any(_in_order((*group, *way), rest[1:]) for way in tool.forwards):
                return tool
    return None


def _in_order(wanted: Sequence[str], words: Sequence[str]) -> bool:
    left = iter(words)
    return all(word in left for word in wanted)
