"""Recorded assemblies, each one file here: a folder of them would be taken for this repository's own."""

from __future__ import annotations

import json
from pathlib import Path

_RECORDED = Path(__file__).with_name("recorded")


def lay(name: str, folder: Path = Path("cdk.out")) -> None:
    """Write the files of a recorded assembly into ``folder``."""
    for path, content in json.loads((_RECORDED / f"{name}.json").read_text(encoding="utf-8")).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
