"""The images that jib pushes, as the build file of Gradle or Maven names them.

Sources: README of jib-gradle-plugin and of jib-maven-plugin, "Extended usage": ``to.image``, ``to.tags``; Gradle
documentation, "Build environment" (``System.getenv``); Maven documentation, "Introduction to the POM" (``env.X``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from checker import lazy_re
from checker.model.possible import Possible, joined, open_text

_GRADLE: Final = ("build.gradle.kts", "build.gradle")
_LONGEST: Final = 200_000
_MAX_BLOCKS: Final = 8
_BLOCK: Final = lazy_re.compile(r"\bjib\s*\{")
_TO: Final = lazy_re.compile(r"\bto\s*\{|\bto\s*\.\s*(?=image|tags)|\bjib\.to\.(?=image|tags)")
# One that nobody ends goes to the end of the file: nothing is looked at twice.
_COMMENT: Final = lazy_re.compile(r"/\*(?:(?!\*/).)*+(?:\*/)?|(?<![:\w])//[^\n]*|<!--(?:(?!-->).)*+(?:-->)?", re.DOTALL)
_SETS: Final = lazy_re.compile(r"\b(image|tags)\s*(?:=|\.set\()\s*([^\n;]+)")
_TEXT: Final = lazy_re.compile(r"\"((?:\$\{[^{}\n]*\}|[^\"\n])*)\"|'([^'\n]*)'")
_WHOLE: Final = lazy_re.compile(rf"\s*(?:{_TEXT.pattern})\s*\)?\s*")
_GETENV: Final = lazy_re.compile(r"\s*System\.getenv\(\s*[\"'](\w+)[\"']\s*\)\s*\)?\s*")
_BRACE: Final = lazy_re.compile(r"[{}]")
_IN_TEXT: Final = lazy_re.compile(r"\$\{([^{}]*)\}|\$(\w+)")
_GETENV_IN: Final = lazy_re.compile(r"\s*System\.getenv\(\s*[\"'](\w+)[\"']\s*\)\s*|env\.(\w+)")
_PLUGIN: Final = "jib-maven-plugin"
_POM_IMAGE: Final = lazy_re.compile(r"<image>\s*([^<]*?)\s*</image>")
_POM_TAG: Final = lazy_re.compile(r"<tag>\s*([^<]*?)\s*</tag>")


def named_in_build_file(
    program: str, folder: str | None, read: Callable[[str], str | None], variables: Mapping[str, Possible]
) -> tuple[Possible, list[Possible]] | None:
    """The image and its further tags; ``None`` where the file is not there, or names it in another way. ``read`` gives
    a file's text."""
    if folder is None:
        return None
    names = ("pom.xml",) if program.startswith("mvn") else _GRADLE
    texts = (read(posixpath.normpath(posixpath.join(folder, name))) for name in names)
    text = next((each for each in texts if each), "")
    if not text or len(text) > _LONGEST:
        return None
    plain = _COMMENT.sub(" ", text)
    image, tags = _of_pom(plain) if program.startswith("mvn") else _of_gradle(plain)
    return None if image is None else (_filled(image, variables), [_filled(tag, variables) for tag in tags])


def _of_gradle(text: str) -> tuple[str | None, list[str]]:
    """The image and the further tags, as Gradle's strings have them."""
    begun = _BLOCK.search(text)
    rest = text[begun.end() :] if begun is not None else text
    block = rest[: _end_of_block(rest)] if begun is not None else rest
    image: str | None = None
    tags: list[str] = []
    for to in islice(_TO.finditer(block), _MAX_BLOCKS):
        rest = block[to.end() :]
        inside = rest[: _end_of_block(rest)] if to[0].endswith("{") else rest.partition("\n")[0]
        for key, value in _SETS.findall(inside):
            whole, asked = _WHOLE.fullmatch(value), _GETENV.fullmatch(value)
            if key == "tags":
                tags += [one or other for one, other in _TEXT.findall(value)]
            elif whole is not None:
                image = whole[1] or whole[2]
            else:
                image = f"${{env.{asked[1]}}}" if asked is not None else "${" + key + "}"
    return image, tags


def _end_of_block(text: str) -> int:
    """Where a block ends that has begun before the text."""
    depth = 1
    for brace in _BRACE.finditer(text):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    return len(text)


def _of_pom(text: str) -> tuple[str | None, list[str]]:
    plugin = text.partition(_PLUGIN)[2].partition("</plugin>")[0]
    to = plugin.partition("<to>")[2].partition("</to>")[0]
    image = _POM_IMAGE.search(to)
    return (image[1], _POM_TAG.findall(to)) if image is not None else (None, [])


def _filled(written: str, variables: Mapping[str, Possible]) -> Possible:
    """A text of a build file: variables of the environment are those of the job, all else in braces is open."""
    return joined(_parts(written, variables))


def _parts(written: str, variables: Mapping[str, Possible]) -> Iterator[Possible]:
    at = 0
    for hole in _IN_TEXT.finditer(written):
        yield written[at : hole.start()]
        inside = hole[1] or hole[2] or ""
        asked = _GETENV_IN.fullmatch(inside)
        name = (asked[1] or asked[2]) if asked is not None else ""
        yield variables.get(name, open_text(f"${name}")) if name else open_text(inside)
        at = hole.end()
    yield written[at:]
