"""``docker compose run``: the image and the command of the service that it starts, as ``docker run`` would have them.

Source: Docker documentation, "docker compose run" and "Compose file reference", ``command``, ``entrypoint``, ``image``.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

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
     "-w", "--workdir", "--cap-add", "--cap-drop", "--pull"}
)  # fmt: skip
_REPLACES: Final = "--entrypoint"


def run_words(words: Sequence[Possible], folder: str | None, library: TaskLibrary) -> tuple[Possible, ...] | None:
    """``docker run IMAGE COMMAND``; ``None`` for anything but a run of a service that a file of the repository has.

    The image of a service that is built here is open: what is inside is not known, what it is told to do is.
    """
    found = _taken_apart(words)
    if found is None or folder is None:
        return None
    files, service, given, options, replaced = found
    declared = _service(files, service, folder, library)
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
    elif command is None:
        return None
    image = declared.get("image") if "build" not in declared else None
    return (
        "docker",
        "run",
        *options,
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


def _taken_apart(
    words: Sequence[Possible],
) -> tuple[list[str], str, tuple[Possible, ...], tuple[Possible, ...], str | None] | None:
    """The compose files, the service, the command behind it, the options of ``run``, and the program that it is told to
    start in place of the image's."""
    if not words or not isinstance(words[0], str):
        return None
    name = words[0].rpartition("/")[2]
    index = 1 if name in {"docker-compose", "podman-compose"} else 2
    if index == 2 and (len(words) < 2 or words[1] != "compose"):
        return None
    files: list[str] = []
    options: list[Possible] = []
    running = False
    replaced: str | None = None
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
            if option == _REPLACES:
                if not running or not isinstance(taken, str):
                    return None
                replaced = taken
            elif option in _FILE_OPTIONS and not running:
                if not isinstance(taken, str):
                    return None
                files.append(taken)
            elif running:
                options += [word] if has_value or option not in _VALUES else [word, taken]
        elif not running:
            if word != "run":
                return None
            running = True
        else:
            return files, word, tuple(words[index:]), tuple(options), replaced
    return None


def _service(files: Sequence[str], name: str, folder: str, library: TaskLibrary) -> dict[str, Any] | None:
    """A service as the files declare it, later ones over earlier ones."""
    names = files or [next((each for each in _FILES if library.is_file(joined_path(folder, each))), "")]
    found: dict[str, Any] | None = None
    for each in names:
        services = _read(posixpath.normpath(joined_path(folder, each)), library).get("services") if each else None
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
