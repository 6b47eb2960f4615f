"""Which words of a command are code: for itself, for the shell of another machine, or for what it starts.

A program may name another one and its code anywhere in its words: ``docker exec web sh -c "deploy $X"``, ``kubectl exec
db -- psql -c "$X"``. What ssh is told is one line for the shell there, however many words it comes in. Sources: the
command lines of OpenSSH (ssh(1), "If a command is specified ..."), PostgreSQL (psql, ``-c``: SQL, of which ``COPY ...
TO PROGRAM`` runs commands), MySQL and SQLite; GNU sed manual, "Commands Specific to GNU sed" (``e``), and "Overview"
(``--sandbox``); GNU awk manual, "Input/Output Functions" (``system``), and "Command-Line Options" (``--sandbox``);
Google Cloud SDK and Azure CLI (``--command``, ``--scripts``); Ansible (``-a``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re
from checker.model.pipeline.scripts import Argument, AwsCall
from checker.model.possible import Possible
from checker.model.values import Text, text
from checker.model.written.shell_lines import SHELLS

# Programs and the options in front of code (their own help texts).
_CODE: Final[Mapping[str, tuple[str, ...]]] = {
    "node": ("-e", "--eval", "-p", "--print"),
    "bun": ("-e", "--eval", "-p", "--print"),
    "php": ("-r", "--run"),
    "deno": ("eval",),
    "pwsh": ("-Command", "-command", "-c"),
    "powershell": ("-Command", "-command", "-c"),
    "lua": ("-e",),
    "Rscript": ("-e",),
    "julia": ("-e", "--eval", "-E"),
    "psql": ("-c", "--command"),
    **dict.fromkeys(("mysql", "mariadb"), ("-e", "--execute")),
    "sqlcmd": ("-Q", "-q"),
    "mongosh": ("--eval",),
    "redis-cli": ("eval", "EVAL"),
    "clickhouse-client": ("-q", "--query"),
    "make": ("--eval",),
}
# Options that come in a cluster of letters, code behind the last of them: `bash -ec`, `perl -lne`.
_CLUSTERS: Final = {
    **{shell: lazy_re.compile(r"-[A-Za-z]*c") for shell in SHELLS},
    "perl": lazy_re.compile(r"-[acFilnpsStTuUwWX0]*[eE]"),
    "ruby": lazy_re.compile(r"-[acFilnpsSwW0]*e"),
}
_PYTHON: Final = lazy_re.compile(r"python[\d.]*")
_PYTHON_CODE: Final = lazy_re.compile(r"-[A-Za-z]*c")
# Interpreters end their options with the first word that is none: what comes behind it is for the script. These take
# a value of their own before that.
_WITH_VALUE: Final = lazy_re.compile(
    r"[-+][A-Za-z]*[oO]|--(?:rcfile|init-file|require|import|loader|conditions)|-[rCIWXd]"
)
# What starts the program that its words name: with these any program may stand in the middle of a command.
_STARTERS: Final = frozenset(
    {"docker", "podman", "nerdctl", "finch", "docker-compose", "kubectl", "oc", "sudo", "doas", "su", "runuser", "env"}
    | {
        "chroot",
        "nsenter",
        "unshare",
        "timeout",
        "nohup",
        "nice",
        "stdbuf",
        "time",
        "exec",
        "command",
        "sshpass",
        "lxc",
    }
    | {"heroku", "flyctl", "fly", "xargs", "parallel", "watch", "ssh", "vagrant", "setsid", "ionice", "flock"}
)
_RUN_INPUT: Final = frozenset({"node", "perl", "ruby", "php"})
_SCRIPTED: Final = frozenset({*SHELLS, *_RUN_INPUT, "bun", "lua", "Rscript", "julia"})
_DATABASES: Final = frozenset({"psql", "mysql", "mariadb", "sqlite3"})
_INTERPRETERS: Final = frozenset({*_RUN_INPUT, "psql", "source", "."})
_AWK: Final = frozenset({"awk", "gawk", "mawk", "nawk"})
_AWK_VALUES: Final = frozenset({"-F", "-v", "--field-separator", "--assign"})
_SED: Final = frozenset({"sed", "gsed"})
_FROM_FILE: Final = frozenset({"-f", "--file"})
# What is told which shell's line to run elsewhere: program, the word that its command has among its own, the options.
_ELSEWHERE: Final = (
    ("gcloud", "ssh", ("--command",)),
    ("az", "run-command", ("--scripts",)),
    ("vagrant", "ssh", ("-c", "--command")),
    ("flyctl", "ssh", ("-C", "--command")),
    ("ansible", "", ("-a", "--args")),
)
_SSH_VALUES: Final = frozenset(f"-{letter}" for letter in "BbcDEeFIiJLlmOoPpQRSWw")
# What only prints, looks for or keeps what it is given, whatever program the words name.
_ONLY_TEXT: Final = frozenset(
    {"echo", "printf", "cat", "tee", "grep", "egrep", "fgrep", "rg", "git", "gh", "test", "[", "logger", "aws", "exit"}
    | {"http", "https"}
)
# Arithmetic and names of variables: both run what stands in an index, `a[$(...)]`. Source: GNU Bash manual, "Shell
# Arithmetic": "the value of a variable is evaluated as an arithmetic expression when it is referenced".
_NAMED_BY: Final = {"printf": "-v", "test": "-v", "[": "-v"}
# tmux has a shell run what it is told (tmux(1), "shell-command"), at and batch what they read (POSIX, "at").
_TYPED_IN: Final = frozenset(
    {
        "new-session",
        "new",
        "new-window",
        "neww",
        "split-window",
        "splitw",
        "respawn-pane",
        "respawn-window",
        "run-shell",
    }
    | {"run", "if-shell", "if", "send-keys", "send", "pipe-pane"}
)
_LATER: Final = frozenset({"at", "batch"})
_SETS: Final = frozenset({"declare", "typeset", "local", "readonly", "export"})


_KNOWN: Final = frozenset(
    {*_CODE, *_CLUSTERS, *_AWK, *_SED, "ssh", "sqlite3", *(program for program, _, _ in _ELSEWHERE)}
)
# Those whose code is told by where it stands, and by no option.
_BY_PLACE: Final = frozenset({*_AWK, *_SED, "ssh", "sqlite3", "ansible"})
_MOST_NAMED: Final = 8  # programs in one command's words


def code_given(words: Sequence[Possible]) -> Iterator[Possible]:
    """The words of a command that are code, wherever that runs."""
    first = words[0] if words else None
    program = _name(first)
    if isinstance(first, Text) and not isinstance(first.parts[0], str):
        yield first  # which program runs
    elif isinstance(first, Text) and any(isinstance(part, str) and " " in part for part in first.parts):
        yield first  # a line that something hands to a shell
    if program == "let":
        yield from words[1:]
    elif program == "trap":
        yield from words[1:2]
    elif program == "tmux" and not _TYPED_IN.isdisjoint(map(str, words[1:])):
        yield from (word for word in words[2:] if isinstance(word, Text))
    elif program in _SETS:
        yield from (word for word in words[1:] if isinstance(word, Text) and not isinstance(word.parts[0], str))
    elif (option := _NAMED_BY.get(program)) and option in words:
        yield from words[words.index(option) + 1 :][:1]
    if program in _ONLY_TEXT:
        return
    recognised = 0
    for index, word in enumerate(words):
        name = _name(word).removeprefix("--entrypoint=")
        if name not in _KNOWN and not _PYTHON.fullmatch(name):
            continue
        if index and name in _BY_PLACE and program not in _STARTERS:
            continue  # `rsync -e ssh`, `apt-get install sed`
        recognised += 1
        apart = name != _name(word) or (index > 0 and words[index - 1] == "--entrypoint")
        yield from _code_of(name, words[index + 1 :], apart=apart)
        if recognised == _MOST_NAMED:
            return


def reads_code(words: Sequence[Possible]) -> bool:
    """Whether what a command reads from its input is code: a shell, an interpreter or a client of a database that is
    told no script, on another machine or in a container too."""
    if _name(words[0] if words else None) == "ssh":
        there = _told_to_ssh(words[1:])
        return not there or reads_code(there)
    if _name(words[0] if words else None) in _LATER:
        return not any(word in _FROM_FILE for word in words)
    nested = words if _name(words[0] if words else None) in _STARTERS else words[:1]
    for index, word in enumerate(nested):
        name, rest = _name(word), words[index + 1 :]
        if name in SHELLS and (
            not rest or "-s" in rest or all(isinstance(each, str) and each[:1] == "-" for each in rest)
        ):
            return not any(_CLUSTERS[name].fullmatch(each) for each in rest if isinstance(each, str))
        if _PYTHON.fullmatch(name) or name in _RUN_INPUT:
            return not rest or rest[0] == "-"
        if name in _DATABASES and not any(each in {"-f", "--file"} for each in rest):
            return not any(True for _ in _code_of(name, rest))
    return False


def is_interpreter(program: str) -> bool:
    """Whether files that a program is given are scripts for it."""
    return program in SHELLS or program in _INTERPRETERS or bool(_PYTHON.fullmatch(program))


def _code_of(name: str, rest: Sequence[Possible], *, apart: bool = False) -> Iterator[Possible]:
    """The code among the words behind a program's name; ``apart``: its options stand behind an image's name."""
    if name == "ssh":
        yield from _told_to_ssh(rest)
        return
    if name in _AWK:
        yield from _program_of_awk(rest)
        return
    if name in _SED:
        yield from _programs_of_sed(rest)
        return
    if name == "sqlite3":
        yield from [word for word in rest if not (isinstance(word, str) and word.startswith("-"))][1:2]
        return
    for program, told, before in _ELSEWHERE:
        if name == program and (not told or told in rest):
            yield from _behind(rest, before)
    cluster = _PYTHON_CODE if _PYTHON.fullmatch(name) else _CLUSTERS.get(name)
    rest = _options_of(rest) if not apart and (name in _SCRIPTED or _PYTHON.fullmatch(name)) else rest
    if cluster is not None:
        at = next((i for i, word in enumerate(rest) if isinstance(word, str) and cluster.fullmatch(word)), None)
        if at is not None:
            yield from rest[at + 1 : at + 2]
        return
    yield from _behind(rest, _CODE.get(name, ()))


def _options_of(words: Sequence[Possible]) -> Sequence[Possible]:
    """The words up to the script, or the code, that an interpreter is given first."""
    for index, word in enumerate(words):
        if word == "-m":
            return words[:index]
        if isinstance(word, str) and word.startswith(("-", "+")):
            continue
        before = words[index - 1] if index else ""
        if not isinstance(before, str) or not _WITH_VALUE.fullmatch(before):
            return words[: index + 1]
    return words


def _behind(words: Sequence[Possible], before: Sequence[str]) -> Iterator[Possible]:
    """What stands behind each of these options, as a word of its own or as ``--option=...``."""
    for index, word in enumerate(words):
        if word in before:
            yield from words[index + 1 : index + 2]
            continue
        head = word.parts[0] if isinstance(word, Text) else word
        option, sign, begun = head.partition("=") if isinstance(head, str) else ("", "", "")
        if sign and option in before and option.startswith("--"):
            yield text([begun, *word.parts[1:]]) if isinstance(word, Text) else begun


def _told_to_ssh(words: Sequence[Possible]) -> Sequence[Possible]:
    """The command that ssh runs on the host: its words are joined, and a shell there reads the line."""
    index = 0
    while index < len(words):
        word = words[index]
        if not (isinstance(word, str) and word.startswith("-")):
            return words[index + 1 :]
        index += 2 if word in _SSH_VALUES else 1
    return ()


def _program_of_awk(words: Sequence[Possible]) -> Iterator[Possible]:
    index = 0
    while index < len(words):
        word = words[index]
        if isinstance(word, Text) and isinstance(word.parts[0], str) and word.parts[0].startswith(("-v", "-F")):
            index += 1
        elif not (isinstance(word, str) and word.startswith("-") and word != "-"):
            yield word
            return
        elif word in _FROM_FILE or word in {"-S", "--sandbox"}:
            return
        else:
            index += 2 if word in _AWK_VALUES else 1


def _programs_of_sed(words: Sequence[Possible]) -> Iterator[Possible]:
    if "--sandbox" in words:
        return
    told = [*_behind(words, ("-e", "--expression", "-ne", "-ie", "-Ee", "-re", "-nre", "-nEe"))]
    if told or any(word in _FROM_FILE for word in words):
        yield from told
        return
    # BSD's `-i ''` has an empty word of its own.
    yield from [word for word in words if not (isinstance(word, str) and (not word or word.startswith("-")))][:1]


def _name(word: Possible) -> str:
    return word.rsplit("/", 1)[-1] if isinstance(word, str) else ""


# --- AWS ------------------------------------------------------------------------------------------------------------

# Operations and the argument that is code of what they start. Sources: AWS Systems Manager User Guide, "Predefined
# Command documents" (what a document's parameters are put into); the API references of RDS Data, Redshift Data, Athena,
# CodeBuild (``buildspecOverride``) and EC2 (``UserData``).
_ARGUMENTS: Final = {
    ("ssm", "SendCommand"): "parameters",
    ("ssm", "StartSession"): "parameters",
    ("ssm", "start-session"): "parameters",
    ("rds-data", "ExecuteStatement"): "sql",
    ("redshift-data", "ExecuteStatement"): "sql",
    ("athena", "StartQueryExecution"): "querystring",
    ("codebuild", "StartBuild"): "buildspecoverride",
    ("ec2", "RunInstances"): "userdata",
}
# ... and those whose argument is a command, which is code where it is a line for a shell.
_COMMANDS: Final = {
    ("ecs", "RunTask"): "overrides",
    ("ecs", "StartTask"): "overrides",
    ("ecs", "ExecuteCommand"): "command",
    ("ecs", "execute-command"): "command",
    ("batch", "SubmitJob"): "containeroverrides",
}
_UPKEEP: Final = lazy_re.compile(
    r"(?:.*/)?AWS-(?!Run(?:Shell|PowerShell|Remote)|StartNonInteractive|StartInteractive)[\w-]+"
)
_SHELL_LINE: Final = lazy_re.compile(
    r"(?:^|[\s\"'\[,/])(?:bash|sh|dash|zsh|ksh|ash)[\"']?\s*,?\s*[\"']?-[a-zA-Z]*c\b[\"']?\s*,?\s*[\"']?"
)
_MOST_NESTED: Final = 2_000


def code_sent(call: AwsCall) -> Iterator[Possible]:
    """What of a call's arguments is code of what it starts."""
    asked = (call.service, call.operation)
    if name := _ARGUMENTS.get(asked):
        document = call.text("documentName")
        if not (isinstance(document, str) and _UPKEEP.fullmatch(document)):
            yield from _texts_in(call.arguments.get(name))
    elif name := _COMMANDS.get(asked):
        yield from _lines_in(call.arguments.get(name))


def _lines_in(argument: Argument | None) -> Iterator[Possible]:
    """The commands of shells in an argument: texts, and lists that name a shell."""
    for value in _parts_of(argument):
        if isinstance(value, tuple):
            words = [each for each in value if not isinstance(each, tuple | Mapping)]
            yield from code_given(words) if len(words) == len(value) else ()
        elif isinstance(value, Text):
            held = ""
            for part in value.parts:
                if isinstance(part, str):
                    held += part
                elif _SHELL_LINE.search(held):
                    yield text([part])


def _texts_in(argument: Argument | None) -> Iterator[Possible]:
    yield from (each for each in _parts_of(argument) if not isinstance(each, tuple | Mapping))


def _parts_of(argument: Argument | None) -> Iterator[Argument]:
    """All values in an argument, itself and lists among them."""
    pending: list[Argument | None] = [argument]
    for _ in range(_MOST_NESTED):
        if not pending:
            return
        value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend(value.values())
            continue
        if isinstance(value, tuple):
            pending.extend(value)
        if value is not None:
            yield value
