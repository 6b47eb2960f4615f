"""The project's own assembly: synthesized when what it is made from has changed, by content and never by time stamp.

Synthesizing runs the project's code, so it happens only where ``checker.toml`` names the command. What was made is
remembered by the digest of its inputs and of its output: an assembly that somebody edited by hand is made anew. That is
kept with the user, so that no change to the project can bring an assembly that passes for one made here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from checker import lazy_re
from checker.collect.kept.user_cache import keep, key_of, user_cache
from checker.collect.seen import asked, forget
from checker.errors import InputError
from checker.model.settings import Settings

FOLDER: Final = Path(".checker/cdk.out")
_MOST_STAMPS: Final = 64
TIME_LIMIT: Final = 600.0
# What the CDK command line sets for an app, so that the assembly is the one that would be deployed.
_CLI_CONTEXT: Final = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def own_assembly(project: Path, settings: Settings, say: Callable[[str], None]) -> Path:
    """The folder of the project's assembly. Raises :class:`InputError` where there is none and none can be made."""
    if not settings.synthesis_command:
        existing = project / "cdk.out"
        if existing.is_dir():
            return existing
        raise InputError(
            f"{project}: no cdk.out, and checker.toml names no synthesis command",
            "Run `cdk synth` first, or name an assembly or a template with --assembly.",
        )
    folder, stamp = project / FOLDER, _stamp(project)
    if _is_made(project, settings, folder, stamp):
        return folder
    with _one_at_a_time(folder.parent):
        if _is_made(project, settings, folder, stamp):
            return folder
        say("synthesizing …")
        inputs = _digest(_inputs(project, settings))
        _synthesize(project, settings, folder)
        if stamp is not None:
            made = {"inputs": inputs, "output": _digest(_files(folder))}
            keep(stamp, json.dumps(made).encode(), _MOST_STAMPS)
    return folder


def _is_made(project: Path, settings: Settings, folder: Path, stamp: Path | None) -> bool:
    """Whether what the folder holds was made here, from what the project is now."""
    if stamp is None or (made := _read_stamp(stamp)) is None:
        return False
    return made == {"inputs": _digest(_inputs(project, settings)), "output": _digest(_files(folder))}


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two gates that begin together do not synthesize into one folder: the second waits, and finds it made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"{folder}: cannot be made, and the project is synthesized into it: {error.strerror}"
        raise InputError(what, "Synthesize elsewhere, and name the assembly: --assembly DIR.") from None
    try:
        import fcntl
    except ImportError:
        yield
        return
    lock = folder / "synthesis.lock"
    try:  # no link is followed: it may have come with the project
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{lock}: cannot be written: {error.strerror}", "Remove it, or check the folder.") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def existing_assembly(project: Path, settings: Settings) -> Path | None:
    """The folder of an assembly that is there already, of whatever age; ``None`` where there is none. Runs nothing."""
    folders = (project / FOLDER, project / "cdk.out") if settings.synthesis_command else (project / "cdk.out",)
    return next((each for each in folders if (each / "manifest.json").is_file()), None)


def _inputs(project: Path, settings: Settings) -> Iterable[Path]:
    patterns = (
        *(settings.synthesis_inputs or ("*.py", "infra/**/*.py")),
        "cdk.json",
        "cdk.context.json",
        "checker.toml",
    )
    found = {path for pattern in patterns for path in project.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = asked(path).read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _stamp(project: Path) -> Path | None:
    """Where it stands what a project's assembly was made from; nowhere for a user without a home."""
    try:
        return user_cache("synthesis", f"{key_of(project)}.json")
    except RuntimeError:
        return None


def _read_stamp(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _synthesize(project: Path, settings: Settings, folder: Path) -> None:
    """Run the command with an empty output folder. A stale report in it would fail a clean synthesis."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable if word == "python" else word for word in settings.synthesis_command]
    if any(Path(word).name == "cdk" or word.startswith("aws-cdk@") for word in command):
        # The CDK command sets folder and context for the app by itself.
        command += ["--output", str(folder)]
        command += [word for name, value in settings.synthesis_context.items() for word in ("-c", f"{name}={value}")]
    context = {
        **_context_of(project / "cdk.json"),
        **_contexts(project / "cdk.context.json"),
        **_CLI_CONTEXT,
        **settings.synthesis_context,
    }
    environment = {**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)}
    try:
        done = subprocess.run(  # noqa: S603 - the command that the project's own checker.toml names, no shell
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
    except FileNotFoundError:
        where = settings.places.get("synthesis_command", "checker.toml:1")
        raise InputError(f"{where}: no such command: {command[0]}", "Name a program that is installed.") from None
    except subprocess.TimeoutExpired:
        raise InputError(
            f"synthesis took more than {TIME_LIMIT:g} s and was stopped", "Run it by hand to see."
        ) from None
    forget()
    if done.returncode or not (folder / "manifest.json").exists():
        said = _cause(done.stderr, done.stdout) or "it said nothing"
        if not done.returncode:
            said = f"it wrote no manifest.json into CDK_OUTDIR ({said})"
        raise InputError(
            f"synthesis failed with exit code {done.returncode}: {said}",
            f"Run `{' '.join(settings.synthesis_command)}` to see all of it.",
        )


# Lines of a stack trace and of the runtime's own talk: they say where, and never why.
_NO_CAUSE: Final = lazy_re.compile(
    r"""^\s*(?:at\s .*[:)]\d* | File\s".*",\sline\s\d+.* | Traceback\s\(.* | [\^~]+ | \.{3}.* | Node\.js\sv\S+ | \}?,?
        | Caused\sby:? | \S+:\d+(?::\d+)? | npm\s(?:ERR!|error|notice|warn).*
        | Subprocess\sexited\swith\serror\s\d+ )\s*$""",
    re.VERBOSE,
)
_ERROR: Final = lazy_re.compile(
    r"^\s*(?:[\w.$]*(?:Error|Exception|Failure)\b.{0,90}?:|\[?error\b|fatal\b|panic\b)", re.IGNORECASE
)
# What Maven and other loggers put before every line that a program prints.
_LEVEL: Final = lazy_re.compile(r"^\[(?:ERROR|WARNING|WARN|INFO|DEBUG)\][ \t]?", re.MULTILINE)
_PLACE: Final = lazy_re.compile(r"^\s*at\s|^\s+File \"")


def _cause(*outputs: str) -> str:
    """Why a program failed, from what it said: the last line that names an error, else the last that is no place.

    Of several outputs the first that names one: what stands in another may be a notice that a tool always prints.
    """
    said = [_LEVEL.sub("", output) for output in outputs]
    return next((each for each in [*map(_named, said), *map(_last, said)] if each), "")


def _lines(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.strip() and not _NO_CAUSE.match(line)]


def _named(output: str) -> str:
    """The last line that names an error; empty where none does."""
    lines = _lines(output)
    errors = [index for index, line in enumerate(lines) if _ERROR.match(line)]
    if not errors:
        return ""
    said, *after = lines[errors[-1] :]
    # "TSError: Unable to compile:" says what comes next.
    return " ".join([said.strip(), *(line.strip() for line in after[:1] if said.rstrip().endswith(":"))])


def _last(output: str) -> str:
    """The last line that is no place. Node and Java print the reason first and the places in the code after it, Python
    the other way round."""
    lines, every = _lines(output), output.splitlines()
    first_place = next((index for index, line in enumerate(every) if _PLACE.match(line)), len(every))
    before = [line for line in every[:first_place] if line in lines]
    node = any(line.lstrip().startswith("at ") for line in every)
    chosen = before if node and before else lines
    return chosen[-1].strip() if chosen else ""


def _contexts(file: Path) -> dict[str, object]:
    """The values that the CDK command has looked up and kept."""
    try:
        context = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return context if isinstance(context, dict) else {}


def _context_of(file: Path) -> dict[str, object]:
    try:
        context = json.loads(file.read_text(encoding="utf-8")).get("context", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{file.name}: cannot be read: {error}", "It must be a JSON object.") from None
    return context if isinstance(context, dict) else {}
