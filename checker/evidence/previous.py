"""The pack of the release before, as far as it can be read. What cannot is said in the new pack, and stops nothing."""

from __future__ import annotations

from pathlib import Path

from checker.errors import CheckerError, printable
from checker.evidence.contents import NO_PREVIOUS, Previous, name_runs
from checker.evidence.verify import verify
from checker.reports.json_document import parse


def read_previous(path: Path | None) -> Previous:
    """The previous pack in a file or folder; ``None`` says that there is none, which only a first release may say."""
    if path is None:
        return NO_PREVIOUS
    try:
        found = verify(path)
        if found.faults:
            return Previous("unreadable", printable("; ".join(found.faults[:3]), 300))
        runs = [
            parse(content.decode("utf-8", "surrogatepass"), name)
            for name, content in found.files.items()
            if name.startswith("runs/")
        ]
        evidence = found.evidence
        return Previous(
            "read",
            tag=str(evidence.get("tag", "")),
            commit=str(evidence.get("commit", "")),
            sha256=found.statement_sha256,
            runs=name_runs(runs),
        )
    except CheckerError as error:
        return Previous("unreadable", printable(error.message.replace(str(path), path.name), 300))
    except UnicodeDecodeError:
        return Previous("unreadable", "a run in it is not text")
