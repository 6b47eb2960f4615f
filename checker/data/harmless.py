"""What is known to change nothing of an environment: the table of ``harmless.toml``, and what it says of a command."""

from __future__ import annotations

import itertools
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.data.goals import goals


class _Table(Struct, frozen=True):
    """``programs`` and ``actions`` with the reason of each; ``libraries`` of Python by their names; ``verbs`` of
    programs that are not harmless as a whole."""

    programs: Mapping[str, str]
    verbs: Mapping[str, frozenset[str]]
    actions: Mapping[str, str]
    libraries: frozenset[str]
    modules: frozenset[str]
    settings: frozenset[str]
    about: frozenset[str]


@cache
def _table() -> _Table:
    read = tomllib.loads(files("checker.data").joinpath("harmless.toml").read_text(encoding="utf-8"))
    others = {key: frozenset(names.split()) for key, names in read["others"].items()}
    return _Table(
        {name: reason for reason, names in read["programs"].items() for name in names.split()},
        {
            program: frozenset((*verbs.split(), "version", "help", "completion"))
            for program, verbs in read["verbs"].items()
        },
        {name: reason for reason, names in read["actions"].items() for name in names.split()},
        frozenset(name for names in read["libraries"].values() for name in names.split()),
        others["modules"],
        others["prints-settings"],
        others["about"],
    )


# What `docker` and its kin do with containers that may be given the job's credentials, or with registries.
_ENGINES: Final = frozenset({"docker", "podman", "nerdctl", "docker-compose", "buildah", "finch"})
_ENGINE_GROUPS: Final = frozenset({"compose", "container", "buildx", "image", "builder", "manifest", "pod"})


def harmless_actions() -> Mapping[str, tuple[str, ...]]:
    """Reason -> the actions that change nothing; a name that ends in a slash stands for all below it."""
    found: dict[str, list[str]] = {}
    for name, reason in _table().actions.items():
        found.setdefault(reason, []).append(name)
    return {reason: tuple(sorted(names)) for reason, names in found.items()}


def prints_settings(program: str) -> bool:
    """Whether a program's output is shell code that only sets variables: ``eval "$(ssh-agent)"``."""
    return installed(program) in _table().settings


# What code calls to start a program, open a connection or load other code: in JavaScript, and elsewhere.
_REACHES: Final = lazy_re.compile(
    r"child_process|\bexec|\bspawn|\.fork\s*\(|\bfetch\b|aws|\beval\b|\bFunction\b|\bimport\b|XMLHttpRequest|WebSocket"
    r"|\bworker|getBuiltinModule|mainModule|\bconstructor\b|\b(?:globalThis|this|process|require|module)\s*\["
    r"|\bprocess\.(?:binding|dlopen|kill)",
    re.IGNORECASE,
)
_REACHES_ELSEWHERE: Final = lazy_re.compile(
    r"exec\b|\bexec|\bspawn|\bsystem\b|`|%x|\bqx\b|\bfork\b|\bopen3?\b|\bpopen|\bpassthru\b|\bproc_open\b|\brequire|\buse\b|\bload\b"
    r"|\beval|\bsocket|\bhttp|\bcurl|\bnet\b|aws|\bsend\b|\binclude",
    re.IGNORECASE,
)
_LOADS: Final = lazy_re.compile(
    r"""require\(\s*(?!['"](?:(?:\.{0,2}/)?[\w@./-]*\.json|(?:node:)?(?:fs|path|os|crypto|util|assert|url))['"])"""
)


def inert(code: str, *, javascript: bool = True) -> bool:
    """Whether code that stands in a line surely starts nothing and talks to no one: it computes and prints."""
    if javascript:
        return not _REACHES.search(code) and not _LOADS.search(code)
    return not _REACHES_ELSEWHERE.search(code)


def program_is_harmless(words: Sequence[object]) -> bool:
    """Whether a command line, its program named first, is known to change nothing. Words that are open are no strings.

    A path that is not a system's or a package manager's own folder is a file of the repository: its name says nothing.
    """
    if not words or not isinstance(words[0], str):
        return False
    if len(words) == 2 and words[1] in _table().about:
        return True
    name = installed(words[0])
    if name == "git" and len(words) == 1:
        return True  # it tells how it is used
    if name is None:
        return False
    if name in _ENGINES:
        return engine_is_harmless(words)
    if name in {"awk", "gawk", "mawk", "nawk", "find", "fd", "fdfind"}:
        return True  # what it starts is followed
    if name in {"parallel", "watch", "entr", "nodemon", "hyperfine", "concurrently", "conc"}:
        return any(isinstance(word, str) and not word.startswith("-") for word in words[1:])
    if name == "flock":
        behind = itertools.pairwise(words)
        own = [word for option, word in behind if str(word)[:1] != "-" and option not in {"-w", "--timeout", "-E"}]
        return len(own) == 1  # of a file that is open already
    if any(wanted <= set(map(str, words[1:])) for wanted in _STARTS.get(name, ())):
        return False
    if name in {"curl", "wget", "http", "https"}:
        return not any("aws-sigv4" in word or "AWS4-HMAC" in word for word in map(str, words))
    if name in _table().programs:
        return True
    verbs = _table().verbs.get(name)
    if verbs is not None and (told := goals(name, words)):
        return all(each in verbs for each in told)
    return verbs is not None and _first_verb(words, _GIT_VALUES if name == "git" else frozenset()) in verbs


# git(1): options in front of the verb whose value is the next word.
_GIT_VALUES: Final = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source"})


# Words that make a program start another one that they, or a file, name.
_STARTS: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    "kotlinc": (frozenset({"-script"}), frozenset({"-e"}), frozenset({"-expression"})),
    # Cargo Lambda documentation, "Commands": what it builds is all that it makes without these.
    "cargo": tuple(frozenset({"lambda", verb}) for verb in ("deploy", "invoke", "watch", "start")),
    # CMake documentation, "Run a Command-Line Tool", "ctest -S"; .NET CLI, "dotnet tool run"; Hatch, "hatch env run";
    # AWS SAM, "sam local" (the function's code runs, with what the job holds).
    "cmake": tuple(frozenset({"-E", verb}) for verb in ("env", "time", "chdir")),
    "ctest": (frozenset({"-S"}), frozenset({"-SP"}), frozenset({"--script"})),
    "dotnet": (frozenset({"tool", "run"}), frozenset({"tool", "exec"})),
    "hatch": (frozenset({"env", "run"}),),
    "sam": tuple(frozenset({"local", verb}) for verb in ("invoke", "start-api", "start-lambda")),
    "gh": tuple(frozenset({word, "exec"}) for word in ("extension", "extensions", "ext")),
}


def _first_verb(words: Sequence[object], with_value: frozenset[str] = frozenset()) -> str:
    """The first word that is no option, nor the value of one; the first option where nothing else is there."""
    while len(words) > 2 and words[1] in with_value:
        words = [words[0], *words[3:]]
    plain = (word for word in words[1:] if not (isinstance(word, str) and word.startswith(("-", "+"))))
    found = next(plain, words[1] if len(words) > 1 else "")
    return found if isinstance(found, str) else ""


_FOLDERS: Final = lazy_re.compile(
    r"(?:/usr(?:/local)?|/opt/[\w.-]+|(?:/home/\w+|/root|~)/\.[\w-]+)?/s?bin/|(?:.*/)?(?:node_modules/\.bin|\.?venv/bin|vendor/bin)/"
)


# Files of a repository that are a build tool of their own version: they fetch it, and start it with their own words.
# Source: Gradle User Manual, "Gradle Wrapper Reference"; Apache Maven Wrapper, "Maven Wrapper".
WRAPPERS: Final = frozenset({"gradlew", "mvnw"})
_WRAPPED: Final = lazy_re.compile(
    r"\W*(?:cygpath[ \w-]*+\W+)?(?:java|mvn|maven|gradle)(?:_?cmd|_?bin)?\W*", re.IGNORECASE
)


def is_wrapped(program: str, file: str) -> bool:
    """Whether a program in such a file is the tool, or what runs it: its words were judged where it is called."""
    return file.rpartition("/")[2] in WRAPPERS and _WRAPPED.fullmatch(program.rpartition("/")[2]) is not None


def installed(program: str) -> str | None:
    """The name of an installed program without its folder and version; ``None`` for a file of the repository."""
    folder = program.rpartition("/")[0]
    if folder and not _FOLDERS.fullmatch(f"{folder}/"):
        name = program.rpartition("/")[2]
        return name if name in WRAPPERS else None
    name = program.rpartition("/")[2]
    return name if name.startswith("@") else name.partition("@")[0]


def engine_verbs(words: Sequence[object]) -> Iterator[tuple[int, str]]:
    """The words of ``docker [OPTIONS] GROUP VERB`` that are no options, each with its position."""
    skip = False
    for index, word in enumerate(words[1:], 1):
        if skip:
            skip = False
        elif isinstance(word, str) and word.startswith("-"):
            skip = word in _ENGINE_VALUES
        elif isinstance(word, str):
            yield index, word
        elif not str(word).startswith("--"):  # an option that names its value is one, whatever that is
            return


_ENGINE_VALUES: Final = frozenset(
    {"--log-level", "-l", "--context", "-c", "--host", "-H", "--config", "-f", "--file", "-p", "--project-name",
     "--env-file", "--profile", "--project-directory", "--builder", "--ansi", "--progress", "--tlscacert", "--tlscert",
     "--tlskey", "-n", "--namespace", "-a", "--address", "--root", "--runroot", "--connection", "--url", "--identity",
     "--storage-driver", "--storage-opt", "--snapshotter", "--data-root", "--hosts-dir", "--cgroup-manager"}
)  # fmt: skip


def engine_is_harmless(words: Sequence[object]) -> bool:
    """Whether a command of a container engine starts no container that sees the job's credentials, and pushes nothing
    that its words do not name."""
    verbs = [verb for _, verb in zip(range(2), (verb for _, verb in engine_verbs(words)), strict=False)]
    name = str(words[0]).rpartition("/")[2]
    if name == "docker-compose":
        verbs = ["compose", *verbs[:1]]
    verb = next((each for each in verbs if each not in _ENGINE_GROUPS), verbs[0] if verbs else "")
    if "compose" in verbs and (verb == "push" or "--push" in words):
        return False
    if verb == "bake":
        return "--push" not in words and not any("output" in str(word) or "--set" in str(word) for word in words)
    if verb in {"run", "create"} and "compose" not in verbs:
        return not any(_lets_in(word, words[index + 1] if index + 1 < len(words) else "") or _HANDED.search(str(word))
                       for index, word in enumerate(words) if index)  # fmt: skip
    return not verb or verb in _table().verbs["docker"]


_SETTING: Final = lazy_re.compile(r"(?:-e|--env)(?:=?)(?P<given>.*)", re.DOTALL)
# What an image is told of the job's credentials by the words behind its name: ``ecs-deploy -k "$AWS_ACCESS_KEY_ID"``.
_HANDED: Final = lazy_re.compile(r"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)\b(?!=)|\bsecrets\.")
_SHARES: Final = lazy_re.compile(r"\.aws\b|^(?:-v ?|--volume[= ])?/:|docker\.sock|/root\b|\$\{?HOME|~/")


def _lets_in(word: object, following: object) -> bool:
    """Whether an option of ``docker run`` hands a variable of the job or a folder with credentials to the container."""
    if not isinstance(word, str):
        return "--env" in str(word)
    if word.startswith("--env-file"):
        return True
    if word in {"-v", "--volume", "--mount"} or word.startswith(("-v", "--volume=", "--mount=")):
        return bool(_SHARES.search(f"{word} {following}"))
    setting = _SETTING.fullmatch(word)
    if setting is None:
        return False
    given: object = setting["given"] or following
    return not isinstance(given, str) or "=" not in given or bool(re.search(r"\$\{|secrets\.", given))


def module_is_harmless(name: str) -> bool:
    """Whether ``python -m NAME`` is known to change nothing, for a module that the repository does not hold."""
    programs = _table().programs
    return name in _table().modules or name.partition(".")[0] in programs or name.replace("_", "-") in programs


@cache
def library_is_harmless(name: str) -> bool:
    """Whether calls of a Python library, by its import name, are followed or known to change nothing."""
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    known = _table().libraries
    parts = name.replace("-", "_").split(".")
    if any(".".join(parts[:length]) in known for length in range(1, len(parts) + 1)):
        return True
    return parts[0].startswith(("mypy_boto3_", "types_boto3_"))


def action_is_harmless(action: str) -> bool:
    """Whether an action (``owner/name`` without its version, in lower case) is known to change nothing by itself."""
    known = _table().actions
    if action in known:
        return True
    owner, _, rest = action.partition("/")
    name = rest.partition("/")[0]
    return f"{owner}/" in known or f"{owner}/{name}/" in known or (name.startswith("setup-") and "aws" not in name)
