"""In which folder of its own code something stands (a checkout's ``path``, a worktree, a clone), and what goes there.

Sources: AWS CLI, "deploy", "package"; AWS SAM CLI, "sam deploy"; AWS CDK CLI, ``--app`` and ``--output``; git, ``-C``
and ``--work-tree``; README of actions/download-artifact, ``path``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command, Trace
from checker.model.possible import Possible, shown
from checker.model.values import Unknown
from checker.reason.deploys.changes import Action
from checker.reason.deploys.code.brought import (
    CODE,
    INSTALLERS,
    LOOKS,
    READ_BY_PEOPLE,
    Brought,
    archived_in,
    lies,
    option_of,
    verb_of,
)

_PRINTING: Final = frozenset({"archive", "show", "cat-file"})
_COPIES: Final = frozenset({"cp", "mv", "rsync", "install", "ln"})
_OUTPUTS: Final = ("-o", "--output", "--output-template-file", "--output-file", "--output-dir", "-D", "--dir")
_FILE: Final = lazy_re.compile(r"[\w./$-]*[./][\w./$-]*")
_OUTSIDE: Final = ("/", "~", "$", "-", "..")
_DEEP: Final = 100  # files made of files


def uses(action: Command, folder: str) -> bool:
    """Whether a command runs, copies or hands on what lies in a folder."""
    if action.program in LOOKS and not any(map(CODE.fullmatch, _written(action))):
        return False
    inside = re.compile(rf"(?:^|[=:\s]|\./|\.\./)(?:\./)*{re.escape(folder)}(?:/|$)")
    words = [*map(shown, action.words), *map(shown, action.environment.values()), *_on_stdin(action)]
    stands = action.folder or (folder_named(action.away) if action.away else "")
    return f"{stands}/".startswith(f"{folder}/") or any(map(inside.search, words))


def folder_named(word: Possible) -> str:
    """A folder as a command names it, without what leads there."""
    return re.sub(r"^(?:\.{1,2}/)+|/+$", "", shown(word)) or "."


def _on_stdin(command: Command) -> list[str]:
    return [shown(each.target) for each in command.writes if each.descriptor == 0 and each.operator == "<"]


def _written(command: Command) -> list[str]:
    """The files that are what a command prints."""
    told = [shown(each.target) for each in command.writes if each.descriptor == 1]
    return [*told, *_operands(command)] if command.program == "tee" else told


def is_used(folder: str, job: EffectiveJob, folders: Collection[str], later: Iterable[Command]) -> bool:
    """Whether what is put into a folder is used: by name, or for what the repository has there itself, whose
    ``folders`` are given."""
    acts = any(each.uses.startswith(f"./{folder}/") for each in job.steps)
    return acts or folder in folders or any(uses(each, folder) for each in later)


def behind(step: EffectiveStep, trace: Trace) -> list[Command]:
    """The commands of the steps that come later."""
    commands = (each for each in trace.actions if isinstance(each, Command))
    return [each for each in commands if each.step is not None and each.step.index > step.index]


def _innermost(path: str | None, places: Collection[str]) -> str:
    while path and path not in places:
        path = path.rpartition("/")[0]
    return path or ""


def _at(name: str, command: Command) -> str | None:
    """Where a file lies that a command names, outside of the repository too."""
    at = lies(name, command)
    return posixpath.normpath(f"{command.away}/{name}") if at is None and command.away else at


def _tree_of(command: Command, places: Collection[str]) -> str:
    """The folder of its own code in which a command works; empty for the workspace itself."""
    into = None
    if command.program == "git":
        told = option_of(command.words, "-C", "--work-tree")
        given = {**(command.step.env if command.step is not None else {}), **command.handed}
        into = given.get("GIT_WORK_TREE") if told is None else told
    return _innermost(_at("." if into is None else shown(into), command), places)


def stands_in_other(command: Command, others: Collection[str], own: Collection[str]) -> bool:
    """Whether git works in a clone of another repository: the innermost of all is one."""
    places = {*others, *own}
    return _tree_of(command, places) in others


# -- where something runs ----------------------------------------------------------------------------


def stands_in(trace: Trace, places: Collection[str]) -> Iterator[tuple[Action, str]]:
    """Each action with the folder of its own code in which it runs, or in which the stack's file lies that it deploys;
    empty for the workspace itself. The innermost, where one lies in another."""
    command: Command | None = None
    for index, action in enumerate(trace.actions):
        command = action if isinstance(action, Command) else command
        behind = command if command is not None and command.spot == action.spot else None  # what a call stands for
        inside = behind.away if behind is not None and behind.away else action.folder
        found = _innermost(inside, places)
        stack = isinstance(action, CdkCommand) or (isinstance(action, AwsCall) and action.service == "cloudformation")
        stack = stack or (isinstance(action, Command) and action.program == "sam")
        if stack and behind is not None and any(places):
            told = _told(behind, trace.actions[:index], places)
            found = _named(behind, places) if told is None and not found else found if told is None else told
        yield action, found


def _named(command: Command, places: Collection[str]) -> str:
    """The folder of its own code in which any file lies that a command names."""
    named = [shown(each).removeprefix("file://").rpartition("=")[2] for each in command.words[1:]]
    files = (lies(each, command) or "" for each in named if "/" in each)
    return next((home for each in files if (home := _innermost(posixpath.dirname(each), places))), "")


def _told(command: Command, before: Sequence[Action], places: Collection[str]) -> str | None:
    """The folder of the code that the stack is of whose file a command names; ``None`` where it names none."""
    return _Homes(places).told(command, before, 0)


def _stack_file(command: Command) -> str | None:
    """Where the template lies, or the app, that a command names."""
    options = ("--template-file", "--template-body", "--template")
    template = option_of(command.words, *options, *(["-t"] if command.program == "sam" else []))
    if template is not None:
        named = shown(template)
        # Behind another scheme, or as a document, it is no file.
        is_file = ("://" not in named or named.startswith("file://")) and not named.lstrip().startswith("{")
        return _at(named.removeprefix("file://"), command) if is_file else None
    app = option_of(command.words, "--app", "-a") if command.program != "aws" else None
    words = shown(app).split() if app is not None else []
    given = [each for each in words[1:] or words if not each.startswith("-")]
    return _at(next((each for each in given if "/" in each), given[0]), command) if given else None


class _Homes(Struct, frozen=True):
    """Whose code files are. ``known``: by where it stands among the actions, of what a command has made."""

    places: Collection[str]
    known: dict[int, str | None] = field(default_factory=dict)

    def told(self, command: Command, before: Sequence[Action], depth: int) -> str | None:
        at = _stack_file(command)
        return None if at is None else self.of(at, command, before, depth)

    def of(self, at: str, by: Command, before: Sequence[Action], depth: int) -> str | None:
        """Of what made the file, else of where it lies; ``None`` where an artifact may be it."""
        for index in reversed(range(len(before)) if depth < _DEEP else ()):
            maker = before[index]
            if isinstance(maker, Command) and maker is not by and at in _makes(maker):
                if index not in self.known:
                    self.known[index] = self._made_by(maker, before[:index], depth + 1)
                return self.known[index]
        home = _innermost(at, self.places)
        return home if home or not (at.startswith(_OUTSIDE) or _downloads(by, at) is not False) else None

    def _made_by(self, maker: Command, before: Sequence[Action], depth: int) -> str | None:
        """Of the file that a command copies or reads, else of where it runs."""
        if maker.program in _COPIES:
            return self.of(_sources(maker)[0], maker, before, depth)
        told = self.told(maker, before, depth)
        if told is not None:
            return told
        own = _tree_of(maker, self.places)
        made = {*_makes(maker)}
        for name in _inputs(maker, before):
            at = _at(name, maker)
            whose = self.of(at, maker, before, depth) if at is not None and at not in made else None
            if whose not in {None, own}:
                return whose
        return own


def _inputs(command: Command, before: Sequence[Action]) -> list[str]:
    """The files that a command reads: by name, by a redirection, or through a pipe from the commands in front."""
    named = [] if command.program in {"aws", "tee"} else _operands(command)
    found = [each for each in named if _FILE.fullmatch(each)] + _on_stdin(command)
    for index in reversed(range(len(before))):
        each = before[index]
        if isinstance(each, Command) and each.spot in command.handling.fed_by and each.step is command.step:
            return found + _inputs(each, before[:index])
    return found


def _makes(command: Command) -> Iterator[str | None]:
    """The files, and folders, that a command makes as it says."""
    yield from (_at(each, command) for each in _written(command))
    if command.program in _COPIES:
        if _sources(command):
            yield _destination(command)
        return
    into = option_of(command.words, *_OUTPUTS)
    if into is not None:
        yield _at(shown(into), command)
    elif "cdk" in {posixpath.basename(shown(each)) for each in command.words[:3]} and "synth" in command.words:
        yield _at("cdk.out", command)


def _downloads(command: Command, at: str) -> bool | None:
    """Whether an artifact was put where a file lies; ``None`` where it may have been."""
    found: bool | None = False
    for step in command.step.job.steps[: command.step.index] if command.step is not None else ():
        if step.step.action.startswith("actions/download-artifact"):
            path = posixpath.normpath(shown(step.with_.get("path", "")) or ".")
            if f"{at}/".startswith(f"{path}/"):
                return True
            found = None if path == "." or path.startswith("$") else found
    return found


# -- what goes into one ------------------------------------------------------------------------------


def goes_to(brought: Brought, trace: Trace, index: int, places: Collection[str]) -> str:
    """The folder of its own code into which files come that a command brings; empty for the workspace itself."""
    command = brought.command
    verb, words, _ = verb_of(command) if command.program == "git" else ("", [], "")
    if not places or command.program in INSTALLERS:
        return ""
    if command.program == "git" and verb not in _PRINTING:
        return _tree_of(command, places)
    files = [shown(each.target) for each in command.writes if each.descriptor == 1]
    archive = archived_in(command, words) if verb == "archive" else None
    into = option_of(command.words, *_OUTPUTS, *(["-O", "-P"] if command.program == "wget" else []))
    files += [shown(each) for each in (archive, into) if each is not None]
    found = next((home for each in files if (home := _innermost(_at(each, command), places))), "")
    if found or not (files or command.handling.piped or command.handling.captured):
        return found or _tree_of(command, places)
    takers = [each for each in trace.actions[index + 1 :] if isinstance(each, Command) and _takes(each, command, files)]
    return next((place for each in takers for place in places if place and _goes_in(each, place, places)), "")


def _takes(action: Command, command: Command, files: Sequence[str]) -> bool:
    """Whether a command reads what another one prints on its line, or a file that it has written."""
    if action.step is not command.step:
        return False
    names = [posixpath.basename(each) for each in files]
    on_line = command.handling.piped and action.spot == command.spot
    return on_line or any(name and name in shown(word) for word in action.words[1:] for name in names)


def _goes_in(action: Command, place: str, places: Collection[str]) -> bool:
    written = [_at(shown(each.target), action) for each in action.writes if each.descriptor == 1]
    return (
        _tree_of(action, places) == place or uses(action, place) or place in {_innermost(at, places) for at in written}
    )


def copied_into(command: Command, trace: Trace, index: int, trees: Mapping[str, str]) -> Brought | None:
    """A copy of what another checkout has over code that lies in a folder of its own."""
    before = trace.actions[:index]
    into, sources = _copied(command, before) if trees else (None, [])
    home = _innermost(into, trees)
    if not home:
        return None
    made = {at for each in before if isinstance(each, Command) for at in _makes(each)}
    for source in sources:
        whose = _innermost(source, trees)
        there = _downloads(command, source)
        if whose == home or (source.startswith(_OUTSIDE) and not whose) or source in made or there:
            continue
        if READ_BY_PEOPLE.fullmatch(source):
            continue
        if there is None and not whose:
            return Brought(
                command, Unknown(f"whose code {source} is, which comes over {home}"), trees[home], place=home
            )
        return Brought(command, None, trees[home], place=home, copied=whose)
    return None


def _copied(command: Command, before: Sequence[Action]) -> tuple[str | None, list[str]]:
    """Where a command puts what, as a copy or as code that it makes of it."""
    if command.program in _COPIES:
        return _destination(command), _sources(command)
    code = next((_at(each, command) for each in _written(command) if CODE.fullmatch(each.removeprefix("../"))), None)
    read = [_at(each, command) for each in _inputs(command, before)] if code is not None else []
    return code, [each for each in read if each is not None]


def _operands(command: Command) -> list[str]:
    return [word for word in map(shown, command.words[1:]) if not word.startswith("-")]


def _destination(command: Command) -> str | None:
    """Where a command copies to, as far as that is told."""
    into = option_of(command.words, "-t", "--target-directory")
    named = [shown(into)] if into is not None else _operands(command)[1:][-1:]
    return _at(named[0], command) if named and ":" not in named[0] else None


def _sources(command: Command) -> list[str]:
    """What a command copies, as far as it is told where that lies; a link's target as it is seen from the link."""
    into = option_of(command.words, "-t", "--target-directory")
    named = (
        [each for each in _operands(command) if each != shown(into)] if into is not None else _operands(command)[:-1]
    )
    found = [_at(each, command) for each in named if ":" not in each]
    if command.program == "ln" and any(re.fullmatch(r"-\w*s\w*|--symbolic", shown(each)) for each in command.words):
        link = _destination(command) or ""
        folder = link if _operands(command)[-1:][0].endswith("/") else posixpath.dirname(link)
        found = [posixpath.normpath(posixpath.join(folder, each)) for each in named]
    return [each for each in found if each is not None]
