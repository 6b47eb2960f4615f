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
from typing import Any, Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.possible import Possible, joined, open_text
from checker.resolve.tasks.recipes import TaskLibrary, joined_path

# In the order in which compose looks for them.
_FILES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_FILE_OPTIONS: Final = frozenset({"-f", "--file"})
# Options of `compose` and of `run` that take a value of their own.
_VALUES: Final = frozenset(
    {"-p", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi", "--parallel", "--progress",
     "-e", "--env", "--env-from-file", "-l", "--label", "--name", "--publish", "-u", "--user", "-v", "--volume",
     "-w", "--workdir", "--cap-add", "--cap-drop", "--pull", "--exit-code-from", "--attach", "--no-attach", "--scale",
     "-t", "--timeout", "--wait-timeout", "--build-arg", "--builder", "-m", "--memory", "--ssh"}
)  # fmt: skip
# Options with which `up` fails where one, or any, of what it starts does.
_ONE: Final = "--exit-code-from"
_ANY: Final = "--abort-on-container-failure"
_REPLACES: Final = "--entrypoint"


_STARTING: Final = frozenset({"run", "up"})
_PUSHING: Final = frozenset({"push", "build"})


class Files(Protocol):
    """The repository's files, as text."""

    def text(self, path: str) -> str | None: ...
    def is_file(self, path: str) -> bool: ...


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


def pushed(
    words: Sequence[Possible], folder: str | None, library: Files, variables: Mapping[str, Possible]
) -> list[Possible] | None:
    """The images that ``push``, or ``build --push``, puts into registries: of services that are built, the name that
    each is given. ``None`` for anything else, and where that cannot be told.

    Source: Docker documentation, "docker compose push" and "Interpolation".
    """
    found = _taken_apart(words, _PUSHING)
    if found is None or folder is None or (found.verb == "build" and "--push" not in words):
        return None
    read = [_services(each, library) for each in _paths(found.files, folder, library)]
    if not read or None in read:
        return None
    images: list[Possible] = []
    told: dict[str, Possible] = {**_written_down(joined_path(folder, ".env"), library), **variables}
    for name in found.names or _started_names(found, [each for each in read if each is not None]):
        declared = _service(found.files, name, folder, library)
        build = declared.get("build") if declared is not None else None
        if declared is None or (build is not None and not isinstance(build, str | dict)):
            return None
        tags = build.get("tags", []) if isinstance(build, dict) else []
        named = [declared.get("image"), *(tags if isinstance(tags, list) else [])] if build is not None else []
        images += [_interpolated(each, told) for each in named if isinstance(each, str)]
    return images


def _written_down(path: str, library: Files) -> dict[str, Possible]:
    """The variables of the file that compose reads beside its own (Docker documentation, ".env file syntax")."""
    lines = (
        each.strip().removeprefix("export ") for each in (library.text(posixpath.normpath(path)) or "").splitlines()
    )
    pairs = (each.partition("=") for each in lines if "=" in each and not each.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


_PLACE: Final = lazy_re.compile(r"\$(?:\$|(\w+)|\{(\w+)(?:(:?[-?+])([^{}]*))?\})")


def _interpolated(value: str, variables: Mapping[str, Possible]) -> Possible:
    parts: list[Possible] = []
    at = 0
    for match in _PLACE.finditer(value):
        name, how, other = match[1] or match[2], match[3] or "", match[4]
        given = variables.get(name or "")
        if given is None and how.endswith("-") and not name.startswith(("GITHUB_", "RUNNER_")):
            given = other
        put: Possible = "$" if name is None else given if given is not None else open_text(f"${{{name}}}")
        parts += [value[at : match.start()], put if not how.endswith("+") else open_text(match[0])]
        at = match.end()
    return joined([*parts, value[at:]])


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


def _taken_apart(words: Sequence[Possible], verbs: Collection[str] = _STARTING) -> _Asked | None:
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
            if word not in verbs:
                return None
            verb = word
        else:
            names.append(word)
            if verb == "run":
                return _Asked(verb, tuple(files), (word,), tuple(words[index:]), tuple(options), replaced)
    return _Asked(verb, tuple(files), tuple(names), profiled=profiled) if verb and verb != "run" else None


def _paths(files: Sequence[str], folder: str, library: Files) -> list[str]:
    """Those that are named, else the first that there is, with what is laid over it (Docker documentation, "Merge")."""
    at = [posixpath.normpath(joined_path(folder, each)) for each in files or _FILES]
    if files:
        return at
    first = next((each for each in at if library.is_file(each)), "")
    stem = posixpath.join(posixpath.dirname(first), posixpath.basename(first).partition(".")[0])
    over = [each for each in (f"{stem}.override.yaml", f"{stem}.override.yml") if library.is_file(each)]
    return [first, *over[:1]] if first else []


def _services(path: str, library: Files) -> dict[str, Any] | None:
    """What a file declares; ``None`` where it is not there, or includes others, whose services are started too."""
    read = _read(path, library)
    services = read.get("services")
    return services if isinstance(services, dict) and "include" not in read else None


def _service(files: Sequence[str], name: str, folder: str, library: Files) -> dict[str, Any] | None:
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


def _read(path: str, library: Files) -> dict[str, Any]:
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
