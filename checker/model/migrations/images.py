"""What containers of an image start, and where in the image the repository's files lie."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

# Where a program is looked for that is called by its name alone.
_ON_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class ImageStart(Struct, frozen=True):
    """What a recipe for an image says of its containers: the words that they start with, in which folder of the image,
    and the ``places`` of the image that have files and folders of the repository, longest first; ``line`` is where the
    recipe says what starts. ``unknown``: why nobody knows any of that. ``changed``: files of the image, each with one
    star for any part of its name, that the recipe's commands change once they are there, and in which line."""

    recipe: str
    line: int
    entry: tuple[str, ...]
    command: tuple[str, ...]
    folder: str
    places: tuple[tuple[str, str], ...]
    unknown: str = ""
    changed: tuple[tuple[str, int], ...] = ()

    def own(self, word: str) -> Iterator[str]:
        """Where in the repository the file of the image lies that a word names."""
        if "/" in word:
            whole = [posixpath.normpath(posixpath.join(self.folder, word))]
        else:
            whole = [f"{folder}/{word}" for folder in _ON_PATH]
        for each in whole:
            for place, own in self.places:
                inside = place.rstrip("/") + "/"
                if each == place:
                    yield own
                elif each.startswith(inside):
                    yield posixpath.normpath(posixpath.join(own, each[len(inside) :]))

    def line_that_changes(self, file: str) -> int | None:
        """The line of the recipe that changes what a file of the repository is in the image; ``None`` for no line."""
        for path in self.lies(file) if self.changed else ():
            for pattern, line in self.changed:
                if fits(pattern, path):
                    return line
        return None

    def lies(self, file: str) -> Iterator[str]:
        """Where in the image a file of the repository lies."""
        for place, own in self.places:
            inside = f"{own}/" if own else ""
            if file == own:
                yield place
            elif file.startswith(inside):
                yield f"{place.rstrip('/')}/{file[len(inside) :]}"

    @property
    def own_folder(self) -> str | None:
        """The folder of the repository that lies where a container starts; ``None`` where none does."""
        found = next(self.own(f"{self.folder.rstrip('/')}/."), None)
        return "" if found == "." else found


def fits(pattern: str, path: str) -> bool:
    """Whether a path is one of those that a pattern with one star at most stands for."""
    before, star, after = pattern.partition("*")
    return path.startswith(before) and path.endswith(after) if star else path == pattern
