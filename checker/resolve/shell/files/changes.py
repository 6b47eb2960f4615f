"""Which files a job has changed by when, and to what: for templates, SQL and task definitions that it deploys after.

What a job runs of its own making is asked of :mod:`.written`, which tells texts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Change, Command
from checker.model.possible import Possible
from checker.model.values import Answered, Text
from checker.resolve.shell.files.assigning import Edits, assigned
from checker.resolve.shell.files.changing import plain_of
from checker.resolve.shell.files.editing import by_envsubst, by_sed
from checker.resolve.shell.files.told import coming_in
from checker.resolve.shell.jq.printed import made_of
from checker.resolve.shell.state import Fed

_SED: Final = frozenset({"sed", "gsed"})
_IN_PLACE: Final = lazy_re.compile(r"-[A-Za-z]*i|--in-place")
_ASSIGNING: Final = frozenset({"jq", "yq"})
_COPYING: Final = frozenset({"cp", "mv", "install", "cat"})
_ONE_FILE: Final = 2  # words of a command that names one file
_MOST: Final = 2000  # changes of a job
# Names with values, of which a shell makes words again where nothing stands in quotes.
_SETTINGS: Final = lazy_re.compile(r"[A-Za-z_]\w*=[^\s\"'\\*?\[]*(?:\s+[A-Za-z_]\w*=[^\s\"'\\*?\[]*)*\s*")


class Changes(Struct):
    """The changes of a job so far. ``texts``: what files hold by then, as far as that is known."""

    own_text: Callable[[Possible], str | None]
    found: list[Change] = field(default_factory=list)
    texts: dict[Possible, Possible | None] = field(default_factory=dict)

    def brought(self, folder: str, step: EffectiveStep | Command) -> None:
        """Any file of a folder may be another one by now."""
        self.found.append(Change(f"{folder.removesuffix('/')}/", step))

    def note(self, key: Possible, text: Possible | None, command: Command, fed: Fed | None, where: _Where) -> None:
        """A command has changed a file; ``text`` is what it holds since where the command's words tell that."""
        if len(self.found) > _MOST:
            return
        of, edits = "", None
        surely = command.certain_in_job and not command.reached.on_failure
        source = self._source(command, key, fed, where)
        of = source if isinstance(source, str) else ""
        appends = any(">>" in each.operator for each in command.writes) or command.program == "tee"
        if text is None and source is not None and not appends:
            text, edits = self._made(command, source)
        if not surely and (key in self.texts or self.own_text(key) is not None):
            text, edits = None, None
        self.texts[key] = text
        self.found.append(Change(key, command, text, of, edits, self.own_text(key) is not None))

    def made(self, key: Possible, text: Possible | None, of: str, edits: Edits | None, command: Command) -> None:
        """A program has made a file of another, or of what its own text says."""
        if len(self.found) <= _MOST:
            self.texts[key] = text
            self.found.append(Change(key, command, text, of, edits, self.own_text(key) is not None))

    def object_of(self, command: Command, where: _Where) -> Possible | None:
        """The object that a program makes of one file for whoever takes what it prints, or the settings
        (``NAME=value``) that jq does, or the one value that a call has answered into it; ``None`` where that is not
        known, or is something else."""
        if command.program in {*_SED, "envsubst"}:
            made = self.edited(command, None, where)
        else:
            alone = command.program == "jq" or (command.program == "cat" and len(command.words) <= _ONE_FILE)
            source = self._source(command, None, None, where) if alone else None
            before = self._held(source) if source is not None else None
            made = self._of_text(command, before) if before is not None and command.program == "jq" else before
        first = made.parts[0] if isinstance(made, Text) else made
        if isinstance(made, Text) and isinstance(first, Answered) and made.parts[1:] == ("\n",):
            return Text((first,))
        settings = isinstance(made, str) and command.program == "jq" and _SETTINGS.fullmatch(made) is not None
        return made if settings or (isinstance(first, str) and first.startswith("{")) else None

    def edited(self, command: Command, fed: Fed | None, where: _Where) -> Possible | None:
        """What an editor of text prints of one file, or of what comes in; ``None`` where that is not known."""
        if command.program not in {*_SED, "envsubst"} or any(_IN_PLACE.match(str(word)) for word in command.words[1:]):
            return None
        source = self._source(command, None, fed, where)
        before = self._held(source) if source is not None else coming_in(command, fed)
        return self._of_text(command, before) if before is not None else None

    def _held(self, key: Possible) -> Possible | None:
        return self.texts[key] if key in self.texts else self.own_text(key)

    def _made(self, command: Command, source: Possible) -> tuple[Possible | None, Edits | None]:
        before = self._held(source)
        if command.program in _COPYING:
            return before, ()
        if command.program in _ASSIGNING and (found := assigned(command)) is not None:
            return None, found[0]
        if before is None:
            return None, None
        return self._of_text(command, before), None

    @staticmethod
    def _of_text(command: Command, before: Possible) -> Possible | None:
        if command.program == "jq":
            return made_of(command, before)
        if command.program in _SED:
            return by_sed(command, before)
        return by_envsubst(command, before, command.handed) if command.program == "envsubst" else None

    def _source(self, command: Command, key: Possible, fed: Fed | None, where: _Where) -> Possible:
        """The file of which a command makes another, or the same anew; ``None`` where it is not one."""
        program = command.program
        plain = [where(word) for word in plain_of(command.words[1:])]
        given = next((each.target for each in reversed(command.writes) if each.operator == "<"), None)
        files = [each for each in plain if self._is_file(each)]
        if program in {"cp", "mv", "install"}:
            same = [
                each
                for each in plain[:-1]
                if len(plain) == 2 or str(each).rpartition("/")[2] == str(key).rpartition("/")[2]
            ]
            return same[0] if len(same) == 1 else None
        if program in _SED | _ASSIGNING | {"cat", "envsubst"}:
            if len(files) > 1:
                return key if key in files else None  # several that are changed in their places
            if files:
                return files[0]
            if given is not None:
                return where(given)
            if fed is not None and fed.file is not None:
                return where(fed.file)
        return None

    def _is_file(self, key: Possible) -> bool:
        return key in self.texts or (isinstance(key, str) and self.own_text(key) is not None)

    def copy(self) -> Changes:
        """For another way through what comes: what it changes is changed, whichever way the job takes."""
        return Changes(self.own_text, self.found, dict(self.texts))


_Where = Callable[[Possible], Possible]
