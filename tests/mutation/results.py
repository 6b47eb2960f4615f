"""How a run of mutants ended: by room, and which survivors nobody has explained."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

from tests.mutation.explained import Explained, explained, same

MUTANTS: Final = Path("mutants")
_KILLED: Final = ("killed", "timeout", "segfault", "caught by type check")


@dataclass(frozen=True)
class Result:
    """One mutant, and what became of it."""

    # The tool's name of it, which `mutmut show` takes.
    name: str
    file: str
    function: str
    status: str
    survived: bool

    def diff(self) -> str:
        return str(get_diff_for_mutant(self.name, path=self.file))

    def change(self) -> tuple[str, str]:
        """The lines that are different, without their indentation: as they are, and as the mutant has them."""
        lines = self.diff().splitlines()[2:]
        was, becomes = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
        return " ".join(was), " ".join(becomes)

    def is_explained_by(self, entry: Explained) -> bool:
        if (self.file, self.function) != (entry.file, entry.function):
            return False
        was, becomes = self.change()
        return same(was, entry.was) and same(becomes, entry.becomes)


def results() -> list[Result]:
    """All mutants of the last run, by file."""
    return sorted(_read(), key=lambda each: (each.file, each.name))


def _read() -> Iterator[Result]:
    for path in MUTANTS.rglob("*.meta"):
        file = path.relative_to(MUTANTS).as_posix().removesuffix(".meta")
        for name, exit_code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            function, within = orig_function_and_class_names_from_key(name)
            whole = f"{within}.{function}" if within else function
            yield Result(name, file, whole, status_by_exit_code[exit_code], _is_survivor(exit_code))


def forget_survivors() -> None:
    """Makes the tool judge again what survived: it runs the mutants without a result.

    Of a file that has changed since, nothing is kept: another share of it may be chosen, under the same numbers.
    """
    for path in MUTANTS.rglob("*.meta"):
        source = path.relative_to(MUTANTS).with_suffix("")
        if not source.exists() or source.stat().st_mtime > path.with_suffix("").stat().st_mtime:
            path.unlink()
            continue
        data = json.loads(path.read_text(encoding="utf-8"))
        codes = data["exit_code_by_key"]
        data["exit_code_by_key"] = {name: None if _is_survivor(code) else code for name, code in codes.items()}
        path.write_text(json.dumps(data), encoding="utf-8")


def _is_survivor(exit_code: int | None) -> bool:
    return status_by_exit_code[exit_code] not in (*_KILLED, "not checked")


def table(found: Sequence[Result]) -> str:
    """A line per room: how many were made, and what became of them."""
    by_room: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in found:
        for room in (Path(each.file).parent.as_posix(), "all"):
            by_room[room][each.status] += 1
    entries = explained()
    by_status = sorted({each.status for each in found})
    lines = [("room", "made", *by_status)]
    for room, counts in sorted(by_room.items(), key=lambda each: (each[0] == "all", each[0])):
        lines.append((room, str(counts.total()), *(str(counts[status]) for status in by_status)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return f"{text}\n{sum(each.survived for each in found)} survived; {len(entries)} entries explain survivors"


def unexplained(found: Sequence[Result]) -> list[Result]:
    """The survivors that no entry of ``survivors.yaml`` explains."""
    entries = explained()
    return [each for each in found if each.survived and not any(each.is_explained_by(entry) for entry in entries)]
