"""Runs scanners side by side, each a process with a deadline; an answer is kept until its subject changes.

A scanner starts in an empty folder: the configuration that cfn-lint and checkov take from where they are called may
name code to run, and nothing of the judged project runs. Answers are kept with the user, not with the project, which
could bring answers of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import to_builtins
from msgspec.structs import replace

from checker.collect.kept.user_cache import keep, user_cache
from checker.errors import install_with, printable
from checker.model.shown.secret_text import without_secrets
from checker.model.verdicts import Severity, Unread
from checker.scanners.tools import Answer, Result, Tool, parse

_MOST_KEPT: Final = 200
_MOST_OUTPUT: Final = 64 * 1024 * 1024


def run(tools: Sequence[Tool], files: Mapping[str, Sequence[Path]], project: Path, seconds: float) -> list[Answer]:
    """Every scanner on the files of its kind, in the order of ``tools``."""
    with ThreadPoolExecutor(max(1, len(tools))) as pool:
        return list(pool.map(lambda tool: _one(tool, sorted(files.get(tool.reads, ())), project, seconds), tools))


def _one(tool: Tool, files: Sequence[Path], project: Path, seconds: float) -> Answer:
    if not files:
        return Answer(tool.name)
    program = _program(tool.name)
    if program is None:
        return _none(tool, "it is not installed", install_with("scanners"))
    key = _key(tool, program, files, project)
    kept = user_cache("scanners", f"{tool.name}-{key}.json")
    if (stored := _stored(kept)) is not None:
        return Answer(tool.name, stored, cached=True, files=len(files))
    words = [word for file in files for word in ((tool.before_each, str(file)) if tool.before_each else (str(file),))]
    try:
        with TemporaryDirectory() as nowhere:
            code, out, err = _process([program, *tool.arguments, *words], nowhere, seconds)
            here = Path(nowhere)
    except subprocess.TimeoutExpired:
        return _none(tool, f"it gave no answer within {seconds:g} s, and was stopped", "a longer --scanner-seconds")
    except OSError as error:
        return _none(tool, f"it cannot be started: {error.strerror or error}")
    if code not in tool.answers:
        said = printable(" ".join((err or out).split())[-200:])
        return _none(tool, f"it ended with exit code {code}: {said or 'it said nothing'}")
    try:
        results = tuple(_kept(each, here) for each in parse(tool, out or "[]"))
    except ValueError as error:
        return _none(tool, f"it said what is no answer: {printable(str(error), 200)}")
    keep(kept, json.dumps(to_builtins(results)).encode(), _MOST_KEPT)
    return Answer(tool.name, results, files=len(files))


def _kept(result: Result, here: Path) -> Result:
    """With its whole path. What it quotes may be a secret, and answers are kept."""
    message, fix = without_secrets(result.message), without_secrets(result.fix)
    return replace(result, file=str((here / result.file).resolve()), message=message, fix=fix)


def _none(tool: Tool, why: str, needs: str = "") -> Answer:
    return Answer(tool.name, unread=Unread(f"scanner {tool.name}", why, needs))


def _program(name: str) -> str | None:
    """Beside the interpreter that runs us, else on the path; never one of the judged project's own."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)


def _process(command: Sequence[str], folder: str, seconds: float) -> tuple[int, str, str]:
    """Run it in a session of its own, so that what it starts ends with it."""
    # actionlint asks a shellcheck on the path about scripts in workflows: the one that is installed beside it.
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environ = {**os.environ, "PATH": path, "LOG_LEVEL": "ERROR", "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(  # noqa: S603 - one of the known programs, no shell
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    return process.returncode, out[:_MOST_OUTPUT], err


def _key(tool: Tool, program: str, files: Sequence[Path], project: Path) -> str:
    """Of all that an answer depends on: the program, how it is called, its configuration, the files' contents."""
    digest = hashlib.sha256()
    state = Path(program).stat()
    digest.update(f"{program}\0{state.st_size}\0{state.st_mtime_ns}\0{_version(tool.name)}\0".encode())
    digest.update("\0".join(tool.arguments).encode())
    for file in (*files, *(project / name for name in tool.configuration)):
        content = file.read_bytes() if file.is_file() else b""
        digest.update(f"\0{file}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def _version(name: str) -> str:
    """A script of Python's looks the same in every version of its package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _stored(file: Path) -> tuple[Result, ...] | None:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return tuple(
            Result(**{**each, "severity": Severity(each["severity"]), "also": tuple(each["also"])}) for each in data
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
