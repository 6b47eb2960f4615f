"""What a command of a shell that is followed is handed to run: its program asked with all that the shell knows."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.pipeline.scripts import Command
from checker.model.possible import Possible, open_text
from checker.model.values import Text
from checker.resolve.shell.handed.consoles import artisan, ruby_console
from checker.resolve.shell.handed.found import PROGRAMS, handed_over
from checker.resolve.shell.handed.git import alias, configured, placed
from checker.resolve.shell.handed.go_programs import go_run
from checker.resolve.shell.handed.items import with_arguments, with_items
from checker.resolve.shell.handed.kinds import Handed, Told
from checker.resolve.shell.handed.projects.scripts import MANAGERS, own_script
from checker.resolve.shell.handed.variables import is_loading, loading
from checker.resolve.shell.process import Shell
from checker.resolve.shell.state import Context, State, Stored

_PATTERN: Final = lazy_re.compile(r"[*?\[]")
_MARKS: Final = 700_000  # those of text that is not a step's own are below
_MAX_ALIASES: Final = 5  # that stand for one another
_SETTING: Final = "git config "  # no variable can be called this


def _told(shell: Shell, words: list[Possible], own: Mapping[str, Stored], state: State, context: Context) -> Told:
    def variable(name: str) -> Possible:
        found = own.get(name, state.variables.get(name) if name in state.exported else None)
        return None if isinstance(found, tuple) else found

    def text_of(word: Possible) -> str | None:
        return _text(word, shell, state)

    def is_file(word: Possible) -> bool:
        if state.written is not None and state.written.has(word, state.folder):
            return True
        path = state.path(word)
        return path is not None and shell.library.is_file(path)

    def go_files(pattern: str) -> tuple[str, ...] | None:
        folder = pattern.removesuffix("/...")
        path = None if "..." in folder else state.path(folder)
        found = None if path is None else shell.library.go_files(f"{path}{pattern.removeprefix(folder)}")
        return tuple(f"{WORKSPACE}/{each}" for each in found) if found is not None else None

    def files_of(word: Possible) -> Sequence[Possible]:
        path = state.path(word)
        if word is None or (path is None and isinstance(word, str)):
            return ()
        if path is not None and (shell.library.is_file(path) or not _PATTERN.search(path)):
            return (word,)
        wanted = re.compile(fnmatch.translate(path) if path is not None else _ends_as(word))
        found = shell.library.gemspecs() if str(path).endswith(".gemspec") else shell.library.sql_files()
        return [f"{WORKSPACE}/{each}" for each in found if wanted.fullmatch(each)]

    fed = coming_in(shell, state, context)
    fed_by = _file_fed(state, context) if fed is None else None
    return Told(
        words,
        variable,
        fed,
        text_of,
        is_file,
        go_files=go_files,
        rake_files=shell.library.rake_files,
        files_of=files_of,
        fed_by=fed_by,
    )


def _ends_as(word: Possible) -> str:
    """A pattern of the files that a name which is known in parts may mean: by their own names, without folders."""
    name = "".join(part if isinstance(part, str) else "*" for part in word.parts) if isinstance(word, Text) else "*"
    return r"(?:.*/)?" + fnmatch.translate(name.rpartition("/")[2] or "*")


def _file_fed(state: State, context: Context) -> Possible:
    """The file that comes in over a redirection or a pipe: its name, open where that is not known."""
    given = next((each for each in reversed(context.writes) if each.operator.startswith("<")), None)
    if given is not None:
        return given.target if given.operator == "<" else None
    if state.fed is None:
        return None
    return state.fed.file if state.fed.file is not None else open_text("what comes in")


def coming_in(shell: Shell, state: State, context: Context) -> Possible:
    """What comes in over a redirection or a pipe, where it is known."""
    given = next((each for each in reversed(context.writes) if each.operator.startswith("<")), None)
    if given is not None and given.operator.startswith("<<"):
        return given.target
    file = given.target if given is not None else state.fed.file if state.fed is not None else None
    if given is None and state.fed is not None and state.fed.text is not None:
        return state.fed.text
    return _text(file, shell, state)


def _text(file: Possible, shell: Shell, state: State) -> str | None:
    """What a file holds that the job has written, or that is the repository's."""
    if state.written is not None and state.written.has(file, state.folder):
        held = state.written.text(file, state.folder)
        if isinstance(held, str):
            return held
    path = state.path(file)
    return shell.library.text(path) if path is not None else None


def from_git(words: list[Possible], shell: Shell, own: Mapping[str, Stored], state: State, context: Context) -> Told:
    """A command of git, with the settings that commands before it made."""
    told = _told(shell, words, own, state, context)
    kept = [
        (name.removeprefix(_SETTING), value)
        for name, value in state.variables.items()
        if name.startswith(_SETTING) and not isinstance(value, tuple)
    ]
    return Told(words, told.variable, None, told.text_of, told.is_file, (*kept, *_made(shell.commands)))


def _made(commands: Iterable[Command]) -> Iterator[tuple[str, Possible]]:
    for each in commands:
        found = configured(each.words) if each.program == "git" else None
        if found is not None:
            yield found
        yield from placed(each)


def settings_kept(commands: Iterable[Command]) -> dict[str, Possible]:
    """The settings of git that commands of earlier steps made, as variables of a later one's shell."""
    return {f"{_SETTING}{name}": value for name, value in _made(commands)}


def in_place_of(
    words: list[Possible], shell: Shell, own: Mapping[str, Stored], state: State, context: Context
) -> list[Possible]:
    """The command that another one surely is: an alias of git, what xargs starts for what it reads, a program of Go."""
    name = words[0] if words else ""
    if name == "git":
        for _ in range(_MAX_ALIASES):
            inner = alias(from_git(words, shell, own, state, context))
            if inner is None:
                break
            words = inner
        return words
    if name == "go":
        return go_run(_told(shell, words, own, state, context)) or words
    if isinstance(name, str) and name.rpartition("/")[2] in {"rails", "rake"}:
        return ruby_console(_told(shell, words, own, state, context)) or words
    if isinstance(name, str) and name.startswith("php"):
        return artisan(_told(shell, words, own, state, context)) or words
    if name in MANAGERS:
        return own_script(_told(shell, words, own, state, context)) or words
    if name == "parallel":
        return with_arguments(words, coming_in(shell, state, context), lambda word: _text(word, shell, state))
    if name == "xargs":
        marks: dict[str, Possible] = {}
        found = with_items(words, coming_in(shell, state, context), f"__gha{_MARKS + len(state.marks)}__", marks)
        state.marks = {**state.marks, **marks} if marks else state.marks
        return found
    return words


def handed(
    words: list[Possible], shell: Shell, own: Mapping[str, Stored], state: State, context: Context
) -> Iterator[Handed]:
    """The commands that one is handed to run, and what of them nobody can follow."""
    first = words[0] if words else ""
    name = first.rpartition("/")[2] if isinstance(first, str) else ""
    if own:
        yield from first_of({key: each for key, each in own.items() if not isinstance(each, tuple)})
    if name not in PROGRAMS:
        return
    named = [name, *words[1:]]
    told = from_git(named, shell, own, state, context) if name == "git" else _told(shell, named, own, state, context)
    yield from handed_over(told)


def first_of(given: Mapping[str, Possible]) -> Iterator[Handed]:
    """The code that variables have a program run first."""
    for each in loading(given):
        if each == "BASH_ENV":
            continue  # each bash that is started asks for it
        if each == "PS4" and isinstance(given[each], str):
            yield ["bash", "-c", f': "{given[each]}"']
            continue
        yield f"the code that {each} names runs first, and was not followed"


def without_loading(own: Mapping[str, Stored]) -> dict[str, Stored]:
    """Variables without those that have other code run first."""
    return {name: value for name, value in own.items() if not is_loading(name)}
