"""Programs that only start another one: ``env``, ``timeout 60``, ``npx``, ``uv run``, ``find -exec`` ...

Sources: each program's manual; npm documentation, "npx"; pnpm, "pnpm exec", "pnpm dlx"; uv, "uv run", "uvx".
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from checker import lazy_re
from checker.data.launchers import PLAIN
from checker.model.possible import Possible, joined
from checker.model.values import Text

# Launchers of packages: what they start is named by a package, perhaps with its version.
_PACKAGES: Final[Mapping[str, frozenset[str]]] = {
    "npx": frozenset({"-p", "--package", "-c", "--call", "--prefix", "-w", "--workspace", "-C", "--node-arg"}),
    "bunx": frozenset({"-p", "--package"}),
    "pnpx": frozenset({"-p", "--package"}),
    "uvx": frozenset({"--from", "--with", "--python", "-p", "--index-url", "--with-requirements"}),
}
# Managers, their verbs that start a program, and their options that take a value.
_VALUES: Final = frozenset(
    {"--with", "--python", "-p", "--package", "--project", "--extra", "--group", "-C", "--dir", "--filter", "-F",
     "--prefix", "-w", "--workspace", "--cwd", "--env-file", "--directory", "--from", "-E", "--spec", "-n", "--name",
     "--scope", "--using", "--using-file", "--env"}
)  # fmt: skip
_VERBS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("poetry", "pipenv", "pdm", "hatch", "rye", "pipx"), frozenset({"run"})),
    "uv": frozenset({"run"}),
    "pnpm": frozenset({"exec", "dlx"}),
    "npm": frozenset({"exec", "x"}),
    "yarn": frozenset({"dlx", "exec"}),
    "bun": frozenset({"x"}),
    "bundle": frozenset({"exec"}),
    "mise": frozenset({"exec", "x"}),
    "corepack": frozenset({"npm", "npx", "pnpm", "pnpx", "yarn", "yarnpkg"}),
    "volta": frozenset({"run"}),
    **dict.fromkeys(("asdf", "pyenv", "rbenv", "nodenv", "goenv", "jenv", "fnm", "nvm", "rtx"), frozenset({"exec"})),
    **dict.fromkeys(("mamba", "micromamba", "devbox", "pixi", "rustup"), frozenset({"run"})),
    **dict.fromkeys(("nx", "lerna", "tox"), frozenset({"exec"})),
    "nix": frozenset({"develop", "shell"}),
    "doppler": frozenset({"run"}),
    "infisical": frozenset({"run"}),
    "op": frozenset({"run"}),
    "teller": frozenset({"run"}),
    "conda": frozenset({"run"}),
    "direnv": frozenset({"exec"}),
}
# Those whose verb is followed by a version or a folder before the program.
_ONE_BEFORE: Final = frozenset({"direnv", "nvm", "rustup"})
_OF_PACKAGES: Final = frozenset({"pnpm", "npm", "yarn", "bun", "pipx", "uv"})
_FOLDERS: Final = frozenset({"--prefix", "-C", "--dir", "--cwd", "--chdir", "--directory"})
# Packages whose program has another name.
_PROGRAMS: Final[Mapping[str, str]] = {
    "aws-cdk": "cdk", "awscli": "aws", "typescript": "tsc", "@playwright/test": "playwright",
    "@sentry/cli": "sentry-cli",
    "@angular/cli": "ng", "@nestjs/cli": "nest", "@go-task/cli": "task", "aws-sam-cli": "sam", "rust-just": "just",
}  # fmt: skip
MOST_WRAPPERS: Final = 8  # around one another
_ASSIGNMENT: Final = lazy_re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


class Unwrapped(Struct):
    """The words of the program that is started in the end, the variables that ``env`` gives it, and the folder that a
    launcher changes to (relative to the one before; empty where it stays)."""

    words: list[Possible]
    given: dict[str, Possible | tuple[Possible, ...]] = field(default_factory=dict)
    folder: str = ""


def unwrapped(words: list[Possible]) -> Unwrapped:
    """A command without the programs that only start it."""
    found = Unwrapped(words)
    for _ in range(MOST_WRAPPERS):
        inner = once(found)
        if inner is None:
            break
        found.words = inner
    return found


def once(found: Unwrapped) -> list[Possible] | None:
    """The command behind the outermost program that only starts one; ``None`` where there is none."""
    words = found.words
    if len(words) < 2 or not isinstance(words[0], str):
        return None
    name = words[0].rsplit("/", 1)[-1]
    if name == "command" and words[1] in {"-v", "-V"}:
        return None
    if name == "npx" and (line := _called(words)) is not None:
        return ["sh", "-c", line]
    if name in _PACKAGES:
        return _package(after_options(words[1:], _PACKAGES[name], found)) or None
    if name in _VERBS:
        inner = _verb(name, words, found)
        if inner is not None:
            return inner
    if name in _OWN:
        return _OWN[name](words)
    if name not in PLAIN:
        return None
    if name == "sudo" and (inner := _as_somebody(words)) is not None:
        return inner
    if name == "env":
        words = _split_string(words)
    with_value, plain = PLAIN[name]
    rest = after_options(words[1:], with_value, found)[plain:]
    return (after_options(rest, frozenset(), found) if plain else rest) or None


def _called(words: list[Possible]) -> Possible | None:
    """``npx -c 'X'``: a line of shell, in front of any program (npm documentation, "npx", ``--call``)."""
    for index, word in enumerate(words[1:], 1):
        if not isinstance(word, str) or (not word.startswith("-") and words[index - 1] not in _PACKAGES["npx"]):
            return None
        if word in {"-c", "--call"} and len(words) > index + 1:
            return words[index + 1]
        if word.startswith("--call="):
            return word.partition("=")[2]
    return None


_INSTALLED: Final = lazy_re.compile(
    r"(?:.*/)?node_modules/(?:\.bin/|(?:@[\w.-]+/)?[\w.-]+/(?:bin|cli|dist/bin)/)([\w-]+)(?:\.[cm]?js)?"
)


def _by_node(words: list[Possible]) -> list[Possible] | None:
    """``node --run X``: a script of ``package.json`` without those before and after it; ``node node_modules/…/bin/X``:
    an installed package's program (Node.js documentation, "Command-line API", ``--run``)."""
    first = words[1]
    if first == "--run" and len(words) > 2:
        return ["npm", "run", "--ignore-scripts", *words[2:]]
    if isinstance(first, str) and first.startswith("--run="):
        return ["npm", "run", "--ignore-scripts", first.partition("=")[2], *words[2:]]
    found = _INSTALLED.fullmatch(first) if isinstance(first, str) else None
    return [f"node_modules/.bin/{found[1]}", *words[2:]] if found is not None else None


def _behind_hyphens(words: list[Possible]) -> list[Possible] | None:
    """``wait-for-it HOST:PORT -- X``."""
    return words[words.index("--") + 1 :] or None if "--" in words else None


def _with_secrets(words: list[Possible]) -> list[Possible] | None:
    """``sops exec-env FILE 'X'``: a line of shell (SOPS documentation, "Passing Secrets to Other Processes")."""
    at = next((index for index, word in enumerate(words) if word in {"exec-env", "exec-file"}), len(words))
    plain = [word for word in words[at + 1 :] if not (isinstance(word, str) and word.startswith("--"))]
    return ["sh", "-c", plain[1]] if len(plain) > 1 else None


# Options of `coverage run`, and of nyc and c8, whose value is the next word.
_MEASURES: Final = frozenset(
    {"--source", "--include", "--omit", "--rcfile", "--data-file", "--concurrency", "--context", "--debug"}
)  # fmt: skip
_COUNTS: Final = frozenset(
    {"-r", "--reporter", "-x", "--exclude", "-n", "--include", "-t", "--temp-dir", "-o", "--report-dir", "--cwd",
     "--src", "--nycrc-path", "--config", "-c", "-e", "--extension", "--require", "-i"}
)  # fmt: skip


def _measured(words: list[Possible]) -> list[Possible] | None:
    """``coverage run X``: a Python program (Coverage.py documentation, "coverage run")."""
    if words[1] != "run":
        return None
    rest = words[2:]
    while rest and isinstance(rest[0], str) and rest[0].startswith("-") and rest[0] not in {"-m", "--module"}:
        rest = rest[2 if rest[0] in _MEASURES else 1 :]
    return ["python", *(["-m", *rest[1:]] if rest[:1] == ["--module"] else rest)] if rest else None


def _counted(words: list[Possible]) -> list[Possible] | None:
    """``nyc X``, ``c8 X``: unless it is one of their own verbs."""
    rest = after_options(words[1:], _COUNTS, Unwrapped([]))
    return rest if rest and rest[0] not in {"report", "check-coverage", "instrument", "merge", "help"} else None


def _as_somebody(words: list[Possible]) -> list[Possible] | None:
    """``sudo -s``: a shell, where no command follows."""
    with_value, _ = PLAIN["sudo"]
    inner = after_options(words[1:], with_value, Unwrapped([]))
    return ["bash"] if not inner and {"-s", "-i", "--shell", "--login"} & set(words[1:]) else None


# Verbs of these that start a tool by its name: of the project's manifest, or of a package. `go help tool`; Microsoft
# Learn, "dotnet tool run"; Dart documentation, "dart run".
_TOOL_VERBS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "go": (("tool",),),
    "dotnet": (("tool", "run"), ("tool", "exec")),
    "dart": (("run",),),
    "flutter": (("pub", "run"),),
}
_OF_GO: Final = frozenset(
    {"addr2line", "asm", "buildid", "cgo", "compile", "covdata", "cover", "dist", "distpack", "doc", "fix", "link",
     "nm", "objdump", "pack", "pprof", "preprofile", "test2json", "trace", "vet"}
)  # fmt: skip


def _tool(words: list[Possible]) -> list[Possible] | None:
    """``go tool X``, ``dotnet tool run X``, ``dart run X``: a tool of another name than a file's."""
    for verbs in _TOOL_VERBS[str(words[0]).rsplit("/", 1)[-1]]:
        if words[1 : 1 + len(verbs)] == [*verbs]:
            rest = after_options(
                words[1 + len(verbs) :], frozenset({"-C", "-modfile", "--define", "-D"}), Unwrapped([])
            )
            name = rest[0] if rest else ""
            if not isinstance(name, str) or not name or name in _OF_GO or "/" in name or name.endswith(".dart"):
                return None
            return [name.partition(":")[0], *rest[1:]]
    return None


def _behind_line(words: list[Possible], options: str, long: str) -> list[Possible] | None:
    """A line of shell behind an option (``-c``, ``-qec``), the line itself too (``--command=X``)."""
    pattern = re.compile(rf"-[a-zA-Z]*[{options}]")
    for index, word in enumerate(words[1:], 1):
        if not isinstance(word, str):
            continue
        if (word == long or pattern.fullmatch(word)) and len(words) > index + 1:
            return ["sh", "-c", words[index + 1]]
        if word.startswith(f"{long}="):
            return ["sh", "-c", word.partition("=")[2]]
    return None


def _locked(words: list[Possible]) -> list[Possible] | None:
    """``flock FILE -c 'X'``, ``flock FILE X``; a number alone is a file that is open (util-linux, "flock(1)")."""
    with_value, plain = PLAIN["flock"]
    rest = after_options(words[1:], with_value, Unwrapped([]))[plain:]
    if rest[:1] in (["-c"], ["--command"]) and len(rest) > 1:
        return ["sh", "-c", rest[1]]
    if any(word in {"-c", "--command"} for word in words[1 : len(words) - len(rest)]):
        return ["sh", "-c", rest[0]] if rest else None
    return rest or None


def _typed(words: list[Possible]) -> list[Possible] | None:
    """``script -c 'X'`` (util-linux, "script(1)"), ``script FILE -- X``."""
    return _behind_line(words, "c", "--command") or _behind_hyphens(words)


def _as_user(words: list[Possible]) -> list[Possible] | None:
    """``su USER -c 'X'``, ``runuser -u USER -- X``, ``sg GROUP -c 'X'`` (util-linux, "su(1)", "runuser(1)")."""
    line = _behind_line(words, "c", "--command")
    if line is not None or str(words[0]).endswith("su"):
        return line
    if "-u" in words:
        return _behind_hyphens(words) or words[words.index("-u") + 2 :] or None
    return ["sh", "-c", words[-1]] if str(words[0]).endswith("sg") and len(words) == 3 else None


def _in_nix(words: list[Possible]) -> list[Possible] | None:
    """``nix-shell --run 'X'`` (Nix reference manual, "nix-shell")."""
    at = next((index for index, word in enumerate(words) if word in {"--run", "--command"}), len(words))
    return ["sh", "-c", words[at + 1]] if len(words) > at + 1 else None


def _daemon(words: list[Possible]) -> list[Possible] | None:
    """``start-stop-daemon --start --exec X -- ARGUMENTS`` (its manual)."""
    for index, word in enumerate(words):
        if word in {"--exec", "-x", "--startas", "-a"} and len(words) > index + 1 and {"--start", "-S"} & {*words}:
            return [words[index + 1], *(_behind_hyphens(words) or [])]
    return None


_OWN: Final[Mapping[str, Callable[[list[Possible]], list[Possible] | None]]] = {
    "wait-for-it": _behind_hyphens,
    "wait-for-it.sh": _behind_hyphens,
    "sops": _with_secrets,
    "flock": _locked,
    "script": _typed,
    **dict.fromkeys(("su", "runuser", "sg", "newgrp"), _as_user),
    "nix-shell": _in_nix,
    "start-stop-daemon": _daemon,
    "coverage": _measured,
    **dict.fromkeys(("node", "nodejs"), _by_node),
    **dict.fromkeys(_TOOL_VERBS, _tool),
    "nyc": _counted,
    "c8": _counted,
}


def _split_string(words: list[Possible]) -> list[Possible]:
    """``env -S 'X Y'`` runs the words of its one text (GNU Coreutils manual, "env invocation")."""
    for index, word in enumerate(words[1:], 1):
        if not isinstance(word, str) or not word.startswith("-"):
            break
        given = (
            words[index + 1 : index + 2] if word in {"-S", "--split-string"} else [word.partition("=")[2] or word[2:]]
        )
        if word.startswith(("-S", "--split-string")) and given and isinstance(given[0], str):
            after = index + (2 if word in {"-S", "--split-string"} else 1)
            try:
                return [*words[:index], *shlex.split(given[0]), *words[after:]]
            except ValueError:
                return words
    return words


def _verb(name: str, words: list[Possible], found: Unwrapped) -> list[Possible] | None:
    """``pnpm --filter web exec X``, ``uv run X``, ``uv tool run X``."""
    before = Unwrapped([])
    rest = after_options(words[1:], _VALUES, before)
    if name == "corepack" and rest and isinstance(rest[0], str):
        rest = [rest[0].partition("@")[0], *rest[1:]]
    if name == "yarn" and rest[:1] == ["cdk"]:
        return rest
    if name == "yarn" and rest[:1] == ["workspace"] and rest[2:3] in (["exec"], ["cdk"]):
        return rest[3:] if rest[2] == "exec" else rest[2:]
    if name == "uv" and rest[:2] == ["tool", "run"]:
        rest = rest[1:]
    if not rest or rest[0] not in _VERBS[name]:
        return None
    found.folder = _below(found.folder, before.folder)
    if name == "corepack":  # `corepack pnpm@9 exec X` is `pnpm exec X`
        return rest
    if name == "nix":  # the program stands behind an option (Nix reference manual, "nix develop")
        at = next((index for index, word in enumerate(rest) if word in {"-c", "--command"}), len(rest))
        return rest[at + 1 :] or None
    inner = after_options(rest[1:], _VALUES, found)
    if name in _ONE_BEFORE:
        inner = after_options(inner[1:], frozenset(), found)
    of_package = name in _OF_PACKAGES and (rest[0] != "run" or name == "pipx" or words[1] == "tool")
    return (_package(inner) if of_package else inner) or None


def _package(words: list[Possible]) -> list[Possible]:
    """The program of a package: ``cdk`` for ``aws-cdk@2``."""
    if not words or not isinstance(words[0], str):
        return words
    written = words[0].partition("==")[0]
    scope = "@" if written.startswith("@") else ""
    name = scope + written.removeprefix("@").partition("@")[0]
    return [_PROGRAMS.get(name, name), *words[1:]]


def after_options(words: Sequence[Possible], with_value: frozenset[str], found: Unwrapped) -> list[Possible]:
    """Words from the first one on that is no option, no option's value and no variable."""
    rest = list(words)
    while rest:
        word = rest[0]
        if isinstance(word, Text) and (named := _ASSIGNMENT.fullmatch(str(word.parts[0]))) is not None:
            found.given[named[1]] = joined([named[2], Text(word.parts[1:])])
            rest = rest[1:]
            continue
        if not isinstance(word, str):
            break
        if word == "--":
            return rest[1:]
        assignment = _ASSIGNMENT.fullmatch(word)
        option, has_value, value = word.partition("=")
        if assignment:
            found.given[assignment[1]] = assignment[2]
            rest = rest[1:]
        elif word in with_value:
            if word in _FOLDERS and len(rest) > 1 and isinstance(rest[1], str):
                found.folder = _below(found.folder, rest[1])
            rest = rest[2:]
        elif word.startswith("-"):
            if has_value and option in _FOLDERS and option in with_value:
                found.folder = _below(found.folder, value)
            rest = rest[1:]
        else:
            break
    return rest


def _below(folder: str, name: str) -> str:
    return posixpath.join(folder, name) if folder or name else ""
