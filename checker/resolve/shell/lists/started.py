"""Programs that start another one for each thing that they find or read: ``find -exec``, ``parallel``, ``watch``.

Sources: GNU findutils manual, "Run Commands"; GNU Parallel manual; git-submodule(1), ``foreach``; each program's own.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO
from checker.model.pipeline.scripts import Loop
from checker.model.possible import OneOf, Possible, shown
from checker.model.sources import Spot
from checker.resolve.shell.handed.items import OPEN
from checker.resolve.shell.state import Context, Result
from checker.resolve.shell.wrappers import Unwrapped, after_options


def _each_found(where: Sequence[Possible], command: list[Possible]) -> list[Possible]:
    """A command of ``find`` with what it is started for in place of ``{}``: the folder, and the names' pattern."""
    root = where[0] if where and isinstance(where[0], str) and not where[0].startswith("-") else ""
    pattern = next((word for before, word in itertools.pairwise(where) if before in {"-name", "-iname"}), "")
    if not root or not isinstance(pattern, str):
        return command
    return [posixpath.join(root, pattern) if word == "{}" else word for word in command]


_FEW: Final = 8
# GNU Parallel manual: the options that take a value of their own.
_PARALLEL: Final = frozenset(
    {"-j", "-P", "--jobs", "--max-procs", "-a", "--arg-file", "--delay", "--halt", "--halt-on-error", "--joblog",
     "--retries", "--timeout", "--results", "--tmpdir", "--env", "--load", "--memfree", "--colsep", "-C", "-S",
     "--sshlogin", "-N", "-n", "--max-args", "-L", "-I", "-d", "--delimiter", "--tagstring", "--wd", "--workdir"}
)  # fmt: skip
_MAX_EACH: Final = 20


def _in_parallel(words: Sequence[Possible]) -> Iterator[list[Possible]]:
    """A command with each thing behind ``:::`` in place of ``{}``, or behind it; with no command, each is a line of
    shell. Where things are read, the command alone."""
    end = next((at for at, each in enumerate(words) if each in {":::", "::::", ":::+", "::::+"}), len(words))
    command = [*words[:end]]
    each = [word for word in words[end + 1 :] if word != ":::"][:_MAX_EACH] if words[end : end + 1] == [":::"] else []
    if not command:
        yield from (["bash", "-c", word] for word in each)
        return
    if len(command) == 1 and isinstance(command[0], str) and " " in command[0]:
        command = ["bash", "-c", command[0]]
    for thing in each or [None]:
        if not isinstance(thing, str):
            yield command if thing is None else [*command, thing]
        elif any(isinstance(word, str) and "{}" in word for word in command):
            yield [word.replace("{}", thing) if isinstance(word, str) else word for word in command]
        elif command[:2] == ["bash", "-c"] and len(command) == 3 and isinstance(command[2], str):
            yield [*command[:2], f"{command[2]} {thing}"]
        else:
            yield [*command, thing]


# concurrently's and hyperfine's own documentation: the options that take a value, but those that are a line themselves.
_OF_LINES: Final = frozenset(
    {"-n", "--names", "--name-separator", "-s", "--success", "-l", "--prefix-length", "-p", "--prefix", "-c",
     "--prefix-colors", "-t", "--timestamp-format", "--restart-tries", "--restart-after", "-m", "--max-processes",
     "--kill-others-on-fail-signal", "--kill-signal", "--hide", "-w", "--warmup", "-r", "--runs", "--min-runs",
     "--max-runs", "--export-json", "--export-markdown", "--export-csv", "-N", "--command-name", "-S", "--shell", "-P",
     "-L", "--teardown"}
)  # fmt: skip
_PREPARES: Final = frozenset({"--prepare", "--setup", "--cleanup", "--conclude"})
_SCRIPTS: Final = ("npm:", "yarn:", "pnpm:", "bun:", "node:", "deno:")


def _lines(words: Sequence[Possible]) -> Iterator[list[Possible]]:
    """Each word as a line of shell; ``npm:NAME`` is that script."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in _PREPARES:
            continue  # what follows is a line
        if isinstance(word, str) and word.startswith("-"):
            rest = rest[1:] if word in _OF_LINES else rest
        elif isinstance(word, str) and word.startswith(_SCRIPTS):
            manager, _, name = word.partition(":")
            yield ["run-s", name] if manager == "npm" else [manager, "run", name]
        else:
            yield ["sh", "-c", word]


def _in_submodules(words: Sequence[Possible]) -> Iterator[list[Possible]]:
    """What ``git submodule foreach`` runs: it ends where that fails (git-submodule(1))."""
    rest = after_options(words, frozenset({"-C", "-c", "--git-dir", "--work-tree"}), Unwrapped([]))
    if rest[:1] != ["submodule"]:
        return
    rest = after_options(rest[1:], frozenset(), Unwrapped([]))
    behind = after_options(rest[1:], frozenset(), Unwrapped([])) if rest[:1] == ["foreach"] else []
    if behind:
        yield ["sh", "-c", behind[0]] if len(behind) == 1 else behind


def tells_of_failures(words: Sequence[Possible]) -> bool:
    """Whether a program fails where what it started does: ``find -exec … ;`` takes that as an answer and goes on."""
    name = words[0].rsplit("/", 1)[-1] if words and isinstance(words[0], str) else ""
    return name != "find" or "+" in words


# GNU Parallel manual, ``--halt``: at the first failure no other job is started; 1 and 2 are older names for that.
_HALTS: Final = lazy_re.compile(r"--halt(?:-on-error)?(?:=(?P<how>.*))?")
_AT_FIRST: Final = lazy_re.compile(r"(?:now|soon),fail=1|[12]")


def as_far_as(results: Iterable[Result], words: Sequence[Possible]) -> Iterator[Result]:
    """What a program starts one after the other, to the first that fails where it is told to stop there."""
    halts = _halts_at_first(words)
    for each in results:
        yield each
        if halts and each.truth is NO:
            return


# README of @semantic-release/exec, "Configuration": any exit code but 0 stops the release with an error; pre-commit
# documentation, "Creating new hooks": a hook that exits nonzero has failed.
_AS_HANDED: Final = frozenset({"semantic-release", "pre-commit"})


def as_handed(words: Sequence[Possible], results: Iterable[Result]) -> list[Result]:
    """What decides how a program ends, of all that its files have it run; it stops at the first that fails."""
    name = words[0].rpartition("/")[2] if words and isinstance(words[0], str) else ""
    decides = name in _AS_HANDED
    found: list[Result] = []
    for each in results:
        found += [each] if decides else []
        if decides and each.truth is NO:
            break
    return found


def _halts_at_first(words: Sequence[Possible]) -> bool:
    if not words or not isinstance(words[0], str) or words[0].rpartition("/")[2] != "parallel":
        return False
    told = [shown(word) for word in words]
    found = next(((at, match) for at, each in enumerate(told) if (match := _HALTS.fullmatch(each))), None)
    if found is None or _jobs(words, _JOBS, "") != "1":
        return False
    how = found[1]["how"] if found[1]["how"] is not None else next(iter(told[found[0] + 1 :]), "")
    return _AT_FIRST.fullmatch(how) is not None


def is_one_of_few(words: Sequence[Possible]) -> bool:
    """Whether a program is one of so many that each of them is looked at."""
    return bool(words) and isinstance(words[0], OneOf) and len(words[0].options) <= _FEW


def started(words: Sequence[Possible]) -> Iterator[list[Possible]]:
    """The commands that a program starts for each thing that it finds or reads: ``find -exec``, ``parallel``. Where
    the program is one of several, each of them."""
    if is_one_of_few(words):
        for each in words[0].options if isinstance(words[0], OneOf) else ():
            yield [*(each.split() if isinstance(each, str) else [each]), *words[1:]]
        return
    name = words[0].rsplit("/", 1)[-1] if words and isinstance(words[0], str) else ""
    listed = list(words)
    if name in {"find", "fd", "fdfind"}:
        for index, word in enumerate(listed):
            if word in {"-exec", "-execdir", "-ok", "-okdir", "-x", "--exec", "-X", "--exec-batch"}:
                rest = listed[index + 1 :]
                end = next((at for at, each in enumerate(rest) if each in {";", "+", "\\;"}), len(rest))
                if end:
                    yield _each_found(listed[1:index], rest[:end])
    elif name == "parallel":
        yield from _in_parallel(after_options(listed[1:], _PARALLEL, Unwrapped([])))
    elif name in {"watch", "entr", "nodemon"}:
        if (line := _given_line(listed, ("-x", "--exec"))) is not None and name == "nodemon":
            yield ["sh", "-c", line]
            return
        rest = after_options(listed[1:], _WATCHERS[name], Unwrapped([]))
        # procps, "watch(1)"; entr(1), `-s`: a line of shell.
        alone = len(rest) == 1 and isinstance(rest[0], str) and " " in rest[0]
        if rest:
            yield ["sh", "-c", rest[0]] if alone else ["node", *rest] if name == "nodemon" else rest
    elif name in {"hyperfine", "concurrently", "conc"}:
        yield from _lines(listed[1:])
    elif name == "git":
        yield from _in_submodules(listed[1:])


# procps, "watch(1)"; entr(1), whose options take no value; nodemon, "nodemon --help options".
_WATCHERS: Final[Mapping[str, frozenset[str]]] = {
    "watch": frozenset({"-n", "--interval", "-q", "--equexit", "-s", "--shotsdir"}),
    "entr": frozenset(),
    "nodemon": frozenset({"-e", "--ext", "-w", "--watch", "-i", "--ignore", "-d", "--delay", "-s", "--signal", "-C",
                          "--cwd", "--config"}),
}  # fmt: skip


def _given_line(words: Sequence[Possible], names: tuple[str, ...]) -> Possible | None:
    """The value of an option."""
    return next((words[index + 1] for index, word in enumerate(words[:-1]) if word in names), None)


_ONE_BY_ONE: Final = lazy_re.compile(r"-I.*|-i.*|--replace(?:=.*)?|-[nL]\d*|--max-(?:args|lines)(?:=.*)?")


_AT_ONCE: Final = lazy_re.compile(r"(?:-P|--max-procs)=?(\d*)")
_JOBS: Final = lazy_re.compile(r"(?:-j|-P|--jobs|--max-procs|-m|--max-processes)=?(\d*)")
_PARALLELS: Final = frozenset({"parallel", "concurrently", "conc"})


def rounds(
    words: Sequence[Possible],
    started_as: Sequence[Possible],
    spot: Spot,
    context: Context,
    marks: Mapping[str, Possible],
) -> Context:
    """The context of what ``xargs`` starts for each thing that it reads: that is gone through as in a loop, or, as with
    ``parallel``, at the same time. ``marks``: what stands for one of several in a line of shell."""
    name = words[0].rsplit("/", 1)[-1] if words and isinstance(words[0], str) else ""
    at_once = (name == "xargs" and _jobs(words, _AT_ONCE) != "1") or (
        name in _PARALLELS and _jobs(words, _JOBS, "") != "1"
    )
    if at_once:
        context = replace(context, handling=replace(context.handling, beside=True))
    if name != "xargs" or not any(isinstance(word, str) and _ONE_BY_ONE.fullmatch(word) for word in words):
        return context
    put_in = (marks[each] for word in started_as for each in marks if each in shown(word))
    several = next((word.options for word in (*started_as, *put_in) if isinstance(word, OneOf)), None)
    if several is None and not any(OPEN in shown(word) for word in started_as):
        return context  # one thing, and no more
    return replace(context, loops=(*context.loops, Loop("each", spot, values=several)))


def _jobs(words: Sequence[Possible], option: re.Pattern[str], otherwise: str = "1") -> str:
    """How many things a program is told to start at the same time, or does without being told."""
    told = [shown(word) for word in words]
    found = next(((at, match) for at, each in enumerate(told) if (match := option.fullmatch(each))), None)
    if found is None:
        return otherwise
    at, match = found
    return match[1] or next(iter(told[at + 1 : at + 2]), otherwise)
