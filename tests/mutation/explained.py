"""The mutants that no test needs to notice, and why: ``survivors.yaml``, reviewed like code.

A list of entries: ``file``; ``function`` (``Class.method``); ``was``, the line or lines that the mutant changes;
``becomes``, what the mutant has there; ``why`` nothing that matters is different. White space does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

FILE: Final = Path(__file__).parent / "survivors.yaml"


@dataclass(frozen=True)
class Explained:
    """One entry."""

    file: str
    function: str
    was: str
    becomes: str
    why: str


def explained() -> list[Explained]:
    return [Explained(**each) for each in yaml.safe_load(FILE.read_text(encoding="utf-8"))]


def same(one: str, other: str) -> bool:
    return one.split() == other.split()
