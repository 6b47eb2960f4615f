"""``docker compose run`` and ``up``: the image and the command of each service that they start, as ``docker run`` would
have them.

Source: Docker documentation, "docker compose run", "docker compose up" and "Compose file reference", ``command``,
``entrypoint``, ``image``, ``depends_on``, ``profiles``.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.possible import Possible, open_text
from checker.resolve.tasks.recipes import TaskLibrary, joined_path

# In the order in which compose looks for them.
_FILES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_FILE_OPTIONS: Final = frozenset({"-f", "--file"})
# Options of `compose` and of `run` that take a value of their own.
_VALUES: Final = frozenset(
    {"-p", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi", "--parallel", "--progress",
     "-e", "--env", "--env-from-file", "-l", "--label", "--name", "--publish", "-u", "--user", "-v", "--volume",
     "-w", "--workdir", "--cap-add", "--cap-drop", "--pull", "--exit-code-from", "--attach", "--no-attach", "--scale",
     "-t", "--timeout", "--wait-timeout"}
)  # fmt: skip
# Options with which `up` fails where one, or any, of what it starts does.
_ONE: Final = "--exit-code-from"
_ANY: Final = "--abort-on-container-failure"
_REPLACES: Final = "--entrypoint"


def started(
    words: Sequence[Possible], folder: str | None, library: TaskLibrary
) -> tuple[tuple[Possible, ...], ...] | None:
    """``docker run IMAGE COMMAND`` of each container; ``None`` for anything but a start of services that a file of the
    repository has, and where it cannot be told what they run, or whether the command fails where they do."""
    found = _taken_apart(words)
    if found is None or folder is None:
        return None
    if found.verb == "run":
        one = _run_words(found, folder, library)
        return None if one is None else (one,)
    read = [_services(each, library) for each in _paths(found.files, folder, library)]
    names = _started_names(found, [each for each in read if each is not None])
    each = [_run_words(replace(found, names=(name,), given=()), folder, library, bare=True) for name in names]
    # Whether what a container ends with is the command's own status. Of an image's own program that is no matter.
    told = _told_of(words, names)
    for name in names:
        declared = _service(found.files, name, folder, library) or {}
        if name not in told and (declared.get("command") or declared.get("entrypoint")):
            return None
    return None if None in (*read, *each) else tuple(one for one in each if one is not None)


def _told_of(words: Sequence[Possible], names: Sequence[str]) -> Collection[str]:
    """The services whose failure is that of ``up``."""
    if _ANY in words:
        return names
    return {str(one) for before, word in pairwise(words) for one in _of(_ONE, before, word)}


def _of(option: str, before: Possible, word: Possible) -> Iterator[Possible]:
    if before == option:
        yield word
    elif isinstance(word, str) and word.startswith(f"{option}="):
        yield word.partition("=")[2]


def _started_names(asked: _Asked, files: Sequence[Mapping[str, Any]]) -> list[str]:
    """The services that ``up`` starts: those that it names, else all that no profile holds back; and what they need."""
    each_of = [(name, each if isinstance(each, dict) else {}) for services in files for name, each in services.items()]
    held = {name for name, each in each_of if each.get("profiles") and not asked.profiled}
    pending = list(asked.names) or [name for name, _ in each_of if name not in held]
    found: dict[str, None] = {}
    while pending:
        name = pending.pop(0)
        if name not in found:
            found[name] = None
            pending.extend(str(need) for of, each in each_of if of == name for need in each.get("depends_on") or ())
    return list(found)


def _run_words(asked: _Asked, folder: str, library: TaskLibrary, *, bare: bool = False) -> tuple[Possible, ...] | None:
    """The image of a service that is built here is open: what is inside is not known, what it is told to do is.
    ``bare``: an image's own program alone will do."""
    service, given, replaced = asked.names[0], asked.given, asked.replaced
    declared = _service(asked.files, service, folder, library)
    if declared is None:
        return None
    command = given or _command(declared.get("command"))
    entry = declared.get("entrypoint") if replaced is None else replaced
    program: tuple[Possible, ...] = ()
    if entry is not None:
        # What takes the place of the image's own program takes that of its command too. Of an emptied one that is all.
        own = () if entry in ("", []) else _command(entry)
        if own is None or not (*own, *(command or ())):
            return None
        program = (*own, *(command or ()))
    elif command is None and not bare:
        return None
    image = declared.get("image") if "build" not in declared else None
    return (
        "docker",
        "run",
        *asked.options,
        *_handed_in(declared),
        *(("--entrypoint", program[0]) if program else ()),
        image if isinstance(image, str) else open_text(f"the image of {service}"),
        *(program[1:] if program else command or ()),
    )


def _handed_in(service: Mapping[str, Any]) -> Iterator[str]:
    """What a service's container is given of the job's, as options of ``docker run``: variables, files, folders."""
    for each in _listed(service.get("environment")):
        # A variable of compose's own environment, `$NAME`, is the job's.
        yield "--env=" + _VARIABLE.sub(r"${\1}", str(each))
    for each in _listed(service.get("env_file")):
        yield f"--env-file={each.get('path', '') if isinstance(each, dict) else each}"
    for each in _listed(service.get("volumes")):
        yield f"--volume={each.get('source', '') if isinstance(each, dict) else each}"


def _listed(value: Any) -> list[Any]:
    """What compose takes as a list, as one thing, or (variables) as a mapping."""
    if isinstance(value, dict) and "path" not in value:
        return [name if each is None else f"{name}={each}" for name, each in value.items()]
    return value if isinstance(value, list) else [] if value is None else [value]


_ADDED: Final = ("environment", "env_file", "volumes")  # what a later file adds to
_VARIABLE: Final = lazy_re.compile(r"\$(\w+)")


class _Asked(Struct, frozen=True):
    """The compose files, the services, the command behind one, the options of ``run``, and the program that it is told
    to start in place of the image's."""

    verb: str
    files: tuple[str, ...]
    names: tuple[str, ...]
    given: tuple[Possible, ...] = ()
    options: tuple[Possible, ...] = ()
    replaced: str | None = None
    profiled: bool = False


def _taken_apart(words: Sequence[Possible]) -> _Asked | None:
    if not words or not isinstance(words[0], str):
        return None
    name = words[0].rpartition("/")[2]
    index = 1 if name in {"docker-compose", "podman-compose"} else 2
    if index == 2 and (len(words) < 2 or words[1] != "compose"):
        return None
    files: list[str] = []
    options: list[Possible] = []
    verb, replaced, profiled = "", None, False
    names: list[str] = []
    while index < len(words):
        word = words[index]
        index += 1
        if not isinstance(word, str):
            return None
        if word.startswith("-"):
            option, has_value, value = word.partition("=")
            taken: Possible = value
            if not has_value and (option in _VALUES or option in _FILE_OPTIONS or option == _REPLACES):
                taken = words[index] if index < len(words) else ""
                index += 1
            profiled = profiled or option == "--profile"
            if option == _REPLACES:
                if not verb or not isinstance(taken, str):
                    return None
                replaced = taken
            elif option in _FILE_OPTIONS and not verb:
                if not isinstance(taken, str):
                    return None
                files.append(taken)
            elif verb == "run":
                options += [word] if has_value or option not in _VALUES else [word, taken]
        elif not verb:
            if word not in {"run", "up"}:
                return None
            verb = word
        else:
            names.append(word)
            if verb == "run":
                return _Asked(verb, tuple(files), (word,), tuple(words[index:]), tuple(options), replaced)
    return _Asked(verb, tuple(files), tuple(names), profiled=profiled) if verb == "up" else None


def _paths(files: Sequence[str], folder: str, library: TaskLibrary) -> list[str]:
    """Those that are named, else the first that there is, with what is laid over it (Docker documentation, "Merge")."""
    at = [posixpath.normpath(joined_path(folder, each)) for each in files or _FILES]
    if files:
        return at
    first = next((each for each in at if library.is_file(each)), "")
    stem = posixpath.join(posixpath.dirname(first), posixpath.basename(first).partition(".")[0])
    over = [each for each in (f"{stem}.override.yaml", f"{stem}.override.yml") if library.is_file(each)]
    return [first, *over[:1]] if first else []


def _services(path: str, library: TaskLibrary) -> dict[str, Any] | None:
    """What a file declares; ``None`` where it is not there, or includes others, whose services are started too."""
    read = _read(path, library)
    services = read.get("services")
    return services if isinstance(services, dict) and "include" not in read else None


def _service(files: Sequence[str], name: str, folder: str, library: TaskLibrary) -> dict[str, Any] | None:
    """A service as the files declare it, later ones over earlier ones."""
    found: dict[str, Any] | None = None
    for path in _paths(files, folder, library):
        services = _read(path, library).get("services")
        declared = services.get(name) if isinstance(services, dict) else None
        if isinstance(declared, dict):
            before = found or {}
            both = {key: [*_listed(before.get(key)), *_listed(declared.get(key))] for key in _ADDED}
            found = {**before, **declared, **both}
    return None if found is None or "extends" in found else found


def _read(path: str, library: TaskLibrary) -> dict[str, Any]:
    import yaml

    text = library.text(path)
    try:
        data = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if text else {}  # noqa: S506 - a safe one
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _command(value: object) -> tuple[str, ...] | None:
    """The words of a service's command; ``None`` where the image's own is run."""
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value)) or None
        except ValueError:
            return None
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return tuple(value)
    return None
