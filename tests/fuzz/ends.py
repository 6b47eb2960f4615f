"""Made-up scripts and programs around one call that fails: what becomes of each is said beforehand, and held against
the shell or Python itself, which run it with a stand-in for the call.

A pattern has ``CORE`` where what it is put around stands, with the indentation that this gets; ``ONE`` for the same as
a single command of the shell; ``AFTER`` for a statement that does nothing.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from checker.model.pipeline.scripts import AwsCall
from tests.answers import said
from tests.pipelines import trace_of

PATTERNS: Final[dict[str, list[str]]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
_SECONDS: Final = 20  # a script that takes longer hangs
_HEAD: Final = """import asyncio, contextlib, sys, threading
from concurrent.futures import ThreadPoolExecutor
import boto3
ecs = boto3.client("ecs")
"""
_STAND_IN: Final = """import os
class Client:
    def update_service(self, **given):
        open(os.environ["MET"], "w").close()
        if os.environ["FAILS"] == "1":
            raise RuntimeError("refused")
def client(name):
    return Client()
"""
_NAMES: Final = re.compile(r"\b(go|main|around|f(?=\(\)|$| \|))\b", re.MULTILINE)
_IDLE: Final = ("true", "echo hi", ":", "x=1", "[ 1 = 1 ]", "sleep 0", "Z=4")


class Find(NamedTuple):
    """A script of which something else was said than became of it."""

    script: str
    said: bool
    fails: bool


def script(seed: int) -> str:
    """Lines of bash around ``aws x``."""
    rng = random.Random(seed)
    return _around(rng, PATTERNS["shell"], rng.randint(1, 4), "aws x")


def program(seed: int) -> str:
    """A program around a call of ECS."""
    rng = random.Random(seed)
    return (
        _HEAD
        + _around(rng, PATTERNS["python"], rng.randint(1, 4), "ecs.update_service(cluster='c', service='s')")
        + "\n"
    )


def found(seed: int, folder: Path) -> Iterator[Find]:
    """What of a seed's script and program was said wrong. What is left open is no find."""
    for written, command, name in ((script(seed), ["bash", "-eo", "pipefail"], "s.sh"), (program(seed), [], "p.py")):
        here = folder / f"{seed}-{name}"
        here.mkdir()
        fails = [_fails(written, [*(command or [sys.executable]), name], here, each) for each in "01"]
        if fails[0] is not False or fails[1] is None:
            continue  # it fails in any case, or makes no call
        run, files = (written, None) if command else ("python p.py", {"p.py": written})
        (here / "repository").mkdir()
        trace = trace_of(here / "repository", run, files)
        calls = [each for each in trace.actions if isinstance(each, AwsCall)] if files else trace.commands
        ends = {said(each.handling.ends) for each in calls if isinstance(each, AwsCall) or each.program == "aws"}
        if ends in ({True}, {False}) and ends != {fails[1]}:
            yield Find(written, True in ends, fails[1])


def _around(rng: random.Random, patterns: list[str], depth: int, core: str) -> str:
    for level in range(depth):
        lines: list[str] = []
        one = core if "\n" not in core and "=" not in core.split(maxsplit=1)[0] else f"{{\n{core}\n}}"
        pattern = rng.choice(patterns).rstrip("\n").replace("AFTER", rng.choice(_IDLE))
        # Functions of one name would call one another.
        for line in _NAMES.sub(rf"\g<1>{level}", pattern).split("\n"):
            if line.strip() == "CORE":
                lines.append(textwrap.indent(core, line[: len(line) - len(line.lstrip())]))
            else:
                lines.append(line.replace("CORE", f"\n{core}\n").replace("ONE", one))
        core = "\n".join(lines)
    return core


def _fails(written: str, command: list[str], folder: Path, call: str) -> bool | None:
    """Whether a script fails where the call does (``"1"``) or not (``"0"``); ``None`` where it hangs, or makes
    none."""
    (folder / command[-1]).write_text(written, encoding="utf-8")
    (folder / "boto3.py").write_text(_STAND_IN, encoding="utf-8")
    aws = folder / "aws"
    aws.write_text('#!/bin/sh\n: > "$MET"\nexit "$FAILS"\n', encoding="utf-8")
    aws.chmod(0o755)
    met = folder / "met"
    met.unlink(missing_ok=True)
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "FAILS": call, "MET": str(met)}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode != 0 if met.exists() else None
