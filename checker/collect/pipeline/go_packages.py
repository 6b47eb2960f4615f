"""The Go files that a pattern of packages means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MAX_FILES: Final = 2_000
_LEFT_OUT: Final = frozenset({"vendor", "testdata", "node_modules"})


def go_files(root: Path, pattern: str) -> tuple[str, ...] | None:
    """The paths below ``root`` of the files of ``pattern``: a folder, or ``folder/...`` with those below it. ``None``
    where there are too many.

    Of ``...`` are left out what Go leaves out (``go help packages``: ``vendor``, ``testdata``, what begins with a dot
    or an underscore) and other modules (Go Modules Reference, "Modules, packages, and versions").
    """
    folder = pattern.removesuffix("...").strip("/")
    top = root / folder
    found: list[str] = []
    for here, folders, names in os.walk(top):
        found.extend(f"{here}/{name}" for name in names if name.endswith(".go"))
        if len(found) > MAX_FILES:
            return None
        kept = [name for name in folders if name not in _LEFT_OUT and not name.startswith((".", "_"))]
        deeper = pattern.endswith("...")
        folders[:] = sorted(name for name in kept if deeper and not Path(here, name, "go.mod").is_file())
    return tuple(sorted(Path(each).relative_to(root).as_posix() for each in found))
