"""The repository's files as a job has them by now: with those that it has written in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct, field

from checker.model.sources import Problem, Spot, brief
from checker.resolve.shell.files.told import Files
from checker.resolve.shell.files.written import Written


class TaskFiles(Files, Protocol):
    """The repository's files, and what is known of its projects."""

    def packages(self) -> Mapping[str, str]: ...

    def project_files(self) -> tuple[str, ...]: ...

    def makefiles(self) -> tuple[str, ...]: ...


class Overlaid(Struct):
    """Files that a task runner reads. ``unknown``: those that were asked for, and whose text only the run knows."""

    library: TaskFiles
    written: Written
    unknown: list[str] = field(default_factory=list)

    def text(self, path: str) -> str | None:
        if not self.written.has(path, ""):
            return self.library.text(path)
        held = self.written.text(path, "")
        if isinstance(held, str):
            return held
        self.unknown.append(path)
        return self.library.text(path)

    def known(self, path: str) -> str | None:
        """The text as it is by now; ``None`` where the job has made another of it that only the run knows."""
        if not self.written.has(path, ""):
            return self.library.text(path)
        held = self.written.text(path, "")
        return held if isinstance(held, str) else None

    def changed(self, spot: Spot) -> Iterator[Problem]:
        """That files were asked for, here, whose text is not known."""
        for path in dict.fromkeys(self.unknown):
            message = f"the job has changed {path}: what it holds by then was not followed"
            yield Problem(spot, brief(message), "Keep it in the repository as it is used.")

    def is_file(self, path: str) -> bool:
        return self.library.is_file(path) or self.written.has(path, "")

    def packages(self) -> Mapping[str, str]:
        return self.library.packages()

    def project_files(self) -> tuple[str, ...]:
        return self.library.project_files()

    def makefiles(self) -> tuple[str, ...]:
        return self.library.makefiles()
