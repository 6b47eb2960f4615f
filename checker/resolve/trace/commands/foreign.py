"""Programs that are not followed: whether one is known to change nothing, and what is said of it where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from checker import lazy_re
from checker.data.harmless import action_is_harmless, engine_verbs, inert, installed, is_wrapped, program_is_harmless
from checker.model.migrations.tools import TOOLS, MigrationTool, evaluated
from checker.model.pipeline.holding import AWS_KEYS, any_secret
from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.workflows import Job
from checker.model.possible import Possible, shown
from checker.model.sources import Problem, Spot, brief
from checker.model.values import Text
from checker.model.written.shell_lines import SHELLS
from checker.resolve.shell.starting import NO_SCRIPT

FIX: Final = (
    "Use what the checker follows (the AWS CLI, boto3, CDK, SAM, scripts in this repository), or waive what this "
    "leaves open (outcome: unknown)."
)
# What a program is told to do, where that stands behind an option. A word of these is never an option's secret.
_VERBS: Final = frozenset(
    {"apply", "build", "deploy", "destroy", "down", "exec", "install", "migrate", "publish", "push", "release",
     "rollout", "run", "start", "sync", "up", "upgrade"}
)  # fmt: skip
# Interpreter -> the options that are followed by code.
_INLINE: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("node", "nodejs", "bun"), frozenset({"-e", "--eval", "-p", "--print", "-pe", "-ep"})),
    **dict.fromkeys(("perl", "ruby"), frozenset({"-e", "-ne", "-pe", "-lne", "-ane", "-lane", "-pie", "-0pe"})),
    "php": frozenset({"-r"}),
    "osascript": frozenset({"-e"}),
}  # fmt: skip
# Options of these interpreters that load code of the repository first: a module by its path, a folder of modules.
_NODE_LOADS: Final = lazy_re.compile(r"--?(?:require|import|loader|experimental-loader|preload|r)\b")
_PRELOADS: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(("node", "nodejs", "bun"), _NODE_LOADS),
    "perl": lazy_re.compile(r"-I|-d"),
    "ruby": lazy_re.compile(r"-I|-r\.{0,2}/"),
    "php": lazy_re.compile(r"-?d?auto_(?:pre|ap)pend_file|-z"),
}
# Options of these interpreters, in front of all, that have a file's syntax checked and nothing of it run.
_CHECKS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("node", "nodejs"), frozenset({"--check", "-c"})),
    "ruby": frozenset({"-c", "-wc", "-cw"}),
    "php": frozenset({"-l", "--syntax-check"}),
}
# Options of programs that otherwise start nothing, by which they run a script.
_RUNS_CODE: Final[Mapping[str, frozenset[str]]] = {"cmake": frozenset({"-P", "-C"})}
_BUILDERS: Final = frozenset({"docker", "podman", "buildah", "nerdctl", "finch", "img"})
_KEYS: Final = lazy_re.compile(
    r"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|WEB_IDENTITY_TOKEN\w*)|(?:^|[/=~,])\.aws(?:/|$)"
)
_JAVASCRIPT: Final = frozenset({"node", "nodejs", "bun"})
# What a migration tool makes of itself and its migrations: judged as those are.
_ALONE: Final = frozenset(program for tool in TOOLS for program in tool.alone)
GITHUB_SCRIPT: Final = "actions/github-script"
# Options of `docker run` that take no value. Source: Docker documentation, "docker container run".
_ENGINE_FLAGS: Final = frozenset(
    {"--rm", "-d", "--detach", "-i", "--interactive", "-t", "--tty", "-it", "-ti", "-dit", "-itd", "--init", "-q",
     "--privileged", "--read-only", "-P", "--publish-all", "--quiet", "--no-healthcheck", "--oom-kill-disable"}
)  # fmt: skip
_NAME: Final = lazy_re.compile(r"(?:\.{0,2}/)?[A-Za-z][\w./:@+]*(?:-[\w./:@+]+)*")
# Letters and digits as nobody calls a command: what a program is given, and maybe in confidence.
_GENERATED: Final = lazy_re.compile(r"(?=.*\d)(?=.*[A-Za-z])\w{12,}")
_FILE: Final = lazy_re.compile(r"(?:[\w.-]+/)*[\w-]+(?:\.\w{1,12}){1,3}")
_FILE_AT: Final = lazy_re.compile(r"(?:\.{1,2}/)?(?:[\w-][\w.-]*/)+[\w.-]{1,80}")
# What ends a script, and words of the shell's own that stand alone where it was not understood.
_NO_PROGRAMS: Final = frozenset({"exit", "return", "done", "fi", "esac", "then", "else", "elif", "do"})
_AWS_CLI: Final = lazy_re.compile(r"(?:.*/)?(?:amazon/aws-cli|aws-cli/aws-cli)(?:[:@].*)?")


def unread(command: Command, written: Command | None = None, known: Iterable[Problem] = ()) -> Problem | None:
    """That a command's program was not followed; ``None`` where it is known to change nothing, or that is on record
    (``known``). ``written`` is the command as it stands there, where this is what it comes to."""
    words = command.words
    if not command.program or command.program in _NO_PROGRAMS or _is_missing(command, known):
        return None
    if _gives_keys(command.program, words):
        return not_read(command, "what the Dockerfile runs is given credentials of AWS, and was not followed")
    runs_code = _RUNS_CODE.get(command.program, frozenset()).intersection(map(str, words[1:]))
    if not runs_code and program_is_harmless(words):
        return None
    name = installed(str(words[0]))
    if name is not None and name in _INLINE and _is_inert(name, words):
        return None
    if any(program_is_harmless(inner) for inner in _image_commands(words)):
        return None
    if is_wrapped(command.program, command.spot.file) or command.program in _ALONE or _migrates_elsewhere(words):
        return None
    return not_read(command, f"what `{spelled(written or command)}` does was not followed")


def _is_missing(command: Command, known: Iterable[Problem]) -> bool:
    """Whether it is on record already that the script which a shell is given is not there."""
    here = (each.message for each in known if each.spot == command.spot)
    return command.program in SHELLS and any(each.startswith(NO_SCRIPT) for each in here)


def spelled(command: Command) -> str:
    """A command for a message: its words up to the first option, and the verb or else a file behind that. Never an
    option's value, which may be a secret. Of a file of the repository its path: what it is given are no verbs."""
    whole = command.words[0] if command.words else ""
    if isinstance(whole, str) and installed(whole) is None and _FILE_AT.fullmatch(whole):
        return whole.removeprefix("./")
    first = [command.program]
    for word in command.words[1:4]:
        if not isinstance(word, str) or not _NAME.fullmatch(word) or _GENERATED.fullmatch(word):
            break
        first.append(word)
    behind = [word for word in command.words[len(first) :] if isinstance(word, str)]
    verbs = [word for word in behind if word in _VERBS] if not _VERBS.intersection(first) else []
    return " ".join([*first, *(verbs or [word for word in behind if _FILE.fullmatch(word)])[:1]])


def unread_script(file: str, line: int, shebang: str) -> Problem:
    name = shebang.rpartition("/")[2].rpartition(" ")[2]
    return Problem(Spot(file, line), brief(f"a script for {name or 'another program'} was not followed"), FIX)


def is_shell(shebang: str) -> bool:
    """Whether a first line names a shell that is followed."""
    return any(word.rpartition("/")[2] in {"sh", "bash", "dash", "zsh", "ksh"} for word in shebang.split()[:3])


def unread_module(command: Command, name: str) -> Problem:
    return not_read(command, f"what the Python module {name} does was not followed")


def too_many_tests(command: Command) -> Problem:
    return not_read(command, f"the tests that `{command.program}` runs reach out, and are too many to be followed")


def not_read(command: Command, message: str) -> Problem:
    """That something of a command was not read, or not followed."""
    return Problem(command.spot, brief(message), FIX)


def unread_action(step: EffectiveStep) -> Problem | None:
    """That the code of an action was not followed; ``None`` where it is known to change nothing, or was unfolded."""
    uses, action = step.uses, step.step.action.lower()
    if step.unfolded or not uses:
        return None
    if (build := unread_build(step)) is not None:
        return build
    if uses.startswith("docker://"):
        return Problem(step.spot, brief(f"what the image {uses[9:]} does was not followed"), FIX)
    if action == GITHUB_SCRIPT:
        script = step.with_.get("script", "")
        if _is_known_to_begin(script) and inert(shown(script)):
            return None
    elif not uses.startswith("./") and action_is_harmless(action):
        return None
    return Problem(step.spot, brief(f"what {uses} does was not followed"), FIX)


# Images of Docker's own library, and of those who make runners, clouds and tools: what is called in them is what it is
# called. Any other image may have a program of its own under any name.
_TAG: Final = r"(?:[:@](?:[\w.:@-]|\$\{\{[^{}]*\}\})++)?"  # which of its versions it is may be the run's choice
_KNOWN_IMAGE: Final = lazy_re.compile(
    rf"(?:docker\.io/)?(?:library/)?[a-z0-9][\w.-]*{_TAG}"
    r"|(?:mcr\.microsoft\.com|public\.ecr\.aws/(?:docker/library|amazonlinux|aws-cli|sam|lambda|ubuntu|debian)"
    r"|ghcr\.io/(?:actions|astral-sh|catthehacker|cirruslabs)|gcr\.io/google\.com/cloudsdktool"
    r"|(?:docker\.io/)?(?:alpine|amazon|bitnami|catthehacker|cimg|circleci|cypress|google|hashicorp|nixos|pulumi)"
    r"|registry\.access\.redhat\.com|registry\.k8s\.io|quay\.io/(?:centos|fedora|pypa|podman|buildah))"
    rf"/[\w./-]+{_TAG}",
    re.IGNORECASE,
)


_PASSWORD: Final = lazy_re.compile(r"PASS(?:WORD|WD)?(?:_|$)", re.IGNORECASE)


def _gives_keys(program: str, words: Sequence[Possible]) -> bool:
    """Whether an image is built with credentials of AWS at hand: Docker documentation, "Build secrets"."""
    if program not in _BUILDERS or not {"build", "bud", "bake"}.intersection(map(str, words[1:4])):
        return False
    given = [
        str(word)
        for before, word in pairwise(("", *words))
        if str(before) in {"--secret", "--build-arg", "-v", "--volume"}
        or str(word).startswith(("--secret=", "--build-arg=", "--volume="))
    ]
    return any(map(_KEYS.search, given))


_BUILD_ACTIONS: Final = frozenset({"docker/build-push-action", "docker/bake-action", "depot/build-push-action"})


def unread_build(step: EffectiveStep) -> Problem | None:
    """That an action builds an image with credentials of AWS at hand."""
    given = [str(step.with_.get(name, "")) for name in ("secrets", "secret-envs", "secret-files", "build-args", "set")]
    if step.step.action.lower() not in _BUILD_ACTIONS or not any(map(_KEYS.search, given)):
        return None
    return Problem(step.spot, brief("what the Dockerfile runs is given credentials of AWS, and was not followed"), FIX)


def unread_container(job: Job) -> Problem | None:
    """That steps run in an image whose programs nobody knows; ``None`` for the runner and for well-known images."""
    if not job.container or _KNOWN_IMAGE.fullmatch(job.container):
        return None
    return Problem(job.spot, brief(f"its steps run in the image {job.container}, whose programs were not read"), FIX)


def unread_services(job: Job) -> Iterator[Problem]:
    """That containers beside the steps are given credentials of AWS or secrets, in images that nobody knows. A password
    is a database's own."""
    for service in job.services:
        given = [
            name
            for name, each in service.env.items()
            if (name in AWS_KEYS and "${{" in str(each.value))
            or (any_secret((each.value,)) and not _PASSWORD.search(name))
        ]
        if given and service.image and not _KNOWN_IMAGE.fullmatch(service.image):
            what = f"the image {service.image} is given {given[0]}, and what it does with it was not read"
            yield Problem(service.spot, brief(what), FIX)


def _is_inert(name: str, words: Sequence[Possible]) -> bool:
    """Whether all that an interpreter is given is code in a line that starts nothing."""
    if name in _PRELOADS and any(_PRELOADS[name].match(str(word)) for word in words[1:]):
        return False
    if name in _CHECKS and _CHECKS[name].intersection(map(str, words[1:2])):
        return True
    code = [words[index + 1] for index, word in enumerate(words[:-1]) if word in _INLINE[name]]
    if not all(map(_is_known_to_begin, code)):
        return False
    return bool(code) and all(inert(str(each), javascript=name in _JAVASCRIPT) for each in code)


def _is_known_to_begin(code: Possible) -> bool:
    """Whether it is code that is pasted together around values, and not one that the run alone knows."""
    return isinstance(code, str) or (isinstance(code, Text) and isinstance(code.parts[0], str))


def image_command(words: Sequence[Possible]) -> tuple[Possible, ...] | None:
    """The command that ``docker run`` gives to an image whose program is the AWS CLI, ``aws`` in front of it; or to the
    AWS CLI, where that is to run in place of an image's own program."""
    for image, program, rest in images_started(words):
        started = program.rpartition("/")[2] if isinstance(program, str) else program
        if started == "aws" or (started is None and isinstance(image, str) and _AWS_CLI.fullmatch(image)):
            return ("aws", *rest)
    return None


def _image_commands(words: Sequence[Possible]) -> Iterator[tuple[Possible, ...]]:
    """The command line of an image that is named after its program: ``flyway/flyway:10 migrate``."""
    for image, program, rest in images_started(words):
        if program is not None:
            yield (program, *rest)
        elif isinstance(image, str):
            yield (re.split(r"[:@]", image.rpartition("/")[2])[0], *rest)


# What a container is told of a database, by the name.
_OF_DATABASE: Final = lazy_re.compile(
    r"(?:[A-Z0-9]+_)*(?:DATABASE|DB|PG|POSTGRES(?:QL)?|MYSQL)[A-Z0-9_]*(?:=(?!.*AWS_).*)?", re.DOTALL
)


def _migrates_elsewhere(words: Sequence[Possible]) -> bool:
    """Whether ``docker run`` gives an image a command of a migration tool, and of the job nothing but where
    the database is: that is judged as migrations are."""
    for _, program, rest in images_started(words):
        began = [each for each in (program, *rest) if each is not None]
        given = [*_not_of_database(words[: len(words) - len(rest)])]
        plain = [str(each) for each in began]
        told = evaluated(plain) is not None or any(_is_migration(plain, tool) for tool in TOOLS)
        return told and program_is_harmless([*given, *rest])
    return False


def _not_of_database(options: Sequence[Possible]) -> Iterator[Possible]:
    """Options of ``docker run`` without the variables that tell of a database."""
    pending = list(options)
    while pending:
        word = pending.pop(0)
        if word in {"-e", "--env"} and pending:
            value = pending.pop(0)
            if not _OF_DATABASE.fullmatch(shown(value)):
                yield from (word, value)
        elif not (shown(word).startswith("--env=") and _OF_DATABASE.fullmatch(shown(word)[6:])):
            yield word


def _is_migration(words: Sequence[str], tool: MigrationTool) -> bool:
    groups = (each.split() for each in tool.programs)
    told = any([*words[: len(each)]] == each for each in groups) and not tool.is_client
    return told and any(set(each) <= {*words} for each in (*tool.forwards, *tool.backwards))


def images_started(words: Sequence[Possible]) -> Iterator[tuple[Possible, Possible | None, tuple[Possible, ...]]]:
    """The image of ``docker run``, what replaces its program (``None`` where nothing does), the words behind it."""
    verb = next(((index, verb) for index, verb in engine_verbs(words) if verb != "container"), (0, ""))
    if not words or verb[1] != "run" or installed(str(words[0])) not in {"docker", "podman", "nerdctl", "finch"}:
        return
    index = verb[0] + 1
    program: Possible | None = None
    while index < len(words):
        word = words[index]
        if not isinstance(word, str) or not word.startswith("-"):
            yield word, program or None, tuple(words[index + 1 :])
            return
        if word.startswith("--entrypoint"):
            given = word.partition("=")[2]
            program = given or (words[index + 1] if index + 1 < len(words) else "")
            if not program:  # without a program of its own the image starts the first word behind it
                return
        index += 1 if word in _ENGINE_FLAGS or "=" in word else 2
