"""What build tools that take several goals on one line are told to do: all of it, not the first word alone.

Sources: Apache Maven, "Maven CLI Options Reference", "Introduction to Plugin Prefix Resolution"; Gradle User Manual,
"Command-Line Interface"; sbt Reference Manual, "Running" (batch mode).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from checker import lazy_re

# Tool -> the options whose value is the next word.
_MAVEN: Final = frozenset(
    {"-f", "--file", "-P", "--activate-profiles", "-pl", "--projects", "-s", "--settings", "-gs", "--global-settings",
     "-t", "--toolchains", "-gt", "--global-toolchains", "-T", "--threads", "-D", "--define", "-l", "--log-file", "-rf",
     "--resume-from", "-b", "--builder", "-itr", "--color", "-emp", "-ep"}
)  # fmt: skip
_GRADLE: Final = frozenset(
    {"-x", "--exclude-task", "-p", "--project-dir", "-g", "--gradle-user-home", "-P", "--project-prop", "-D",
     "--system-prop", "--console", "--max-workers", "--warning-mode", "--priority", "--configuration",
     "--configuration-cache-problems", "--tests", "--include-build", "--project-cache-dir", "-F",
     "--dependency-verification", "-M", "--write-verification-metadata", "--write-locks", "--update-locks"}
)  # fmt: skip
_TOOLS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("mvn", "mvnw", "mvnd"), _MAVEN),
    **dict.fromkeys(("gradle", "gradlew"), _GRADLE),
    "sbt": frozenset({"-mem", "-jvm-opts", "-ivy", "-sbt-dir", "-sbt-boot", "-sbt-version", "-java-home"}),
}
_OF_A_PLUGIN: Final = lazy_re.compile(r"(?:[\w.-]+:)?(?P<name>[\w.-]+?):(?:\d[\w.-]*:)?(?P<goal>[\w.-]+)(?:@[\w.-]+)?")
_ABOUT_PLUGINS: Final = lazy_re.compile(r"^maven-|-maven-plugin$|-maven$|-plugin$")
# Files of code or of settings that replace the project's own.
_OTHER_CODE: Final = frozenset({"-I", "--init-script", "-b", "--build-file", "-c", "--settings-file"})


def goals(name: str, words: Sequence[object]) -> list[str] | None:
    """What a tool is told to do, each as it is listed; ``None`` for other tools. A word that is open is empty text."""
    options = _TOOLS.get(name)
    if options is None:
        return None
    gradle, maven = options is _GRADLE, options is _MAVEN
    found: list[str] = []
    for word in _plain(words[1:], options, gradle=gradle):
        if gradle:
            found.append(word.rpartition(":")[2])
        elif maven and (match := _OF_A_PLUGIN.fullmatch(word)):
            found.append(f"{_ABOUT_PLUGINS.sub('', match['name'])}:{match['goal']}")
        elif name == "sbt":
            found.extend(each for each in (_of_sbt(part) for part in word.split(";")) if each)
        else:
            found.append(word)
    return found


def _of_sbt(word: str) -> str:
    """A command of sbt: ``Test / compile``, ``api/test``, ``testOnly *Spec``; the choice of a project is none."""
    first = re.sub(r"\s*/\s*", "/", word.strip()).partition(" ")[0]
    return "" if first in {"project", "set", "+"} else first.rpartition("/")[2].rpartition(":")[2].lstrip("+")


def _plain(words: Sequence[object], options: frozenset[str], *, gradle: bool) -> Iterator[str]:
    pending = list(words)
    while pending:
        word = pending.pop(0)
        if not isinstance(word, str):  # an option with a value that is open, or anything
            if not all(str(each).startswith("-") for each in getattr(word, "options", (word,))):
                yield ""
        elif word in options:
            pending = pending[1:]
        elif gradle and word in _OTHER_CODE:
            yield ""
        elif not word.startswith(("-", "+")) or word == "-":
            yield word
