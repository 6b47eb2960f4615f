"""What ``checker.toml`` leaves out of judging: paths and patterns below the project, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import Struct, field


class Exclusions(Struct):
    """The exclusions of a project, and which of them have left something out so far."""

    patterns: Mapping[str, str] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)

    def pattern_of(self, inner: Path) -> str | None:
        """The pattern that leaves a path below the root out, by itself or with a folder above it."""
        names = [each.as_posix() for each in (inner, *inner.parents[:-1])]
        return next(
            (each for each in self.patterns if any(fnmatchcase(name, each.rstrip("/")) for name in names)), None
        )

    def use(self, pattern: str) -> None:
        self.used[pattern] = self.patterns[pattern]

    def leave_out(self, inner: Path) -> bool:
        """Whether a file that would be judged is left out; remembers by what."""
        pattern = self.pattern_of(inner) if self.patterns else None
        if pattern is not None:
            self.use(pattern)
        return pattern is not None
