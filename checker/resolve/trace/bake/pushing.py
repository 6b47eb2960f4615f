"""The images that ``docker buildx bake`` pushes, by its command line and its files.

Sources: Docker documentation, "docker buildx bake" (``--set``, the files that are looked for), "Bake file reference"
(``inherits``, groups), "Overriding configurations".
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from checker import lazy_re
from checker.model.possible import Possible, joined, open_text, shown
from checker.model.values import Text, pieces, text
from checker.resolve.trace.bake.reading import BakeFile, Expression, UnreadError, Value, read
from checker.resolve.trace.commands.images_pushed import caches, goes_out
from checker.resolve.trace.commands.options import given_to, operands

_OVERRIDE: Final = lazy_re.compile(r"([\w*?-]+)\.([\w-]+)(?:\.[\w.-]+)?(\+?)=")
_VALUES: Final = frozenset(
    {"-f", "--file", "--set", "--allow", "--metadata-file", "--builder", "--progress", "--call", "--sbom",
     "--provenance", "--list"}
)  # fmt: skip
# Where files are looked for, in the order in which each changes what those before it say.
_COMPOSE: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OWN: Final = (
    *("docker-bake.json", "docker-bake.hcl"),
    *("docker-bake.override.json", "docker-bake.override.hcl"),
)
_HIDDEN: Final = frozenset({"secret", "secrets", "ssh"})
_MOST: Final = 200

Read = Callable[[str], "str | None"]


def baked(
    words: Sequence[Possible], folder: str | None, variables: Mapping[str, Possible], read_file: Read
) -> list[Possible] | None:
    """The images that a command line pushes, none where it pushes nothing; ``None`` where that cannot be told."""
    plain = list(operands(words[1:], _VALUES))
    if "bake" not in plain[:2] or folder is None:
        return None
    if _only_shows(words):
        return []
    targets = plain[plain.index("bake") + 1 :]
    said = [_Said.of(each) for each in given_to(words, ("--set",))]
    if any(each is None or each.key in {*_HIDDEN, "cache-to"} or "aws_" in each.written.lower() for each in said):
        return None
    found = _files(words, folder, read_file)
    if found is None or not all(isinstance(each, str) for each in targets):
        return None
    asked = [str(each) for each in targets] or ["default"]
    if asked == ["default"] and "default" not in {*found.groups, *found.targets}:
        asked = [*found.targets]
    names = [name for each in asked for name in _members(each, found, 0)]
    if not names or any(name not in found.targets for name in names):
        return None
    pushed: list[Possible] = []
    pushes = bool({"--push", "--push=true"} & set(map(shown, words)))
    for name in dict.fromkeys(names):
        settings = _whole(name, found, 0)
        own = [each for each in said if each is not None and fnmatch.fnmatchcase(name, each.target)]
        if settings is None or not _is_plain(settings):
            return None
        if any(_is_open(settings.get(key, [])) for key in ("output", "outputs", "cache-to")):
            return None
        if any(True for _ in caches(_texts(settings.get("cache-to", []), found, variables))):
            return None
        outputs = _overridden("output", own, _texts(settings.get("output", []), found, variables))
        if not pushes and not any(goes_out(each) for each in outputs):
            continue
        pushed += _overridden("tags", own, _texts(settings.get("tags", []), found, variables))
    return pushed


# What has it say what it would build, and build nothing (Docker documentation, "docker buildx bake").
_SHOWS: Final = frozenset({"--print", "--check", "--list", "--list-targets", "--list-variables", "--help"})


def _only_shows(words: Sequence[Possible]) -> bool:
    asked = [shown(each).partition("=")[0] for each in words if not shown(each).endswith("=false")]
    calls = (each.partition(",")[0] for each in given_to(words, ("--call",)) if isinstance(each, str))
    return bool(_SHOWS.intersection(asked)) or any(each != "build" for each in calls)


class _Said(Struct, frozen=True):
    """What ``--set TARGET.KEY=VALUE`` says; ``KEY+=VALUE`` adds to what is there (older versions refuse it)."""

    target: str
    key: str
    value: Possible
    written: str
    adds: bool

    @classmethod
    def of(cls, given: Possible) -> _Said | None:
        first, *rest = pieces(given) if isinstance(given, str | Text) else ("",)
        found = _OVERRIDE.match(first) if isinstance(first, str) else None
        if found is None or not isinstance(first, str):
            return None
        return cls(found[1], found[2], text([first[found.end() :], *rest]), shown(given), bool(found[3]))


def _overridden(key: str, said: Sequence[_Said], own: list[Possible]) -> list[Possible]:
    """A list of a target as the command line changes it: replaced, unless something that is said adds to it."""
    given = [each for each in said if each.key == key]
    return [*(own if not given or any(each.adds for each in given) else []), *(each.value for each in given)]


def _files(words: Sequence[Possible], folder: str, read_file: Read) -> BakeFile | None:
    """What the files say together; ``None`` where one is not the repository's, or is of another kind."""
    named = list(given_to(words, ("-f", "--file")))
    paths = [posixpath.normpath(posixpath.join(folder, str(each))) for each in named or _OWN]
    texts = [(path, read_file(path)) for path in paths]
    if any(not isinstance(each, str) for each in named) or (named and any(held is None for _, held in texts)):
        return None
    if not named and any(read_file(posixpath.normpath(posixpath.join(folder, each))) is not None for each in _COMPOSE):
        return None  # its services are targets too
    found = BakeFile()
    try:
        for path, held in texts:
            if held is not None and not path.endswith((".hcl", ".json")):
                return None
            if held is not None:
                read(held, found, as_json=path.endswith(".json"))
    except UnreadError:
        return None
    return found if found.targets else None


def _members(name: str, found: BakeFile, level: int) -> Iterator[str]:
    """The targets of a group, and of the groups in it; a target's own name."""
    if name not in found.groups or level > _MOST:
        yield name
        return
    listed = found.groups[name]
    for each in listed if isinstance(listed, list) else [None]:
        plain = each[0] if isinstance(each, tuple) and len(each) == 1 and isinstance(each[0], str) else ""
        yield from _members(plain, found, level + 1) if plain != name else [plain]


def _whole(name: str, found: BakeFile, level: int) -> dict[str, Value] | None:
    """A target's settings, with those that it inherits below them."""
    own = found.targets.get(name)
    if own is None or level > _MOST:
        return None
    settings: dict[str, Value] = {}
    above = own.get("inherits", [])
    for each in above if isinstance(above, list) else [None]:
        plain = each[0] if isinstance(each, tuple) and len(each) == 1 and isinstance(each[0], str) else ""
        inherited = _whole(plain, found, level + 1)
        if inherited is None:
            return None
        settings.update(inherited)
    settings.update(own)
    return settings


def _is_plain(settings: Mapping[str, Value]) -> bool:
    """Whether a target is one alone, and is given nothing to act with."""
    hidden = [each for name in _HIDDEN & settings.keys() for each in _listed(settings[name])]
    return "matrix" not in settings and not any(each is None or "aws" in str(each).lower() for each in hidden)


def _is_open(value: Value) -> bool:
    return any(not isinstance(each, tuple) for each in _listed(value))


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def _texts(value: Value, found: BakeFile, variables: Mapping[str, Possible]) -> list[Possible]:
    """The texts of a list, each open where the file works it out."""
    return [_text(each, found, variables, 0) for each in _listed(value)]


def _text(value: Value, found: BakeFile, variables: Mapping[str, Possible], level: int) -> Possible:
    if not isinstance(value, tuple):
        return open_text("what the file of bake works out")
    parts = (_part(each, found, variables, level) if isinstance(each, Expression) else each for each in value)
    return joined(parts)


def _part(expression: Expression, found: BakeFile, variables: Mapping[str, Possible], level: int) -> Possible:
    """A variable as the environment has it, else as the file says (Docker documentation, "Variables in Bake")."""
    name = expression.written
    if name in found.variables and level < _MOST:
        given = variables.get(name)
        default = found.variables[name]
        if given is not None:
            return given
        if name.startswith(("GITHUB_", "RUNNER_")) or name == "CI":
            return open_text(f"${{{name}}}")
        return _text(default, found, variables, level + 1) if default is not None else open_text(f"${{{name}}}")
    return open_text(f"${{{' '.join(name.split())[:80]}}}")
