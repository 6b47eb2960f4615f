"""Files that a command brings of another commit, and whether they become files of the workspace, or are run."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.pipeline.scripts import AwsCall, Command, Trace
from checker.model.possible import Possible, joined, shown
from checker.model.values import Text, Unknown, pieces, text

# Options of git's commands that take the next word.
VALUES: Final = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "-b", "-B", "--branch", "-s", "--source", "--depth", "-o", "--output",
     "--origin", "--prefix", "--format", "--reference", "-X", "--strategy-option", "--strategy", "-m", "--orphan",
     "--jobs", "-j", "--onto", "--filter", "--refmap", "--shallow-since", "--conflict", "--reason", "-u"}
)  # fmt: skip
# Files that a deploy runs, or is made of.
CODE: Final = lazy_re.compile(
    r"(?!/)(?:.*/)?(?:.*\.(?:sh|bash|py|[cm]?js|[cm]?ts|rb|pl|php|go|sql|tf|mk|ps1|ya?ml)|(?:.*\.)?template\.json"
    r"|(?:package|cdk)\.json|Makefile|[Jj]ustfile|Rakefile|Dockerfile)"
)
# Files that a person reads: no deploy runs them.
READ_BY_PEOPLE: Final = lazy_re.compile(
    r"(?:.*/)?(?:docs?(?:/.*)?|CHANGELOG.*|README.*|LICEN[CS]E.*|.*\.(?:md|rst|txt|adoc))"
)
# What only looks at what it is given.
LOOKS: Final = frozenset(
    {"grep", "rg", "jq", "yq", "head", "tail", "wc", "diff", "cmp", "cat", "sha256sum", "md5sum", "shasum", "ls", "cut",
     "sort", "uniq", "test", "[", "[[", "echo", "printf", "rm", "du", "stat", "less", "git", "exit", "read"}
)  # fmt: skip
_OUTPUT: Final = lazy_re.compile(r"-o.")  # `-oout.tar`
_HERE: Final = lazy_re.compile(
    r"(?:/github/workspace|\$\{?GITHUB_WORKSPACE\}?|\$\{\{ *github\.workspace *\}\})(?:/|$)|(?P<now>\$\{?PWD\}?(?:/|$))"
)
_ELSEWHERE: Final = ("/", "~", "$", "-")  # paths that begin so are relative to no folder
_KEPT: Final = lazy_re.compile(r"-[a-zA-Z]*[oO]|--output|--remote-name")
_SAYING: Final = frozenset({"echo", "printf", "cat"})
_SHELLS: Final = frozenset(
    {"bash", "sh", "dash", "zsh", "ksh", "eval", "source", ".", "python", "python3", "node", "perl", "ruby", "ssh",
     "psql"}
)  # fmt: skip
INSTALLERS: Final = frozenset({"pip", "pip3", "uv", "pipx", "npm", "pnpm", "yarn", "bun"})


class Brought(Struct, frozen=True):
    """Files of another commit. ``ref`` is what the command names, ``None`` what a branch has by then.

    ``folder`` is what the folder is called in which they lie, ``place`` where that is (:func:`lies`): empty for the
    workspace itself. ``whole``: all that was there before is gone. ``copied`` is the place of the checkout that files
    are a copy of, where a command copies them from one into another.
    """

    command: Command
    ref: Possible | None
    folder: str = ""
    whole: bool = False
    place: str = ""
    copied: str | None = None


def verb_of(command: Command) -> tuple[str, list[Possible], str]:
    """Git's command, what is behind it, and the folder that ``-C`` names."""
    words, into = list(command.words[1:]), ""
    while words and isinstance(words[0], str) and words[0].startswith("-"):
        option = words.pop(0)
        if option in VALUES and words:
            value = words.pop(0)
            into = shown(value).strip("./") if option == "-C" else into
    return (shown(words[0]), words[1:], into) if words else ("", [], into)


def option_of(words: Sequence[Possible], *names: str) -> Possible | None:
    for index, word in enumerate(words):
        if word in names:
            return words[index + 1] if index + 1 < len(words) else None
        if isinstance(word, str | Text):
            first, *rest = pieces(word)
            name, equals, value = first.partition("=") if isinstance(first, str) else ("", "", "")
            if equals and name in names:
                return joined([value, *(text([each]) for each in rest)])
    return None


def archived_in(command: Command, words: Sequence[Possible]) -> Possible | None:
    """The file that ``git archive`` writes: by its option, or as what it prints."""
    printed = next((each.target for each in command.writes if each.descriptor == 1), None)
    short = next((each[2:] for each in words if isinstance(each, str) and _OUTPUT.match(each)), None)
    return option_of(words, "-o", "--output") or short or printed


# -- where it goes -----------------------------------------------------------------------------------


def lands(brought: Brought, trace: Trace, index: int) -> bool:
    """Whether what is printed or served becomes a file of the workspace, or is run: shown to a person it is neither."""
    command = brought.command
    verb = verb_of(command)[0] if command.program == "git" else ""
    if (
        brought.folder
        or brought.whole
        or command.program in INSTALLERS
        or isinstance(brought.ref, Unknown)
        or (command.program == "git" and verb not in {"archive", "show", "cat-file"})
    ):
        return True
    if command.program in {"curl", "wget"} and not command.handling.piped:
        words = [shown(each) for each in command.words]
        kept = command.program == "wget" or any(map(_KEPT.match, words))
        if kept and "-" not in words and "/dev/null" not in words:
            return True
    files = [shown(each.target) for each in command.writes if each.descriptor == 1]
    if verb == "archive":
        files = [shown(made)] if (made := archived_in(command, verb_of(command)[1])) is not None else []
    elif any(_in_workspace(each.target) for each in command.writes if each.descriptor == 1):
        return True
    if files:
        made_at = lies(files[-1], command)
        if _is_run(files[-1], trace) or any(_takes(each, files[-1], made_at) for each in trace.actions[index + 1 :]):
            return True  # it is unpacked, run or copied from elsewhere
    if command.handling.captured:
        return _runs_text(f"$({command.program} {verb}".rstrip(), trace.actions[index + 1 :])
    if not command.handling.piped:
        return command.handling.inside  # `bash -c "$(curl ...)"`, `bash <(curl ...)`
    # What reads the pipe comes next, on the same line; a shell that does is not among the actions.
    for action in trace.actions[index + 1 :]:
        if not isinstance(action, Command) or action.step is not command.step:
            continue
        if action.spot.line != command.spot.line or action.spot.file != command.spot.file:
            return True
        if any(_in_workspace(each.target) for each in action.writes if each.descriptor == 1):
            return True
        if not action.handling.piped:
            return action.program not in LOOKS and action.program != "base64"
    return True


def _is_run(file: str, trace: Trace) -> bool:
    """Whether a file is run as a script that nobody knows, which leaves no command behind."""
    return any(each.message.startswith(f"what {file} holds ") for each in trace.problems)


def _runs_text(printed: str, later: Sequence[object]) -> bool:
    """Whether a command runs what a variable holds that another one printed, or writes it into a file or to a shell."""
    for action in later:
        if not isinstance(action, Command) or action.program not in _SAYING | _SHELLS:
            continue
        if not any(printed in shown(each) for each in (*action.words[1:], *(each.target for each in action.writes))):
            continue
        written = any(_in_workspace(each.target) for each in action.writes if each.descriptor == 1)
        if action.program in _SHELLS or written:
            return True
        readers = [each for each in later if isinstance(each, Command) and action.spot in each.handling.fed_by]
        if action.handling.piped and (not readers or any(each.program in _SHELLS for each in readers)):
            return True
    return False


def _takes(action: object, file: str, place: str | None) -> bool:
    """Whether a command makes something of a file, beside looking at it. ``place`` is where that lies."""
    if not isinstance(action, Command) or action.program in LOOKS:
        return False
    base = posixpath.basename(file)
    for word in map(shown, (*action.words[1:], *(each.target for each in action.writes))):
        if not base or not word.endswith(base):
            continue
        if word.startswith("-") and "=" not in word and not word.startswith("--"):
            return True  # `-xfout.tar`
        for name in (word, word.partition("=")[2]):
            here = lies(name, action)
            if posixpath.basename(name) == base and (here is None or place is None or here == place):
                return True
    return False


def lies(name: str, action: Command | AwsCall) -> str | None:
    """Where a file lies that a command names: from the repository's root, absolute, or behind a variable; ``None``
    where nobody knows."""
    folder = action.folder
    here = _HERE.match(name)
    if here is not None:
        name = name[here.end() :]
        folder = folder if here["now"] else ""
    elif name.startswith(_ELSEWHERE):
        return posixpath.normpath(name)
    return None if folder is None else posixpath.normpath(posixpath.join(folder, name))


def _in_workspace(target: Possible) -> bool:
    spelled = shown(target)
    return not spelled.startswith(("/", "$", "&", "~")) and not READ_BY_PEOPLE.fullmatch(spelled)
