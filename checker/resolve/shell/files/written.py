"""Files that a job's own commands write and later ones run: ``cat > x.sh <<EOF``, ``printf ... > x``, ``tee``, ``cp``.

What a file holds is known where every command that wrote it tells what it prints; what another program did to it is not
known, and that is so of the repository's own files too: ``sed -i``, a patch, a copy over one. Files are those of a job:
a step may run what one before it has written. Source: Bash Reference Manual, "Redirections", "Bash Builtin Commands"
(``echo``, ``printf``); POSIX, ``tee``, ``cp``; git-checkout(1), git-reset(1), git-clean(1).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker.data.harmless import program_is_harmless
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Command, Write
from checker.model.possible import Possible, joined, shown
from checker.resolve.shell.files.changes import Changes
from checker.resolve.shell.files.changing import (
    CHANGING,
    FETCHING,
    changeable,
    edited,
    fetched,
    plain_of,
    put_out,
)
from checker.resolve.shell.files.filling import FILLING, filled, is_program, is_release, may_be_fetched, packed
from checker.resolve.shell.files.git.archives import Taken
from checker.resolve.shell.files.git.commits import BRINGING, Commits, brings_back, left_of, named_by, paths_of
from checker.resolve.shell.files.program_writes import Code, code_of, runs_code
from checker.resolve.shell.files.told import (
    OwnFiles,
    archive_place,
    coming_in,
    copies_folders,
    is_below,
    is_sure,
    place,
    printed_of_files,
    put_into,
)
from checker.resolve.shell.state import Fed

_MAX_TEXT: Final = 100_000
_MOST_COPIED: Final = 1000  # files of a folder
_COPIES: Final = frozenset({"cp", "mv", "install", "ln", "rsync"})
_NOTED: Final = frozenset({"tee", "rm", *_COPIES, *CHANGING, *FILLING})


class Written(Struct):
    """What the files hold that a job has written so far; ``None`` for one whose text is not known.

    ``library``: the repository's own, which commands change in place and copy.
    """

    library: OwnFiles | None = None
    texts: dict[Possible, Possible | None] = field(default_factory=dict)
    # Redirections that have been made, by their identity: one of a group of commands is made once.
    _seen: dict[int, Write] = field(default_factory=dict)
    _gone: frozenset[str] = frozenset()  # folders that were taken away
    _changed: tuple[str, ...] = ()  # folders, or the root (`.`), any of whose files may have been changed
    _touched: dict[Possible, None] = field(default_factory=dict)  # by the command that is noted
    _changes: Changes | None = None
    _commits: tuple[str, ...] = ()  # files and folders that git has taken from another commit
    _others: set[Possible] = field(default_factory=set)  # files that something else has changed since
    _git: Commits = field(default_factory=Commits)
    # Archives of the job's: where each was fetched from, empty where the job has packed it. `-`: what comes in.
    _origins: dict[Possible, str] = field(default_factory=dict)

    def text(self, target: Possible, folder: str | None) -> Possible | None:
        """What a file holds; empty where the job has not written it, ``None`` where that is not known."""
        key = place(target, folder)
        if key in self.texts:
            return self.texts[key]
        return None if self._may_be_changed(key) else ""

    def is_of_another_commit(self, target: Possible, folder: str | None) -> bool:
        """Whether a file of the repository is here as another commit has it, whatever that is."""
        key = place(target, folder)
        taken = any(each == key or is_below(key, each) for each in self._commits)
        return taken and self._is_own(key) and key not in self._others and self.texts.get(key) is None

    @property
    def is_empty(self) -> bool:
        return not (self.texts or self._changed)

    def has(self, target: Possible, folder: str | None) -> bool:
        if self.is_empty:
            return False
        key = place(target, folder)
        return key in self.texts or self._may_be_changed(key)

    def copy(self) -> Written:
        """The same files, for another way through what comes."""
        changes = self.changes.copy()
        copied = Written(self.library, dict(self.texts), dict(self._seen), self._gone, self._changed, _changes=changes)
        copied._origins, copied._commits, copied._others = dict(self._origins), self._commits, set(self._others)
        copied._git = self._git.copy()
        return copied

    @property
    def changes(self) -> Changes:
        """What was changed, in order."""
        if self._changes is None:
            self._changes = Changes(self._own_text)
        return self._changes

    def brought(self, path: str, by: Command | EffectiveStep) -> None:
        """Files from elsewhere have been put into a folder."""
        folder = posixpath.normpath(path) if path else "."
        self._changed, self._commits = (*self._changed, folder), ()
        self.texts.update(dict.fromkeys(each for each in self.texts if is_below(each, folder) and self._is_own(each)))
        self.changes.brought(folder, by)

    def checked_out(self, path: str, *, cleans: bool) -> None:
        """The repository has been checked out, into a folder: what was written there before is gone (README of
        actions/checkout, ``clean``)."""
        below = posixpath.normpath(path) if path else "."
        for key in [*self.texts]:
            inside = isinstance(key, str) and not key.startswith("/") and (below == "." or key.startswith(f"{below}/"))
            if inside and (cleans or self._is_own(key)):
                del self.texts[key]
        if below == ".":
            self._gone, self._changed = frozenset(), ()
        self._changed = tuple(each for each in self._changed if each != below)

    def note(self, command: Command, fed: Fed | None) -> None:
        """A command of the job has run, with this input."""
        program, first = command.program, command.words[0]
        outputs = [each for each in command.writes if not each.operator.startswith("<") and each.descriptor in {1, -1}]
        code = runs_code(program) or ("/" in shown(first) and self._is_own(place(first, command.folder)))
        taken = self._git.taken(command, outputs, lambda key: self._is_own(key) or bool(self._files_below(str(key))))
        if not outputs and not self.texts and program not in _NOTED and not code and not any(put_out(command)):
            return
        self._touched.clear()
        if taken is None or not taken.at_hand:
            self._follow(command, fed, outputs, fills=taken is None)
        if taken is not None:
            self._take(taken, command)
        for key in (each for each in self._touched if each is not None):
            held = self.texts[key] if key in self.texts else self._own_text(key)  # brought back
            self.changes.note(key, held, command, fed, lambda word: place(word, command.folder))

    def _take(self, taken: Taken, command: Command) -> None:
        """Files of a commit are there now."""
        below = tuple(f"{each}/" for each in (taken.paths if taken.moved is None else (taken.moved,)))
        inside = [each for each in self.texts if each in taken.paths or str(each).startswith(below) or "./" in below]
        surely = taken.surely and is_sure(command)
        if taken.moved is not None or (taken.at_hand and not surely):  # perhaps other files by these names
            self._put(dict.fromkeys(each for each in inside if taken.moved is not None or self._is_own(each)))
            if isinstance(taken.moved, str) and not taken.moved.startswith("/") and self._files_below(taken.moved):
                self.brought(taken.moved, command)
        elif taken.at_hand:
            for key in [each for each in inside if self._is_own(each)]:
                self.texts.pop(key)
                self._touched[key] = None
            self._restored(taken.paths)
        else:
            paths = [each for each in taken.paths if isinstance(each, str)]
            self._put(dict.fromkeys(each for each in paths if self._is_own(each)))
            for each in (one for one in paths if not self._is_own(one) and one not in self._changed):
                self.brought(each, command)
            self._commits += tuple(paths)
            self._others -= {*self._touched}

    def _restored(self, paths: Sequence[Possible]) -> None:
        """Files of the repository are what they were."""
        self._commits, self._changed = left_of(self._commits, paths), left_of(self._changed, paths)
        within = paths if self._commits else ()  # of others above these
        self._others.update(one for each in within for one in (each, *self._files_below(str(each))))

    def _follow(self, command: Command, fed: Fed | None, outputs: Sequence[Write], *, fills: bool) -> None:
        program = command.program
        surely = is_sure(command)
        for write in outputs:
            again = ">>" in write.operator or id(write) in self._seen
            self._seen[id(write)] = write
            target = place(write.target, command.folder)
            if target is not None and write.operator != ">&":
                printed = printed_of_files(command, fed, self._held) if write is outputs[-1] else ""
                self._keep(target, printed, again=again, surely=surely)
        plain = list(plain_of(command.words[1:]))
        if program == "tee":
            again = any(each in {"-a", "--append"} for each in command.words)
            for word in plain:
                self._keep(place(word, command.folder), coming_in(command, fed), again=again, surely=surely)
                self._install([place(word, command.folder)] if "-" in self._origins else (), self._origins.get("-", ""))
        elif program in _COPIES and len(plain) > 1:
            self._copy(command, plain)
        elif program == "rm":
            for key in [place(word, command.folder) for word in plain]:
                self._take_away(key)
                self._gone |= {key} if isinstance(key, str) else frozenset()
        elif program == "git" and plain[:1] and plain[0] in BRINGING and plain[0] not in {"apply", "am"}:
            self._bring(command, plain)
        else:
            self._change(command, plain)
        code = code_of(command, fed, lambda word: place(word, command.folder), self._plain_text)
        if code is not None:
            self._by_program(code, command)
        if program in FETCHING:
            origin = " ".join(map(shown, command.words[1:]))
            named = [*fetched(command, plain), *(each.target for each in outputs)] or ["-"]
            keys = [archive_place(each, command) for each in named]
            self._origins.update(dict.fromkeys(keys, origin))
            self._install(keys, origin)
            return
        if fills and (program in FILLING or program == "rsync"):
            self._fill(command)
        self._origins.pop("-", None)  # what comes in next comes from what was run last
        self._origins.update((archive_place(each, command), "") for each in packed(command))

    def _plain_text(self, key: Possible) -> str | None:
        text = self.texts[key] if key in self.texts else self._own_text(key)
        return text if isinstance(text, str) else None

    def _by_program(self, code: Code, command: Command) -> None:
        """What a program in another language rewrites."""
        from checker.resolve.shell.files.programs import rewritten  # few jobs run one that writes

        def held(path: Possible) -> Possible | None:
            return self._held(path, command.folder)

        surely = is_sure(command)
        for each in rewritten(code, command, self._plain_text, held):
            key = place(each.path, command.folder)
            if isinstance(each.path, str) and each.path.endswith("/"):
                sure = not each.guessed or key != "."
                if isinstance(key, str) and sure and not key.startswith(("/", "..")) and self._files_below(key):
                    self.brought(key, command)
            elif key in self.texts or self._is_own(key) or (key is not None and not each.guessed):
                made = each.made if surely else None
                self.texts[key] = made.text if made is not None else None
                of = place(made.of, command.folder) if made is not None and made.of is not None else ""
                if made is not None and (made.text is not None or made.edits is not None) and isinstance(of, str):
                    self.changes.made(key, made.text, of, made.edits, command)
                else:
                    self.changes.made(key, None, "", None, command)

    def _fill(self, command: Command) -> None:
        """Files from elsewhere, over those that are there."""
        for each in filled(command):
            key = place(each.place, command.folder)
            if each.archive is not None:
                archive = archive_place(each.archive, command)
                origin = self._origins.get(archive)
                # What no command has fetched is the run's own artifact, or cached: it goes beside the code.
                known = archive == "-" or self._is_own(archive) or may_be_fetched(archive, self._origins)
                if (key == "." and not known) or origin == "" or is_release(f"{shown(each.archive)} {origin or ''}"):
                    continue
            elif key is not None:
                self._origins[key] = "elsewhere"
                self._install((key,), " ".join(map(shown, command.words)))
            if isinstance(key, str) and str(each.place).endswith("/"):
                if not key.startswith("/") and not self._is_own(key):
                    self.brought(key, command)
            elif key in self.texts or self._is_own(key):
                self._put({key: None})

    def _change(self, command: Command, plain: Sequence[Possible]) -> None:
        for word in changeable(command, plain):
            named = [word, word.partition("=")[2]] if isinstance(word, str) else [word]
            self._put({key: None for each in named if (key := place(each, command.folder)) in self.texts})
        for word in put_out(command):
            key = place(word, command.folder)
            if self._is_own(key):
                self._put({key: None})
            elif isinstance(key, str) and str(word).endswith("/"):
                self.brought(key, command)
        if command.program not in CHANGING:
            return
        found = edited(command, plain, lambda word: self._own_text(place(word, command.folder)))
        if found is None:
            self.brought("", command)
        for word in found or ():
            key = place(word, command.folder)
            if key in self.texts or self._is_own(key):
                self._put({key: None})

    def _put(self, texts: Mapping[Possible, Possible | None]) -> None:
        self.texts.update(texts)
        self._touched.update(dict.fromkeys(texts))
        self._others.update(texts)

    def _take_away(self, key: Possible) -> None:
        """A file is not there any more: one of the repository's own is not what runs by its name after that."""
        self.texts.pop(key, None)
        if self._is_own(key):
            self._put({key: None})

    def _bring(self, command: Command, plain: Sequence[Possible]) -> None:
        """``git checkout`` and its kin: what it brings back is the repository's own, anything else is not known."""
        verb, words = plain[0], command.words[2:]
        tracked = [each for each in self.texts if isinstance(each, str) and not each.startswith(("/", ".git/"))]
        if verb == "clean":
            gone = tracked if "-n" not in words and "--dry-run" not in words else []
            for key in [each for each in gone if not self._is_own(each)]:
                del self.texts[key]  # what it does not know it removes
            return
        named = named_by(words)
        keys = [place(word, command.folder) for word in named]
        if brings_back(verb, words, named) and is_sure(command) and all(self._is_own(key) for key in keys):
            for each in keys or [each for each in tracked if self._is_own(each)]:
                self.texts.pop(each, None)
                self._touched[each] = None
            if verb == "reset" and not self._git.has_moved:
                self._restored((".",))
            return
        self._put(dict.fromkeys((*tracked, *(key for key in keys if self._is_own(key)))))
        for path in paths_of(verb, words):
            inside = place(path, command.folder)
            if isinstance(inside, str) and not self._is_own(inside):
                self.brought(inside, command)

    def _is_own(self, key: Possible) -> bool:
        return self.library is not None and isinstance(key, str) and self.library.is_file(key)

    def _may_be_changed(self, key: Possible) -> bool:
        return any(is_below(key, each) for each in self._changed) and self._is_own(key)

    def _own_text(self, key: Possible) -> str | None:
        return self.library.text(key) if self.library is not None and isinstance(key, str) else None

    def _keep(self, target: Possible, text: Possible | None, *, again: bool, surely: bool) -> None:
        if target is None:
            return
        before = self.texts[target] if target in self.texts else self._own_text(target) or ""
        known = target in self.texts or self._is_own(target)
        whole = text
        if again and known:
            whole = joined([before, text]) if before is not None and text is not None else None
        if not surely and known and before != whole:
            whole = None
        self._put({target: whole if len(shown(whole)) <= _MAX_TEXT else None})

    def _copy(self, command: Command, plain: Sequence[Possible]) -> None:
        *sources, target = (place(each, command.folder) for each in plain)
        for word, source in zip(plain, sources, strict=False):
            beside = put_into(target, source)
            if source is None or source not in self.texts:
                self._copy_own(command, word, source, target, alone=len(sources) == 1)
            else:
                self._put(dict.fromkeys((target, beside), self.texts[source]))
                if command.program == "mv":
                    self._take_away(source)
            if origin := self._origins.get(source):
                self._install((target, beside), origin)

    def _install(self, keys: Sequence[Possible], origin: str) -> None:
        """What was fetched becomes a program of the system: a release is what it is called, and what changes nothing by
        its name is trusted as where it is installed; of others nobody knows."""
        for key in filter(is_program, keys):
            if is_release(origin) or program_is_harmless([posixpath.basename(shown(key))]):
                self.texts.pop(key, None)
            else:
                self._put({key: None})

    def _copy_own(self, command: Command, word: Possible, source: Possible, target: Possible, *, alone: bool) -> None:
        """A file of the repository, or a folder, takes the place of another."""
        recursive = command.program == "mv" or copies_folders(command.words[1:])
        whole = isinstance(word, str) and word.endswith(("/.", "/*") if command.program != "rsync" else ("/", "/."))
        if recursive and isinstance(source, str) and isinstance(target, str) and not self._is_own(source):
            self._copy_folder(command, source.removesuffix("/*"), target, whole=whole)
        elif self._is_own(source):
            beside = put_into(target, source)
            put_there = self._is_own(beside) or is_program(beside)
            for each in (*((target,) if alone else ()), *((beside,) if put_there else ())):
                self._keep(each, self._own_text(source), again=False, surely=command.certain_in_job)
            if command.program == "mv" and target != source:
                self._take_away(source)
        elif target in self.texts or self._is_own(target):
            self._put({target: None})

    def _copy_folder(self, command: Command, source: str, target: str, *, whole: bool) -> None:
        """What a folder holds goes over another: the repository's own files as they are, of others nobody knows."""
        own = self._files_below(source)
        if not whole and (self._files_below(target) or target == ".") and target not in self._gone:
            target = posixpath.normpath(f"{target}/{posixpath.basename(source)}")
        made = [each for each in self.texts if isinstance(each, str) and each.startswith(f"{source}/")]
        if target.startswith("/"):
            return
        if target in self.texts or self._is_own(target):  # it was a file
            self._put({target: None})
        elif own and len(own) <= _MOST_COPIED:
            for each in dict.fromkeys((*own, *made)):
                text = self.texts[each] if each in self.texts else self._own_text(each)
                self._put({posixpath.normpath(target + each[len(source) :]): text})
        else:
            self.brought(target, command)

    def _files_below(self, folder: str) -> tuple[str, ...]:
        below = "" if folder == "." else folder
        return self.library.files_below(below) if self.library is not None and not below.startswith("/") else ()

    def _held(self, word: Possible, folder: str | None) -> Possible | None:
        return self.text(word, folder) if self.has(word, folder) else self._own_text(place(word, folder))
