"""Whole processes, measured by the operating system's own accounting of each finished one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Sample:
    """CPU and wall seconds, peak memory in MiB (the largest single process), and how it ended."""

    cpu: float
    wall: float
    peak: float
    code: int


def once(command: Sequence[str], cwd: Path) -> Sample:
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    return Sample(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, process.returncode)


def in_turn(commands: Mapping[str, Sequence[str]], cwd: Path, runs: int) -> dict[str, list[Sample]]:
    """Each command once to warm up, then all in turn ``runs`` times, so that drift hits them alike."""
    for command in commands.values():
        once(command, cwd)
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            samples[name].append(once(command, cwd))
    return samples


def row(name: str, samples: Sequence[Sample], against: Sequence[Sample] | None = None) -> str:
    cpu, wall, peak = (median(getattr(each, key) for each in samples) for key in ("cpu", "wall", "peak"))
    ratio = ""
    if against is not None:
        pairs = [theirs.cpu / ours.cpu for theirs, ours in zip(samples, against, strict=True)]
        ratio = f"{median(pairs):8.1f}x (min {min(pairs):.1f}x)"
    codes = "/".join(map(str, sorted({each.code for each in samples})))
    return f"{name:28} cpu {cpu:8.3f} s  wall {wall:8.3f} s  peak {peak:7.1f} MiB  exit {codes:4} {ratio}"
