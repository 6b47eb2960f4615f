"""What the change at hand does to all that excuses or leaves out, against where it left the branch it goes into."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from checker import lazy_re
from checker.collect import git_history, repository
from checker.collect.config.excusing_files import BASELINE_FOLDERS, DRIFT_FILE, TRIAGE_FILES
from checker.collect.config.settings_file import FILE_NAME as SETTINGS_FILE
from checker.collect.config.settings_file import project_settings
from checker.errors import CheckerError
from checker.model.settings import Settings
from checker.waivers import Known

_BRANCH: Final = lazy_re.compile(r"[\w][\w./+@-]*")


def excuses_since_base(
    project: Path,
    settings: Settings,
    waiver_files: Sequence[str],
    findings: Known,
    environment: Mapping[str, str] = os.environ,
) -> tuple[str, ...]:
    """One line for each change to waivers, settings, exclusions, baselines and records of drift, the working tree's
    included. Empty where nothing of the kind was touched, and where there is no branch to measure a change against.
    """
    wanted = environment.get("GITHUB_BASE_REF", "")  # what a pull request is merged into
    # A fact of the clone comes before the settings: those are the change's own to write.
    branch = wanted or repository.default_branch(project)[0] or settings.default_branch
    if not branch or ".." in branch or not _BRANCH.fullmatch(branch):
        return ()
    base = git_history.merge_base(project, branch)
    if base is not None:
        found = _between(project, base, settings, waiver_files, findings)
        if found is not None:
            return tuple(found)
    # Without a request, a branch that is not here is none that a change could go into.
    if not wanted and not git_history.knows(project, branch):
        return ()
    why = f"the history that it shares with {branch} is not here"
    fix = "fetch it (fetch-depth: 0 of actions/checkout)"
    return (f"what it does to waivers, settings and exclusions is not known: {why}; {fix}",)


def _between(
    project: Path, base: str, settings: Settings, waiver_files: Sequence[str], findings: Known
) -> list[str] | None:
    named = {*waiver_files, *TRIAGE_FILES, SETTINGS_FILE, DRIFT_FILE}
    folders = {str(PurePosixPath(each).parent) for each in named} | {each for each in BASELINE_FOLDERS if each}
    folders = {each for each in folders if each != "."} | set(settings.rules)
    before = git_history.files_at(project, base, sorted(folders))
    if before is None:
        return None
    before = [each for each in before if _moves_the_bar(each.name, named, settings.rules)]
    if not _touched(project, before, named, settings.rules):
        return []
    from checker.review.excuses import excuses  # few changes touch any of this

    with tempfile.TemporaryDirectory(prefix="checker-base-") as folder:
        old = Path(folder)
        if not _written(project, before, old):
            return None
        try:
            rules = sorted(set(project_settings(old).rules) - set(settings.rules))
        except CheckerError:
            rules = []  # said below, as what cannot be read before the change
        if rules:
            more = git_history.files_at(project, base, rules)
            if more is None or not _written(project, [each for each in more if _is_below(each.name, rules)], old):
                return None
        return excuses(old, project, waiver_files, findings)


def _touched(project: Path, before: Sequence[git_history.Blob], named: set[str], rules: Sequence[str]) -> bool:
    """Whether any of the files is not what it was; without reading what they say."""
    if not all(git_history.is_as_before(project, each) for each in before):
        return True
    stored = (path for each in BASELINE_FOLDERS for path in (project / each).glob("*.json"))
    modules = (path for each in rules for path in (project / each).rglob("*.py"))
    now = {path.relative_to(project).as_posix() for path in (*stored, *modules)}
    now |= {each for each in named if (project / each).exists()}
    return not now <= {each.name for each in before}


def _moves_the_bar(name: str, named: set[str], rules: Sequence[str]) -> bool:
    folder = str(PurePosixPath(name).parent)
    stored = name.endswith(".json") and ("" if folder == "." else folder) in BASELINE_FOLDERS
    return name in named or stored or _is_below(name, rules)


def _is_below(name: str, folders: Sequence[str]) -> bool:
    return any(PurePosixPath(name).is_relative_to(each) for each in folders)


def _written(project: Path, blobs: Sequence[git_history.Blob], folder: Path) -> bool:
    held = git_history.contents(project, blobs)
    for name, content in (held or {}).items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return held is not None
