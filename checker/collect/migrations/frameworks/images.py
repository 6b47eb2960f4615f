"""What containers of an image start, and where in it the files of the repository lie: by its recipe.

Source: Dockerfile reference, "FROM" (a stage may go on from another), "WORKDIR", "COPY" and "ADD" (of a folder what is
in it is copied; a target that ends in a slash is a folder), "ENV" and "ARG", "ENTRYPOINT" (of the exec form it comes
before the words of CMD; the shell form takes none), "CMD" (which a later ENTRYPOINT takes back), "SHELL", and
"Here-Documents" (of RUN, COPY and ADD).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.collect.migrations.frameworks.image_edits import Change, changes_of
from checker.model.migrations.images import ImageStart, fits
from checker.model.written.shell_lines import SHELLS, listed

_INSTRUCTION: Final = lazy_re.compile(r"[ \t]*([A-Za-z]+)[ \t]+(.*)", re.DOTALL)
# A here-document's end word is all of it that no blank parts; where it does not end so, what a shell takes for one.
_HERE: Final = lazy_re.compile(r"(?<!<)<<(-?)([\"']?)(([A-Za-z_]\w*)[^\s<\"']*)\2(?=[\s>;&|)]|$)")
_SCRIPT: Final = lazy_re.compile(r"(?:--\S+\s+)*<<-?[\"']?\w+[\"']?;?")
_SHELLS: Final = "|".join(sorted(SHELLS))
# A shell that is told no script of its own, which it reads from what comes in.
_READS: Final = lazy_re.compile(
    rf"(?:^|[\s|])(?:\S*/)?(?:{_SHELLS})(?:\s+-(?!\w*c)\S+|\s+pipefail)*\s*(?:-s\s.*)?(?:$|[<|>])"
)
_BY_A_SHELL: Final = lazy_re.compile(rf"#!.*\b(?:{_SHELLS})\b")
_BETWEEN: Final = lazy_re.compile(r"&&|\|\||;")
_FLAGS: Final = lazy_re.compile(r"(?:--\S+\s+)*")
_WITH_BODY: Final = frozenset({"RUN", "COPY", "ADD", "ONBUILD"})
_VARIABLE: Final = lazy_re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^{}]*))?\})")
_PAIR: Final = lazy_re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")
_FILLED: Final = frozenset({"FROM", "ENV", "ARG", "WORKDIR", "COPY", "ADD", "ENTRYPOINT", "CMD"})
# What is copied from elsewhere, or by a pattern: which files these are is not read.
_NOT_READ: Final = lazy_re.compile(r"[*?\[]|://")
_NOT_READ_PART: Final = lazy_re.compile(r"[*?\[].*[*?\]]|[*?]")
_FROM: Final = lazy_re.compile(r"--from=(\S*)")
_MOST: Final = 5000  # instructions of a recipe
_MOST_PLACES: Final = 1000
_MOST_WORDS: Final = 20
_LONGEST: Final = 4096  # of the values that variables put into an instruction
_LONGEST_PATH: Final = 4096
IsFile = Callable[[str], bool]


class TooMuchError(Exception):
    """A recipe is longer, or comes to more, than any that is written by hand: what of it is in the message."""


class _Stage(Struct):
    folder: str = "/"
    places: list[tuple[str, str]] = field(default_factory=list)  # of the image, and of the repository
    variables: dict[str, str] = field(default_factory=dict)
    entry: list[str] | None = None
    command: list[str] | None = None
    line: int = 1
    shell: list[str] = field(default_factory=lambda: ["sh", "-c"])
    is_line: bool = False  # whether the entry point is a line for the shell, which is given no words
    changed: dict[str, int] = field(default_factory=dict)  # files, as `ImageStart` has them

    def further(self) -> _Stage:
        """A stage that goes on from this one."""
        return _Stage(
            self.folder,
            [*self.places],
            {**self.variables},
            self.entry,
            self.command,
            self.line,
            self.shell,
            self.is_line,
            {**self.changed},
        )

    def enter(self, folder: str) -> None:
        self.folder = posixpath.normpath(posixpath.join(self.folder, folder))
        if len(self.folder) > _LONGEST_PATH:
            raise TooMuchError("the name of a folder is too long")

    def put(self, places: Iterable[tuple[str, str]], is_file: IsFile) -> None:
        for place, own in places:
            below = f"{place.rstrip('/')}/"
            again = {each for at, each in self.places if f"{at.rstrip('/')}/".startswith(below)} <= {own}
            for each in [one for one in self.changed if one.startswith(below)]:
                if again or is_file(posixpath.join(own, each[len(below) :])):
                    del self.changed[each]  # it is there anew
            self.lay(place, own)

    def lay(self, place: str, own: str) -> None:
        if len(place) > _LONGEST_PATH or len(own) > _LONGEST_PATH or len(self.places) >= _MOST_PLACES:
            raise TooMuchError(f"it copies to more than {_MOST_PLACES} places, or to one that is too long")
        self.places.append((place, own))
        self.changed.pop(place, None)

    def own(self, path: str) -> str | None:
        """The repository's own that lies at a path of the image."""
        around = [each for each in self.places if f"{path}/".startswith(f"{each[0].rstrip('/')}/")]
        if not around:
            return None
        place, own = max(reversed(around), key=lambda each: len(each[0]))
        rest = path[len(place.rstrip("/")) :].lstrip("/")
        return posixpath.join(own, rest) if rest else own

    def run(self, written: str, line: int, is_file: IsFile) -> None:
        """What an instruction's commands change, and copy."""
        for each in changes_of(written, self.folder, self.variables):
            if each.below:
                self.fill(each, line)
                continue
            of = self.own(each.source) if each.source and "*" not in each.source else None
            was = next((at for pattern, at in self.changed.items() if fits(pattern, each.source)), None)
            there = self.own(each.path)
            is_folder = any(place == each.path for place, _ in self.places) and not is_file(there or "")
            if of is not None and "*" not in each.path and not is_folder:  # into a folder it goes by its own name
                self.lay(each.path, of)
            if of is None or was is not None or "*" in each.path or not is_file(of):  # made by then
                self.changed[each.path] = was or line
            if len(self.changed) > _MOST_PLACES:
                raise TooMuchError(f"its commands change more than {_MOST_PLACES} files")

    def fill(self, change: Change, line: int) -> None:
        """All that a folder of the image has is copied into another."""
        of = self.own(change.source) if "*" not in change.source else None
        if of is None or "*" in change.path:
            self.changed[f"{change.path.rstrip('/')}/*"] = line
            return
        begin = f"{change.source.rstrip('/')}/"
        moved = {each[len(begin) :]: at for each, at in self.changed.items() if each.startswith(begin)}
        self.lay(change.path, of)
        self.changed |= {posixpath.join(change.path, rest): at for rest, at in moved.items()}

    def take(self, copy: _Copy, line: int) -> None:
        """What another stage has changed of what is copied from it, and what the recipe has in itself."""
        for each in copy.froms:
            if each.startswith("<<"):
                name = each.lstrip("<-").strip("\"'")
                self.changed[posixpath.join(copy.target, name) if copy.into else copy.target] = line
            elif copy.before is None and _NOT_READ.search(each):  # it takes the place of what is there
                name = _NOT_READ_PART.sub("*", posixpath.basename(each))
                self.changed[posixpath.join(copy.target, name)] = line
                if "://" in each and not copy.into:
                    self.changed[copy.target] = line
            path = posixpath.normpath(posixpath.join(copy.before.folder, each)) if copy.before is not None else ""
            for pattern, at in copy.before.changed.items() if copy.before is not None else ():
                if fits(pattern, path):
                    beside = posixpath.join(copy.target, posixpath.basename(path))
                    self.changed |= dict.fromkeys((copy.target, beside), at)
                elif pattern.startswith(f"{path.rstrip('/')}/"):
                    self.changed[posixpath.join(copy.target, pattern[len(path.rstrip("/")) + 1 :])] = at


def image_start(recipe: str, text: str, is_file: IsFile) -> ImageStart | None:
    """What a container of the image starts, as its last stage says; ``None`` where that says nothing. Of a recipe that
    is too much to be read it is told that nobody knows."""
    beside = posixpath.dirname(recipe)
    # An image is built in the folder of its recipe, or in the one that all are built in.
    contexts = [beside, ""] if beside else [""]
    try:
        found = [_last(text, context, is_file) for context in contexts]
    except TooMuchError as error:
        return ImageStart(recipe, 1, (), (), "/", (), unknown=str(error))
    made = [_image(recipe, each) for each in found if each.entry or each.command or each.places]
    return max(made, key=lambda each: _files_of(each, is_file), default=None)


def _image(recipe: str, stage: _Stage) -> ImageStart:
    # Of several that lie at one place the last one covers the others.
    places = tuple(sorted(dict.fromkeys(reversed(stage.places)), key=lambda each: -len(each[0])))
    entry, command, changed = stage.entry or (), stage.command or (), tuple(stage.changed.items())
    return ImageStart(recipe, stage.line, tuple(entry), tuple(command), stage.folder, places, changed=changed)


def _files_of(image: ImageStart, is_file: IsFile) -> int:
    """How many files there are of those that an image takes and starts."""
    words = " ".join((*image.entry, *image.command)).split()
    started = [each for word in words[:_MOST_WORDS] for each in image.own(word)]
    return sum(map(is_file, (*started, *(own for _, own in image.places))))


def _last(text: str, context: str, is_file: IsFile) -> _Stage:
    stages: dict[str, _Stage] = {}
    stage, given, count = _Stage(), dict[str, str](), 0
    for number, name, written in instructions(text):
        said = _filled(written, {**given, **stage.variables}) if name in _FILLED else written
        if name == "FROM":
            words = [each for each in said.split() if not each.startswith("--")]
            before = stages.get(words[0].lower()) if words else None
            stage = before.further() if before is not None else _Stage(variables=dict(given))
            stages[str(count)] = stage
            count += 1
            if len(words) == 3:
                stages[words[2].lower()] = stage
        elif name in {"ENV", "ARG"}:
            pairs = {each[1]: each[2].strip("\"'") for each in _PAIR.finditer(said)}
            first, _, rest = said.partition(" ")
            stage.variables |= pairs or ({first: rest.strip()} if name == "ENV" else {})
            given |= pairs if name == "ARG" and not stages else {}
        elif name == "WORKDIR":
            stage.enter(said.strip().strip("\"'"))
        elif name in {"COPY", "ADD"}:
            if (copy := _copy_of(said, stage, stages)) is not None:
                stage.put(_copied(copy, context, is_file), is_file)
                stage.take(copy, number)
        elif name == "RUN":
            stage.run(written, number, is_file)
        elif name == "SHELL":
            stage.shell = listed(said) or stage.shell
        elif name == "ENTRYPOINT":
            stage.is_line = (given_words := listed(said)) is None
            stage.entry = [*stage.shell, said] if given_words is None else given_words
            stage.command, stage.line = None, number
        elif name == "CMD":
            given_words = listed(said)
            stage.command = [*stage.shell, said] if given_words is None else given_words
            stage.line = stage.line if stage.entry else number
    if stage.entry and stage.is_line:
        stage.command = None
    return stage


def instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """The instructions of a recipe with the lines that they begin in, without the bodies of here-documents."""
    lines = text.replace("\r\n", "\n").split("\n")
    ends: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        ends.setdefault(line.strip("\t"), []).append(index)
    at = count = 0
    while at < len(lines):
        number, parts = at + 1, [lines[at]]
        at += 1
        is_comment = parts[0].lstrip().startswith("#")
        while not is_comment and at < len(lines) and parts[-1].rstrip().endswith("\\"):
            if lines[at].strip() and not lines[at].lstrip().startswith("#"):  # comments between are none of it
                parts[-1] = parts[-1].rstrip()[:-1]
                parts.append(lines[at])
            at += 1
        match = _INSTRUCTION.match(" ".join(parts))
        if match is None:
            continue
        count += 1
        if count > _MOST:
            raise TooMuchError(f"it has more than {_MOST} instructions")
        name, written = match[1].upper(), match[2].strip()
        begun = at
        for here in _HERE.finditer(written) if name in _WITH_BODY else ():
            at = _behind(here, lines, ends, at)
        yield number, name, _as_run(written, lines[begun : at - 1]) if at > begun and name == "RUN" else written


def _as_run(written: str, body: Sequence[str]) -> str:
    """What is run by an instruction that has here-documents: one by itself is the script, and so is one that a shell
    reads."""
    text = "\n".join(body)
    if _SCRIPT.fullmatch(written):
        return text if not text.startswith("#!") or _BY_A_SHELL.match(text) else written
    parts = [part for part in _BETWEEN.split(written) if "<<" in part]
    return f"{written}\n{text}" if any(map(_READS.search, parts)) else written


def _behind(here: re.Match[str], lines: Sequence[str], ends: Mapping[str, Sequence[int]], at: int) -> int:
    """The line behind a here-document's body that begins here; the same line where it does not end: then it is none."""
    for word in dict.fromkeys((here[3], here[4])):
        found = ends.get(word, ())
        for number in range(bisect_left(found, at), len(found)):
            index = found[number]
            if here[1] or lines[index] == word:
                return index + 1
    return at


def _filled(written: str, variables: Mapping[str, str]) -> str:
    size = 0

    def value(match: re.Match[str]) -> str:
        nonlocal size
        known = variables.get(match[1] or match[2])
        found = known if known is not None else match[3] if match[3] is not None else match[0]
        size += len(found)
        if size > _LONGEST:
            raise TooMuchError("the values of its variables are too long")
        return found

    return _VARIABLE.sub(value, written)


class _Copy(Struct, frozen=True):
    """An instruction that copies: from a stage ``before``, or from where the image is built."""

    froms: Sequence[str]
    target: str
    into: bool  # whether that is a folder
    before: _Stage | None


def _copy_of(said: str, stage: _Stage, stages: Mapping[str, _Stage]) -> _Copy | None:
    """``None`` where nothing of the repository's is copied."""
    try:
        every = listed(_FLAGS.sub("", said, count=1)) or shlex.split(said)
    except ValueError:
        return None
    words = [each for each in every if not each.startswith("--")]
    source = _FROM.search(said)
    before = stages.get(source[1].lower()) if source is not None else None
    # Of its own stage, which is not there yet, nothing can be copied.
    if len(words) < 2 or (source is not None and before is None) or before is stage:
        return None
    *froms, to = words
    target = posixpath.normpath(posixpath.join(stage.folder, to))
    into = to.endswith("/") or to in {".", "./"} or len(froms) > 1 or target == stage.folder
    return _Copy(froms, target, into, before)


def _copied(copy: _Copy, context: str, is_file: IsFile) -> Iterator[tuple[str, str]]:
    """What lies where by an instruction that copies: places of the image, and those of the repository."""
    for each in copy.froms:
        if copy.before is not None:
            path = posixpath.normpath(posixpath.join(copy.before.folder, each))
            yield from _of_stage(path, copy.target, copy.before, into=copy.into)
        elif not any(sign in each for sign in ("*", "?", "://", "<<")):
            path = posixpath.normpath(posixpath.join(context, each.lstrip("/") or "."))
            path = "" if path == "." else path
            if path.startswith(".."):
                continue
            named = copy.into and is_file(path)
            yield (posixpath.join(copy.target, posixpath.basename(path)) if named else copy.target), path


def _of_stage(path: str, target: str, before: _Stage, *, into: bool) -> Iterator[tuple[str, str]]:
    for place, own in before.places:
        if place == path:  # one file, or a whole folder: only of a file does the target's slash decide
            named = into and "." in posixpath.basename(own)
            yield (posixpath.join(target, posixpath.basename(path)) if named else target), own
        elif path.startswith(place.rstrip("/") + "/"):
            rest = path[len(place.rstrip("/")) + 1 :]
            yield (
                (posixpath.join(target, posixpath.basename(rest)) if into and "." in rest else target),
                (posixpath.join(own, rest)),
            )
        elif place.startswith(path.rstrip("/") + "/"):
            yield posixpath.join(target, place[len(path.rstrip("/")) + 1 :]), own
