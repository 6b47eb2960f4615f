"""Files that git takes from a commit, and where it puts them.

``checkout`` and ``restore`` write the folder that the job works in; ``show`` and ``cat-file`` print, so that only the
file which their output goes to is written; ``archive`` packs, and nothing is written before a tar unpacks it. Sources:
git-checkout(1), git-restore(1), git-show(1), git-cat-file(1), git-archive(1), git-bundle(1); GNU tar manual,
"Options".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from checker import lazy_re
from checker.model.pipeline.scripts import Command, Write
from checker.model.possible import Possible, plain_words, shown
from checker.model.values import Text, pieces, text
from checker.resolve.shell.files.filling import filled, value_of
from checker.resolve.shell.files.git.archives import UNPACKING, Taken, follow, unpacking
from checker.resolve.shell.files.told import place

# Verbs of git that bring other files into the folder, whatever they name.
BRINGING: Final = frozenset(
    {"checkout", "switch", "restore", "reset", "apply", "am", "merge", "pull", "rebase", "stash", "clean", "revert",
     "cherry-pick", "read-tree", "checkout-index"}
)  # fmt: skip
# Those that make a commit of what the job has, or of two.
_MAKING: Final = frozenset({"commit", "am", "cherry-pick", "revert", "merge", "rebase", "pull"})
_SHORT_RANGE: Final = frozenset({"--hard", "--", ".", "HEAD", "-f", "--force", "-q", "--quiet", "--worktree", "-W"})
_PRESSING: Final = frozenset({"gzip", "pigz", "bzip2", "xz", "zstd", "lz4", "pv", "cat"})


def paths_of(verb: Possible, words: Sequence[Possible]) -> Iterator[Possible]:
    """The paths that ``git checkout`` and ``git restore`` take from another commit; the whole folder where git makes a
    third of two."""
    if _mixes(verb, words) or (verb == "pull" and any(shown(each).endswith(".bundle") for each in words)):
        yield "."
    plain = [each for each in plain_words(words, {"-s", "--source", "-b", "-B", "--orphan"}) if each != "--"]
    if verb == "restore":
        yield from plain if any(shown(each).startswith(("-s", "--source")) for each in words) else ()
    elif verb == "checkout" and plain[:1] != ["HEAD"] and not {"-b", "-B", "--orphan"} & {*words}:
        yield from plain[1:] if "--" not in words or words[0] != "--" else ()


class Commits(Struct):
    """What git has taken from commits into archives, and whether ``HEAD`` is another than at first."""

    # By name, `-` in a pipe; `moved` is the folder that it is of.
    archives: dict[Possible, Taken] = field(default_factory=dict)
    has_moved: bool = False

    def copy(self) -> Commits:
        return Commits({**self.archives}, self.has_moved)

    def taken(self, command: Command, outputs: Sequence[Write], is_path: Callable[[Possible], bool]) -> Taken | None:
        """What a command puts into files that git took from a commit: checkout and restore by themselves, show and
        cat-file where their output goes, archive by way of tar; ``None`` where it puts none there."""
        if self.archives:
            follow(self.archives, command, outputs)
        if command.program in UNPACKING:
            return self._unpacked(command)
        target = place(outputs[-1].target, command.folder) if outputs else None
        piped = self.archives.pop("-", None)
        if piped is not None and command.program in _PRESSING:
            self.archives[target if outputs else "-"] = piped
        if command.program != "git" or len(command.words) == 1:
            return None
        verb, found = command.words[1], taken_by(command)
        if found is None:
            to = _goes_to(command) if verb in {"checkout", "switch", "reset"} else None
            if to is not None and not is_path(place(to, command.folder)) and shown(to) not in {"HEAD", "@"}:
                self.has_moved = not _is_at_hand(to, command) or (self.has_moved and not command.certain_in_job)
            self.has_moved = self.has_moved or verb in _MAKING
            return None
        if found.by_head and self.has_moved:
            found = replace(found, at_hand=False)
        if verb == "archive":
            named = value_of(command.words, "-o", "--output")
            key = place(named, command.folder) if named is not None else target if outputs else "-"
            prefix = value_of(command.words, "--prefix")
            whole = found.surely and prefix is None
            self.archives[key] = replace(found, surely=whole, moved=place(".", command.folder))
            return None
        if verb in {"checkout", "restore"}:
            return replace(found, paths=tuple(place(each, command.folder) for each in found.paths or (".",)))
        *_, path = found.paths
        inside = place(path, command.folder if str(path).startswith((".", "/")) else "")
        over = target is not None and target == inside and outputs[-1].operator in {">", ">|"}
        prints = verb == "show" or bool({"-p", "blob"} & {*command.words})
        return replace(found, paths=(inside,)) if over and prints else None

    def _unpacked(self, command: Command) -> Taken | None:
        told = unpacking(command)
        key: Possible = "-" if told.archive == "-" else place(told.archive, command.folder)
        found = self.archives.pop(key, None) if key == "-" else self.archives.get(key)
        if found is None or not any(filled(command)):
            return None
        into = place(told.into, command.folder)
        members = told.members or found.paths or (".",)
        placed = [place(each, into if isinstance(into, str) else None) for each in members]
        other = told.strips or not found.surely or into != found.moved
        if isinstance(into, str) and "$" in into and _TEMPORARY.search(into) is None:
            return Taken((".",), found.at_hand, surely=False)  # it may be the repository's
        return Taken(tuple(placed), found.at_hand, not told.picks and not other, into if other else None)


def named_by(words: Sequence[Possible]) -> list[Possible]:
    """What a command of git's names but the commit that is there, and all."""
    return [word for word in words if word not in _SHORT_RANGE]


def brings_back(verb: Possible, words: Sequence[Possible], named: Sequence[Possible]) -> bool:
    """Whether what ``reset``, ``checkout`` or ``restore`` brings is of the commit that is there, or of its index."""
    files = bool({"--", "."} & {*words}) or (verb == "restore" and bool(named))
    return (verb == "reset" and "--hard" in words and not named) or (verb in {"checkout", "restore"} and files)


def left_of(places: Sequence[str], restored: Sequence[Possible]) -> tuple[str, ...]:
    """The files and folders that are still of another commit when others are what they were."""
    below = tuple(f"{each}/" for each in restored)
    return tuple(each for each in places if not ("." in restored or each in restored or each.startswith(below)))


def _goes_to(command: Command) -> Possible:
    """The commit that ``git checkout``, ``switch`` and ``reset`` make ``HEAD``; ``None`` where they leave it."""
    rest = command.words[2:]
    if "--" in rest:
        return None
    plain = [*plain_words(rest)]
    starts = {"-b", "-B", "-c", "-C", "--orphan"} & {*map(shown, rest)}
    given = plain[1:2] if starts else plain
    return given[0] if len(given) == 1 and given[0] != "." else None


def taken_by(command: Command) -> Taken | None:
    """What ``git checkout REF -- PATHS``, ``git restore --source=REF PATHS``, ``git show REF:PATH`` and ``git archive
    REF PATHS`` take; ``None`` for any other command."""
    words = [each for each in command.words[1:] if each not in {"-q", "--quiet"}]
    verb, rest = (words[0], words[1:]) if words else ("", [])
    plain = [each for each in plain_words(rest, _GIT_VALUES) if each != "--"]
    ref: Possible = plain[0] if plain else None
    if verb == "checkout" and len(plain) > 1 and rest[0] != "--" and not {"-b", "-B", "--orphan"} & {*rest}:
        paths = plain[1:]
    elif verb == "restore" and (source := _source_of(rest)) is not None:
        ref, paths = source, plain
    elif verb == "archive" and plain and not any(shown(each).startswith("--remote") for each in rest):
        paths = plain[1:]
    elif verb in {"show", "cat-file"} and plain and isinstance(plain[-1], str | Text):
        *named, last = pieces(plain[-1])
        before, colon, path = last.partition(":") if isinstance(last, str) else ("", "", "")
        if not colon:
            return None
        ref, paths = text([*named, before]), [path]
    else:
        return None
    by_head = shown(ref) in {"HEAD", "@"}
    return Taken(tuple(paths), _is_at_hand(ref, command), by_head=by_head) if ref is not None else None


_TEMPORARY: Final = lazy_re.compile(r"te?mp", re.IGNORECASE)
_GIT_VALUES: Final = frozenset({"-s", "--source", "--format", "--prefix", "-o", "--output", "--remote", "--exec"})
_OF_THE_RUN: Final = lazy_re.compile(
    r"\$\{\{\s*github\.(?:sha|ref|ref_name)\s*\}\}|\$\{?GITHUB_(?:SHA|REF|REF_NAME)\}?", re.IGNORECASE
)
_PREFIX: Final = lazy_re.compile(r"(?:refs/)?tags/|refs/heads/")  # not `origin/`, which may be ahead by then


def _source_of(words: Sequence[Possible]) -> Possible:
    for index, word in enumerate(words):
        if word in {"-s", "--source"}:
            return words[index + 1] if index + 1 < len(words) else None
        first, *rest = pieces(word) if isinstance(word, str | Text) else [""]
        if isinstance(first, str) and first.startswith("--source="):
            return text([first.removeprefix("--source="), *rest])
    return None


def _is_at_hand(ref: Possible, command: Command) -> bool:
    """Whether a ref is the commit that stands in the workspace: that of the run, or what a checkout was told to take
    (README of actions/checkout, ``ref``)."""
    named = _PREFIX.sub("", shown(ref), count=1)
    if named in {"HEAD", "@"}:
        return True
    steps = command.step.job.steps[: command.step.index] if command.step is not None else ()
    roots = [each for each in steps if each.step.action.lower() == "actions/checkout" and not each.with_.get("path")]
    asked = _PREFIX.sub("", shown(roots[-1].with_.get("ref") or ""), count=1) if roots else ""
    if asked:
        return named == asked
    starts = [_PREFIX.sub("", shown(each.ref), count=1) for each in command.step.job.starts] if command.step else []
    return _OF_THE_RUN.fullmatch(named) is not None or (bool(starts) and all(each == named for each in starts))


_OWN_BRANCH: Final = lazy_re.compile(r"ref_name|@\{u|upstream|HEAD$", re.IGNORECASE)


def _mixes(verb: Possible, words: Sequence[Possible]) -> bool:
    """Whether git makes files of those of two commits, which neither of them has: of any file nobody knows what it
    holds. A commit of the repository itself that is checked out is judged where it came from, and so are later ones of
    the same branch (git-merge(1), ``--ff-only``; git-cherry-pick(1); git-revert(1))."""
    if verb not in {"merge", "cherry-pick", "revert"} or {"--abort", "--quit", "--ff-only"} & {*words}:
        return False
    named = plain_words(words, {"-m", "--message", "-s", "--strategy", "-X", "--mainline", "-F"})
    return any(not _OWN_BRANCH.search(shown(each)) or verb == "revert" for each in named)
