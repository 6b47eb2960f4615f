"""Files that a command brings of another commit, and whether they become files of the workspace, or are run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, yes_if
from checker.model.pipeline.scripts import AwsCall, Command, Trace
from checker.model.possible import Possible, joined, shown
from checker.model.values import Text, Unknown, pieces, text
from checker.reason.deploys.http_requests import request_of

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
_OF_RUNNER: Final = lazy_re.compile(r"\$\{?GITHUB_(?:OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)\b")
_ELSEWHERE: Final = ("/", "~", "$", "-")  # paths that begin so are relative to no folder
_KEPT: Final = lazy_re.compile(r"-[a-zA-Z]*[oO]|--output|--remote-name")
_SAYING: Final = frozenset({"echo", "printf", "cat"})
_LANGUAGES: Final = frozenset({"python", "python3", "node", "perl", "ruby"})
_REMOTE: Final = frozenset({"ssh", "psql"})
_EVALUATES: Final = frozenset({"eval", "source", "."})
_SHELLS: Final = frozenset({"bash", "sh", "dash", "zsh", "ksh"}) | _EVALUATES | _LANGUAGES | _REMOTE
# Options behind which a program stands, so that the input is data for it: of Python, Node.js, Perl and Ruby; of shells.
_PROGRAM: Final = lazy_re.compile(r"-[A-Za-z]*[cepmn]|--(?:eval|print)(?:=.*)?", re.DOTALL)
_LINE: Final = lazy_re.compile(r"-[A-Za-z]*c|--command(?:=.*)?", re.DOTALL)
# What makes files of what it reads: of an archive, or one that it names.
_UNPACKS: Final = frozenset({"tar", "bsdtar", "gtar", "unzip", "cpio", "pax", "patch", "7z"})
# Options of tar's with which it makes no files: it prints them, or their names.
_PRINTS: Final = lazy_re.compile(r"-?[A-Za-z]*O[A-Za-z]*|--to-stdout|-?(?!\w*x)[A-Za-z]*t[A-Za-z]*|--list")
_KEEPS: Final = frozenset({"tee", "sponge", "install", "cp", "dd"})
# What prints in another form what it reads.
_TURNS: Final = frozenset(
    {"sed", "gsed", "awk", "gawk", "mawk", "tr", "base64", "gzip", "gunzip", "zcat", "xz", "envsubst", "column",
     "paste", "fold", "nl", "rev", "tac", "xxd", "od", "iconv", "xmllint", "dasel", "gojq", "true", ":"}
)  # fmt: skip
INSTALLERS: Final = frozenset({"pip", "pip3", "uv", "pipx", "npm", "pnpm", "yarn", "bun"})


class Brought(Struct, frozen=True):
    """Files of another commit. ``ref`` is what the command names, ``None`` what a branch has by then.

    ``folder`` is what the folder is called in which they lie, ``place`` where that is (:func:`lies`): empty for the
    workspace itself. ``whole``: all that was there before is gone. ``copied`` is the place of the checkout that files
    are a copy of, where a command copies them from one into another. ``doubt``: why it is not known whether they are
    run.
    """

    command: Command
    ref: Possible | None
    folder: str = ""
    whole: bool = False
    place: str = ""
    copied: str | None = None
    doubt: str = ""


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


def lands(brought: Brought, trace: Trace, index: int) -> Answer:
    """Whether what is printed or served becomes a file of the workspace, or is run: shown to a person it is neither."""
    command = brought.command
    verb = verb_of(command)[0] if command.program == "git" else ""
    if (
        brought.folder
        or brought.whole
        or command.program in INSTALLERS
        or isinstance(brought.ref, Unknown)
        or (command.program == "git" and verb not in {"archive", "show", "cat-file"})
        or _is_kept(command, verb, trace, index)
    ):
        return YES
    if command.program == "http":
        return _of_answer(command, trace, index)
    if command.handling.captured:
        text_of = _of_text(f"$({command.program} {verb}".rstrip(), trace, index)
        return either((text_of, _of_pipe(command, trace, index) if command.handling.piped else NO))
    if not command.handling.piped:
        return yes_if(command.handling.inside)  # `bash -c "$(curl ...)"`, `bash <(curl ...)`
    inside = yes_if(command.handling.inside and _is_run_inside(command, trace, index))
    return either((inside, _of_pipe(command, trace, index, alone=not command.handling.inside)))


# What is no code, and nothing that is deployed.
_DATA: Final = lazy_re.compile(r"\.(?:txt|md|csv|version)$|/VERSION$", re.IGNORECASE)


def _of_answer(command: Command, trace: Trace, index: int) -> Answer:
    """Whether what a program of Python is answered becomes a file, or is run: it is stored as it comes, or
    unpacked from where the program has it in memory (Python documentation, "urllib.request", "tarfile")."""
    if "urlretrieve(" in command.source:
        return YES
    later = (each for each in trace.actions[index + 1 :] if isinstance(each, Command) and each.step is command.step)
    unpacked = any(
        each.program in _UNPACKS and "-" in each.words and each.spot.file == command.spot.file for each in later
    )
    request = request_of(command)
    asked = shown(request.url).partition("?")[0] if request is not None else ""
    data = _DATA.search(asked) is not None
    return YES if unpacked else NO if data else Open(f"whether what `{command.spelled}` is answered is deployed")


def _is_kept(command: Command, verb: str, trace: Trace, index: int) -> bool:
    """Whether a command writes what it brings into a file of the workspace, or one that is taken from elsewhere."""
    if command.program in {"curl", "wget"} and not command.handling.piped:
        words = [shown(each) for each in command.words]
        kept = command.program == "wget" or any(map(_KEPT.match, words))
        if kept and "-" not in words and "/dev/null" not in words:
            return True
    files = [each.target for each in command.writes if each.descriptor == 1]
    if verb == "archive":
        made = archived_in(command, verb_of(command)[1])
        return made is not None and _is_taken(shown(made), command, trace, index)
    return any(map(_in_workspace, files)) or (bool(files) and _is_taken(shown(files[-1]), command, trace, index))


def _is_taken(file: str, command: Command, trace: Trace, index: int) -> bool:
    """Whether a file is unpacked, run or copied later, or what reads it out hands it on to something that does that."""
    made_at = lies(file, command)
    if _is_run(file, trace):
        return True
    for at, action in enumerate(trace.actions[index + 1 :], index + 1):
        if not isinstance(action, Command) or not _names(action, file, made_at):
            continue
        if action.program not in LOOKS or (action.program == "cat" and _of_output(action, trace, at) is YES):
            return True
    return False


def _is_run_inside(command: Command, trace: Trace, index: int) -> bool:
    """Whether a substitution's output is more than shown: what it stands in comes next, on the same line, and a shell
    that runs it is not among the actions."""
    for action in trace.actions[index + 1 :]:
        if not isinstance(action, Command) or action.step is not command.step:
            continue
        if action.spot.line != command.spot.line or action.spot.file != command.spot.file:
            return True
        if any(_comes_in(each, action, trace, index) for each in _written(action)):
            return True
        if not action.handling.piped:
            return action.program not in LOOKS | _TURNS
    return True


def _is_run(file: str, trace: Trace) -> bool:
    """Whether a file is run as a script that nobody knows, which leaves no command behind."""
    return any(each.message.startswith(f"what {file} holds ") for each in trace.problems)


def _of_text(printed: str, trace: Trace, index: int) -> Answer:
    """Whether a later command runs what a variable holds that another one printed, or puts it into a file or a pipe."""
    later = enumerate(trace.actions[index + 1 :], index + 1)
    return either(_of_words(each, printed, trace, at) for at, each in later if isinstance(each, Command))


def _of_words(command: Command, printed: str, trace: Trace, index: int) -> Answer:
    fed = any(printed in shown(each.target) for each in command.writes if each.operator.startswith("<<"))
    named = [at for at, word in enumerate(command.words) if at and printed in shown(word)]
    if any(shown(each).startswith(printed) for each in command.words[:1]):
        return YES  # a script that has been made of it
    if command.program in _SAYING:
        return _of_output(command, trace, index) if fed or named else NO
    if fed:
        return _of_input(command, trace, index)
    return yes_if(command.program in _SHELLS and any(_is_code(command, at) for at in named))


def _is_code(command: Command, at: int) -> bool:
    """Whether a shell runs the word at this place."""
    return command.program in _EVALUATES | _REMOTE or _gives_code(command.program, shown(command.words[at - 1]))


def _gives_code(program: str, option: str) -> bool:
    """Whether an option of a shell's takes what it runs. ssh hands its input on, whatever it is given."""
    return program != "ssh" and (_PROGRAM if program in _LANGUAGES else _LINE).fullmatch(option) is not None


def _of_output(command: Command, trace: Trace, index: int) -> Answer:
    written = yes_if(any(_comes_in(each, command, trace, index) for each in _written(command)))
    return either((written, _of_pipe(command, trace, index) if command.handling.piped else NO))


def _of_pipe(command: Command, trace: Trace, index: int, *, alone: bool = False) -> Answer:
    """Whether what reads a pipe runs what comes through it, or makes files of it. A shell that does is not among the
    actions. ``alone``: nothing takes what the last of them prints, so that it is there for what it does."""
    readers = [
        (at, each)
        for at, each in enumerate(trace.actions[index + 1 :], index + 1)
        if isinstance(each, Command) and each.step is command.step and command.spot in each.handling.fed_by
    ]
    last = readers[-1][1] if readers else command
    if last.handling.piped and not last.handling.inside:
        return YES
    answers = [_of_input(each, trace, at) for at, each in readers]
    return YES if alone and answers and isinstance(answers[-1], Open) else either(answers)


def _of_input(command: Command, trace: Trace, index: int) -> Answer:
    """Whether a command runs what it reads, or makes files of it."""
    words = [shown(each) for each in command.words[1:]]
    if any(_comes_in(each, command, trace, index) for each in _written(command)):
        return YES
    if command.program in _UNPACKS:
        options_given = [*words[:1], *(each for each in words[1:] if each.startswith("-"))]
        return yes_if(not (command.program.endswith("tar") and any(map(_PRINTS.fullmatch, options_given))))
    if command.program in _SHELLS:
        return yes_if(_runs_input(command, words))
    known = command.program in LOOKS | _TURNS | _KEEPS
    return NO if known else Open(f"whether `{command.spelled}` runs what it reads")


def _runs_input(command: Command, words: Sequence[str]) -> bool:
    """Whether a shell runs what it reads: where it is given neither code nor a script, or runs what another command has
    read for it (``while read -r line; do eval "$line"; done``)."""
    if command.program in _EVALUATES:
        return True
    if any(_gives_code(command.program, each) for each in words):
        return command.program not in _LANGUAGES | _REMOTE and not all(isinstance(each, str) for each in command.words)
    operands = [each for each in words if not each.startswith("-") and each != "pipefail"]
    return command.program in _REMOTE or not operands or not {"-", "-s"}.isdisjoint(words)


def _written(command: Command) -> Iterator[Possible]:
    """The files into which a command writes what it prints or reads."""
    yield from (each.target for each in command.writes if each.descriptor == 1 and each.operator.startswith(">"))
    operands = [each for each in command.words[1:] if not shown(each).startswith("-")]
    if command.program == "dd":
        yield from (shown(each).removeprefix("of=") for each in operands if shown(each).startswith("of="))
    elif command.program in _KEEPS:
        yield from operands if command.program == "tee" else operands[-1:]


def _comes_in(file: Possible, command: Command, trace: Trace, index: int) -> bool:
    """Whether a file lies in the workspace, or is run or copied from elsewhere; the runner's own files are no code."""
    named = shown(file)
    own = named.startswith("/dev/") or _OF_RUNNER.match(named) is not None
    return not own and (_in_workspace(file) or _is_taken(named, command, trace, index))


def _names(action: Command, file: str, place: str | None) -> bool:
    """Whether a command is given a file. ``place`` is where that lies."""
    base = posixpath.basename(file)
    read = (each.target for each in action.writes if not each.operator.startswith(">"))
    for word in map(shown, (*action.words[1:], *read)):
        if word.startswith("-") and not word.startswith("--") and "=" not in word:
            if base and word.endswith(base):
                return True  # `-xfout.tar`
            continue
        for name in (word, word.partition("=")[2]):
            last, here = posixpath.basename(name), lies(name, action)
            alike = last == base or (last.strip("*?") != "" and fnmatchcase(base, last))  # `*.tar`
            if base and alike and (here is None or place is None or _same_folder(here, place)):
                return True
    return False


def _same_folder(one: str, other: str) -> bool:
    return posixpath.dirname(one) == posixpath.dirname(other)


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
