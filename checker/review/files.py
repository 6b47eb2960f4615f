"""Files beside the settings that move the bar: baselines, which excuse what they hold, and the project's own rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from checker.collect.config.excusing_files import BASELINE_FOLDERS
from checker.collect.documents import read_text
from checker.compare import compare
from checker.errors import CheckerError
from checker.model.verdicts import Outcome, Run
from checker.reports.json_document import SCHEMA, parse

_HEAD: Final = 4096
_MOST_NAMED: Final = 10
_EXCUSED: Final = (Outcome.FAIL, Outcome.UNKNOWN)


def baselines(base: Path, head: Path) -> Iterator[str]:
    """What stored runs in the repository excuse now and did not before, and the other way round."""
    for name in sorted({*_stored(base), *_stored(head)}):
        try:
            before, after = _content(base / name), _content(head / name)
            if before == after:
                continue
            was = parse(before, name) if before is not None else None
            now = parse(after, name) if after is not None else None
        except CheckerError as error:
            yield f"baseline {name} was changed, and cannot be read: {error.message}"
            continue
        if now is None:
            yield f"baseline removed: {name}"
        elif was is None:
            yield f"baseline added: {name} excuses {_counted(now)}"
        else:
            yield from _changed(name, was, now)


def _changed(name: str, was: Run, now: Run) -> Iterator[str]:
    difference = compare(was, now)
    excused = [each.id + f" {each.subject.construct_path or each.subject.name}" for each in difference.new]
    excused += [
        f"{after.id} {after.subject.construct_path or after.subject.name} (undecided)"
        for _, after in difference.changed
        if after is not None and after.outcome is Outcome.UNKNOWN
    ]
    unread = {(each.what, each.why) for each in was.coverage.unread}
    excused += [f"{each.what}, not read" for each in now.coverage.unread if (each.what, each.why) not in unread]
    for each in excused[:_MOST_NAMED]:
        yield f"baseline {name} excuses now: {each}"
    if len(excused) > _MOST_NAMED:
        yield f"baseline {name} excuses now: {len(excused) - _MOST_NAMED} more"
    if difference.fixed:
        yield f"baseline {name} excuses no longer: {len(difference.fixed)} that are fixed"
    if not excused and not difference.fixed:
        yield f"baseline {name} was changed; it excuses {_counted(now)}"


def _counted(run: Run) -> str:
    count = Counter(each.outcome for each in run.verdicts)
    failures, unknown = (count[each] for each in _EXCUSED)
    return f"{failures} failures, {unknown} that cannot be decided and {len(run.coverage.unread)} not read"


def _stored(project: Path) -> Iterator[str]:
    """The run documents of a checkout, by what stands at their beginning."""
    for folder in BASELINE_FOLDERS:
        for path in sorted((project / folder).glob("*.json")):
            try:
                with path.open("rb") as file:
                    if SCHEMA.encode() in file.read(_HEAD):
                        yield path.relative_to(project).as_posix()
            except OSError:
                continue


def _content(path: Path) -> str | None:
    if not path.is_file():
        return None
    return read_text(path, path.name)


def own_rules(base: Path, head: Path, folders: Sequence[str]) -> Iterator[str]:
    """Each module in the folders that ``rules`` names: what it judges changes with its code."""
    for folder in folders:
        names = {
            path.relative_to(project).as_posix()
            for project in (base, head)
            if (project / folder).resolve().is_relative_to(project.resolve())
            for path in (project / folder).rglob("*.py")
        }
        for name in sorted(names):
            before, after = (
                (project / name).read_bytes() if (project / name).is_file() else None for project in (base, head)
            )
            if before != after:
                verb = "added" if before is None else "removed" if after is None else "changed"
                yield f"own rule {verb}: {name}"
