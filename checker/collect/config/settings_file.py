"""Reads ``checker.toml``, what a project says because it cannot be discovered. Everything in it is optional.

:data:`KEYS` is the one table of what may stand in it: the reader validates with it, and docs/checker-toml.md is held to
it by a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checker.collect.config.data_files import is_there, nearest, read_config, unseen
from checker.collect.seen import asked
from checker.errors import ConfigError
from checker.model.settings import EnvironmentSettings, Settings, SubjectForm
from checker.model.verdicts import Unread

FILE_NAME: Final = "checker.toml"
KINDS: Final = ("production", "staging", "shared", "other")


class _FaultError(Exception):
    """What is wrong with a value, and what would be right; ``inner`` is the key of a table that holds the fault."""

    def __init__(self, wrong: str, hint: str, inner: str = "") -> None:
        super().__init__(wrong)
        self.wrong, self.hint, self.inner = wrong, hint, inner


def load_settings(path: Path, shown: str = FILE_NAME) -> Settings:
    """The settings of a file. Raises :class:`ConfigError` with file and line."""
    return parse_settings(read_config(path, shown), shown)


def project_settings(project: Path) -> Settings:
    """The settings of the project in this folder: those of its ``checker.toml``, or the defaults where it has none."""
    return load_settings(project / FILE_NAME) if is_there(project, FILE_NAME) else Settings()


def missing_folders(project: Path, settings: Settings) -> list[Unread]:
    """The folders that the settings name and that are not there: their scripts and migrations would be missed."""
    named = {"script_folders": settings.script_folders, "migration_folders": settings.migration_folders}
    return [
        Unread(f"{settings.places.get(f'{key}.{folder}', FILE_NAME + ':1')}: {key}", f"there is no folder {folder}")
        for key, folders in named.items()
        for folder in folders
        if not asked(project / folder).exists()
    ]


def parse_settings(text: str, shown: str = FILE_NAME) -> Settings:
    """The settings from TOML text. ``shown`` is the file's name in errors."""
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # tomllib ends its message with "(at line 3, column 7)" or "(at end of document)".
        message, _, place = str(error).rpartition(" (at ")
        found = re.match(r"line (\d+)", place)
        line = int(found[1]) if found else len(text.splitlines()) or 1
        raise ConfigError(f"{shown}:{line}: not valid TOML: {message}", "Fix that line, or the one above it.") from None
    except RecursionError:
        raise ConfigError(f"{shown}: nested too deeply to be settings", "Is this the file you meant?") from None
    fields: dict[str, Any] = {}
    for name, value in document.items():
        where = f"{shown}:{_line_of(text, name)}"
        read = KEYS.get(name)
        if read is None:
            raise ConfigError(f"{where}: no key {name!r}", nearest(name, KEYS))
        try:
            fields[name] = read(value)
        except _FaultError as fault:
            where = f"{shown}:{_line_of(text, name, fault.inner)}"
            raise ConfigError(f"{where}: {name} {fault.wrong}", fault.hint) from None
    if "default_branch" in fields and "protected_refs" not in fields:
        fields["protected_refs"] = (f"refs/heads/{fields['default_branch']}", *Settings().protected_refs[1:])
    _spread(fields)
    places = {
        f"{name}.{inner}": f"{shown}:{_line_of(text, name, inner)}"
        for name, value in document.items()
        for inner in _names_in(value)
    }
    settings = Settings(**fields, places=places, has_bootstrap="bootstrap_tags" in fields)
    if settings.subject_form is SubjectForm.IMMUTABLE and not (settings.owner_id and settings.repository_id):
        where = f"{shown}:{_line_of(text, 'subject_form')}"
        raise ConfigError(
            f"{where}: the immutable subject form needs owner_id and repository_id",
            "Both are numbers: gh api repos/OWNER/REPO shows them as owner.id and id.",
        )
    return settings


def _names_in(value: Any) -> Iterator[str]:
    """The names that a value has: its keys and those of the tables in it, and the texts of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if isinstance(inner, dict):
                yield from _names_in(inner)
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _line_of(text: str, name: str, inner: str = "") -> int:
    """The line of a top-level key or of its table's heading, or of ``inner`` below that. ``tomllib`` keeps no lines."""
    lines = text.splitlines()
    at = _first(lines, 0, rf"(?:{_word(name)}[=.]|\[+\s*{_word(name)}[\].])")
    heading = rf"\[+\s*{_word(name)}\.\s*{_word(inner)}[\].]"
    found = _first(lines, at or 0, rf"(?:(?:\S*\.)?{_word(inner)}=|{heading})") if inner else None
    return 1 + next((index for index in (found, at) if index is not None), 0)


def _first(lines: Sequence[str], start: int, pattern: str) -> int | None:
    begins = re.compile(r"\s*" + pattern)
    return next((index for index in range(start, len(lines)) if begins.match(lines[index])), None)


def _word(name: str) -> str:
    return rf"""["']?{re.escape(name)}["']?\s*"""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _FaultError("is not text", 'Write it in quotes: "…".')
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise _FaultError("is not a list of texts", 'Write ["…", "…"].')
    return tuple(value)


def _some_texts(value: Any) -> tuple[str, ...]:
    texts = _texts(value)
    if not texts:
        raise _FaultError("is empty", "Name at least one, or leave the key out.")
    return texts


def _repository(value: Any) -> str:
    name = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", name):
        raise _FaultError(f"is {name!r}", 'Write it as "OWNER/REPO".')
    return name


def _subject_form(value: Any) -> SubjectForm:
    if value not in list(SubjectForm):
        raise _FaultError(f"is {value!r}", f"One of {', '.join(SubjectForm)}.")
    return SubjectForm(value)


def _github_id(value: Any) -> str:
    """GitHub's numeric ids, as a number or as text."""
    if isinstance(value, bool) or not re.fullmatch(r"[1-9]\d*", str(value)):
        raise _FaultError(f"is {value!r}", "GitHub's id is a number: gh api repos/OWNER/REPO shows it.")
    return str(value)


def _refs(value: Any) -> tuple[str, ...]:
    refs = _some_texts(value)
    for ref in refs:
        if not ref.startswith(("refs/heads/", "refs/tags/")):
            raise _FaultError(f"holds {ref!r}", "Write refs in full: refs/heads/main, refs/tags/v*.")
    return refs


def _folders(value: Any) -> tuple[str, ...]:
    """Folders below the project: a path that leaves it would read what nobody meant to be judged."""
    folders = _texts(value)
    for folder in folders:
        if Path(folder).is_absolute() or ".." in Path(folder).parts:
            raise _FaultError(f"holds {folder!r}", "Name folders below the project.")
    return folders


def _exclusions(value: Any) -> Mapping[str, str]:
    """Path or pattern -> the reason for which it is left out."""
    table = _table_of_text(value)
    _folders(list(table))
    for name, reason in table.items():
        if unseen(reason) or not any(map(str.isalnum, reason)):
            raise _FaultError(f"gives {name} no reason that can be read", "Write it in words.", name)
    return table


def _table_of_text(value: Any) -> Mapping[str, str]:
    hint = 'Write NAME = "…" below its heading.'
    if not isinstance(value, dict):
        raise _FaultError("is not a table", hint)
    for name, each in value.items():
        if not isinstance(each, str) or not each.strip():
            raise _FaultError(f"gives {name} no text", hint, name)
    return dict(value)


def _kinds(value: Any) -> Mapping[str, str]:
    kinds = _table_of_text(value)
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise _FaultError(f"says {kind!r} of {name}", nearest(kind, KINDS), name)
    return kinds


def _parameters(value: Any) -> Mapping[str, Mapping[str, str]]:
    """Stack -> parameter -> value, as text: CloudFormation takes nothing else."""
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise _FaultError("is not a table per stack", 'Write [parameters.STACK], and NAME = "value" below it.')
    for stack, parameters in value.items():
        for name, each in parameters.items():
            if not isinstance(each, str | int | float | bool):
                raise _FaultError(f"gives {stack}.{name} no plain value", "A list is text with commas.", name)
    return {stack: {name: _plain(each) for name, each in parameters.items()} for stack, parameters in value.items()}


def _environments(value: Any) -> Mapping[str, EnvironmentSettings]:
    """Environment -> what is said of it."""
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise _FaultError("is not a table per environment", "Write [environments.NAME], and its keys below it.")
    found = {}
    for name, table in value.items():
        read: dict[str, Any] = {}
        for key, each in table.items():
            if key not in _ENVIRONMENT_KEYS:
                raise _FaultError(f"has no key {key!r} of {name}", nearest(key, _ENVIRONMENT_KEYS), key)
            try:
                read[key] = _ENVIRONMENT_KEYS[key](each)
            except _FaultError as fault:
                raise _FaultError(f"says of {name}: {key} {fault.wrong}", fault.hint, key) from None
        found[name] = EnvironmentSettings(**read)
    return found


def _kind(value: Any) -> str:
    if value not in KINDS:
        raise _FaultError(f"is {value!r}", nearest(str(value), KINDS))
    return str(value)


def _account(value: Any) -> str:
    if not re.fullmatch(r"\d{12}", str(value)):
        raise _FaultError(f"is {value!r}", "Twelve digits, in quotes.")
    return str(value)


def _region(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2}(?:-[a-z]+)+-\d", value):
        raise _FaultError(f"is {value!r}", 'A region\'s name, as "eu-west-1".')
    return value


def _values(value: Any) -> Mapping[str, str]:
    return _parameters({"parameters": value})["parameters"]


_ENVIRONMENT_KEYS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kind": _kind,
    "stacks": _texts,
    "account": _account,
    "region": _region,
    "parameters": _values,
}


def _spread(fields: dict[str, Any]) -> None:
    """Put what is said of each environment where everybody looks for it: its kind, and the stacks that are its own."""
    environments: Mapping[str, EnvironmentSettings] = fields.get("environments", {})
    kinds = {name: each.kind for name, each in environments.items() if each.kind}
    owners: dict[str, list[str]] = {}
    for name, each in environments.items():
        for stack in each.stacks:
            owners.setdefault(stack, []).append(name)
    if kinds:
        fields["environment_kinds"] = {**kinds, **fields.get("environment_kinds", {})}
    if owners:
        alone = {stack: names[0] for stack, names in owners.items() if len(names) == 1}
        fields["stacks"] = {**alone, **fields.get("stacks", {})}


def _plain(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 730:
        raise _FaultError(f"is {value!r}", "A number of days from 1 to 730.")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 600:
        raise _FaultError(f"is {value!r}", "A number of seconds from 0.1 to 600.")
    return float(value)


# Key -> what validates and converts its value; each fills the field of Settings of the same name. In the order of the
# documentation: who deploys, what is deployed, images, where to look, limits.
KEYS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "repository": _repository,
    "subject_form": _subject_form,
    "owner_id": _github_id,
    "repository_id": _github_id,
    "default_branch": _text,
    "protected_refs": _refs,
    "github_environments": _texts,
    "stacks": _table_of_text,
    "environment_kinds": _kinds,
    "parameters": _parameters,
    "environments": _environments,
    "account": _account,
    "region": _region,
    "synthesis_command": _texts,
    "synthesis_inputs": _folders,
    "synthesis_context": _table_of_text,
    "exclude": _exclusions,
    "bootstrap_tags": _texts,
    "release_tag_patterns": _texts,
    "script_folders": _folders,
    "migration_folders": _folders,
    "rules": _folders,
    "max_waiver_days": _days,
    "rule_seconds": _seconds,
}
