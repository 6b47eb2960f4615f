"""Programs that a project's own build starts: by its build script, a plug-in that it sets up, a target of its own.

Whether one runs is told as far as the build's files tell it without being run: a task that nothing else names and that
was not asked for does not, nor what a later phase is bound to. A build that starts a program which is not known to be
harmless is on record; it is not followed.

Sources: The Cargo Book, "Build Scripts"; Gradle User Manual, "Exec" (DSL reference), "Configuring Tasks Lazily"; Apache
Maven, "Introduction to the Build Lifecycle"; MojoHaus, "Exec Maven Plugin"; Apache Maven AntRun Plugin, "Usage";
MSBuild documentation, "Exec task", "Target build order"; CMake documentation, "add_custom_command",
"add_custom_target", "execute_process"; Ninja manual, "Ninja file reference"; Zig, "Zig Build System", "Running System
Tools"; sbt Reference Manual, "External Processes"; Mix documentation, "Aliases".
"""

from __future__ import annotations

import bisect
import html
import itertools
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol

from msgspec import Struct

from checker import lazy_re
from checker.data.goals import goals
from checker.data.harmless import program_is_harmless
from checker.model.possible import Possible

_MAX_FILES: Final = 400
_INSTALLING: Final = frozenset({"install", "ci", "i"})
_STRING: Final = lazy_re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'")
_LINE_COMMENT: Final = lazy_re.compile(r"^[ \t]*+(?://|\*|/\*|#(?!\[)).*$", re.MULTILINE)
_MOST_TEXT: Final = 1_000_000  # signs of all files of a build; of more nothing is told

# The words of a command as far as they are known; none where the program is not.
_Started = list[str]


def _without_lines(text: str) -> str:
    return _LINE_COMMENT.sub("", text)


def _without_markup(text: str) -> str:
    """XML without its comments, each of them looked at once."""
    first, *rest = text.split("<!--")
    return first + "".join(each.partition("-->")[2] for each in rest)


class BuildLibrary(Protocol):
    """The repository's files, as far as builds are found among them."""

    def text(self, path: str) -> str | None: ...

    def build_files(self) -> tuple[str, ...]:
        """The files that build tools run as code, or that tell them of programs."""
        ...


class _Build(Struct, frozen=True):
    """Which files a tool reads, and what they start, by their text, the text of all of them, and what was asked for."""

    files: re.Pattern[str]
    started: Callable[[str, str, Sequence[str]], Iterator[_Started]]
    bare: Callable[[str], str] = _without_lines  # without its comments
    verbs: frozenset[str] = frozenset()  # any of these builds; every use does where there are none
    apart: bool = False  # whether it is run in a folder of its own, away from those files


def starts_programs(library: BuildLibrary, program: str, words: Sequence[Possible], folder: str) -> str:
    """The first file of a build that starts a program which may do anything; empty where none does."""
    given = [word for word in words if isinstance(word, str)]
    build = _BUILDS.get(program)
    verb = next((each for each in given if not each.startswith(("-", "+"))), "")
    if build is None or (build.verbs and verb not in build.verbs):
        return ""
    inside = f"{folder}/" if folder else ""
    every = [each for each in library.build_files() if build.files.fullmatch(each)]
    paths = [each for each in every if each.startswith(inside)] or (every if build.apart else [])
    texts = {path: build.bare(library.text(path) or "") for path in paths[:_MAX_FILES]}
    if len(paths) > _MAX_FILES or sum(map(len, texts.values())) > _MOST_TEXT:
        return paths[0]
    asked = goals(program, [program, *words])
    whole = "\n".join(texts.values())
    for path, text in texts.items():
        for started in build.started(text, whole, given if asked is None else asked):
            if not started or not (program_is_harmless(started) or _installs(started)):
                return path
    return ""


def _installs(words: Sequence[str]) -> bool:
    """Whether a command installs packages for JavaScript: what that runs of the project's own is followed elsewhere."""
    return words[0] in {"npm", "yarn", "pnpm"} and all(
        each in _INSTALLING or each.startswith("-") for each in words[1:]
    )


def _literals(text: str) -> _Started:
    return [one or other for one, other in _STRING.findall(text)]


def _lines(text: str) -> Iterator[_Started]:
    """The commands of a few lines for a shell."""
    for each in re.split(r"\n|&&|\|\||;|\|", text):
        try:
            words = shlex.split(each, comments=True)
        except ValueError:
            words = []
        left = list(itertools.dropwhile(lambda word: re.fullmatch(r"\w+=.*", word), words))
        if each.strip() and not each.strip().startswith("#") and (left or not words):
            yield left


def _elements(text: str, name: str) -> Iterator[str]:
    """The elements of a name, with what is in them; each is looked at once, whatever is left open."""
    begins = re.compile(rf"<{name}(?=[\s>])")
    begin = begins.search(text)
    while begin is not None and (end := text.find(f"</{name}>", begin.end())) >= 0:
        yield text[begin.start() : end]
        begin = begins.search(text, end)


@lru_cache(maxsize=8)
def _mentions(text: str, word: str) -> Mapping[str, int]:
    """How often each word stands in a text; ``word`` is the pattern of one."""
    return Counter(re.findall(word, text))


# --- Rust -------------------------------------------------------------------------------------------------------------

_RUST_STARTS: Final = lazy_re.compile(
    r"\bCommand::new\(\s*(?:\"(?P<name>[^\"]*)\"|(?P<other>[^)]*))|\baws_(?:sdk_\w+|config)::"
)
_OWN_TOOL: Final = lazy_re.compile(r"rustc|cargo|\bcc\b|protoc", re.IGNORECASE)


def _of_cargo(text: str, _whole: str, _asked: Sequence[str]) -> Iterator[_Started]:
    for match in _RUST_STARTS.finditer(text):
        if match["name"]:
            yield [match["name"]] if match["name"] not in {"cargo", "rustc"} else ["rustc"]
        elif not _OWN_TOOL.search(match["other"] or ""):
            yield []


# --- Gradle -----------------------------------------------------------------------------------------------------------

_GRADLE_STARTS: Final = lazy_re.compile(
    r"\bcommandLine\b(?P<words>[^\n]*(?:\n\s*['\"][^\n]*)*)|\bexecutable\s*[=(]?\s*(?P<one>['\"][^'\"\n]+['\"])"
    r"|(?P<run>(?:\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'))\.execute\(|\bProcessBuilder\((?P<built>[^)]*)\)"
    r"|\bjavaexec\b|\bJavaExec\b|\bRuntime\.getRuntime\(\)"
)
_GRADLE_TASK: Final = lazy_re.compile(
    r"\btask\s+(?P<a>\w+)|\btask\(\s*['\"](?P<b>\w+)|\btasks\.(?:register|create)\s*(?:<[\w.]+>)?\(\s*['\"](?P<c>\w+)"
    r"|\bval\s+(?P<d>\w+)\s+by\s+tasks\.(?:registering|creating)|\btask\s*<[\w.]+>\(\s*['\"](?P<e>\w+)"
)


_MOST_AROUND: Final = 10  # tasks in front of a place that are looked at
# A name that is no part of a path or of a file's name.
_TASK_NAME: Final = r"(?<![\w/-])\w++(?!-|\.\w)"


def _of_gradle(text: str, whole: str, asked: Sequence[str]) -> Iterator[_Started]:
    tasks = list(_GRADLE_TASK.finditer(text))
    for match in _GRADLE_STARTS.finditer(text):
        task = _task_around(text, match.start(), tasks)
        if task and task not in asked and _mentions(whole, _TASK_NAME).get(task, 0) < 2:
            continue  # nobody asks for it
        written = match["words"] or match["one"] or match["run"] or match["built"] or ""
        words = _literals(written)
        yield from _lines(words[0]) if match["run"] else iter([words])


def _task_around(text: str, at: int, tasks: Sequence[re.Match[str]]) -> str:
    """The name of the task in whose definition a place is; empty outside of all."""
    index = bisect.bisect_right(tasks, at, key=lambda task: task.start())
    for match in reversed(tasks[max(0, index - _MOST_AROUND) : index]):
        between = text[match.start() : at]
        first_line = "\n" not in between
        if between.count("{") > between.count("}") or (first_line and "}" not in between):
            return next(each for each in match.groups() if each)
    return ""


# --- Maven ------------------------------------------------------------------------------------------------------------

_PHASES: Final = (
    *("pre-clean", "clean", "post-clean"),
    *("validate", "initialize", "generate-sources", "process-sources", "generate-resources", "process-resources"),
    *("compile", "process-classes", "generate-test-sources", "process-test-sources", "generate-test-resources"),
    *("process-test-resources", "test-compile", "process-test-classes", "test", "prepare-package", "package"),
    *("pre-integration-test", "integration-test", "post-integration-test", "verify", "install", "deploy"),
)
_RUNNING_PLUGIN: Final = lazy_re.compile(
    r"<artifactId>\s*(?:exec-maven-plugin|maven-antrun-plugin|gmavenplus-plugin|groovy-maven-plugin|gmaven-plugin)\s*<"
)
_PHASE: Final = lazy_re.compile(r"<phase>\s*([\w-]+)\s*</phase>")
_MAVEN_STARTS: Final = lazy_re.compile(
    r"<executable>\s*(?P<name>[^<]*?)\s*</executable>|<exec\b[^>]*\bexecutable=\"(?P<ant>[^\"]*)\"|<java\b"
    r"|<goal>\s*(?:java|execute)\s*</goal>"
)
_ARGUMENT: Final = lazy_re.compile(r"<argument>\s*([^<]*?)\s*</argument>|<arg\b[^>]*\b(?:value|line)=\"([^\"]*)\"")


def _of_maven(text: str, _whole: str, asked: Sequence[str]) -> Iterator[_Started]:
    reached = max((_PHASES.index(each) for each in asked if each in _PHASES), default=-1)
    for plugin in _elements(text, "plugin"):
        if not _RUNNING_PLUGIN.search(plugin):
            continue
        first, last = plugin.find("<executions>"), plugin.rfind("</executions>")
        inherited = plugin[:first] + plugin[last:] if 0 <= first < last else plugin
        for execution in _elements(plugin, "execution"):
            phase = _PHASE.search(execution)
            if phase is None or (phase[1] in _PHASES and _PHASES.index(phase[1]) > reached):
                continue  # bound to nothing, or to what comes later
            for part in (execution, inherited):
                arguments = [html.unescape(one or other) for one, other in _ARGUMENT.findall(part)]
                for match in _MAVEN_STARTS.finditer(part):
                    name = match["name"] or match["ant"]
                    yield [html.unescape(name), *arguments] if name else []


# --- MSBuild ----------------------------------------------------------------------------------------------------------

_EXEC: Final = lazy_re.compile(r"<Exec\b[^<>]{0,2000}?\bCommand=(?:\"(?P<one>[^\"]*)\"|'(?P<other>[^']*)')", re.DOTALL)
_HOOKED: Final = lazy_re.compile(r"\b(?:Before|After)Targets=")
_ASKED_TARGET: Final = lazy_re.compile(r"[-/]{1,2}(?:t|target):(.*)", re.IGNORECASE)


def _of_msbuild(text: str, whole: str, asked: Sequence[str]) -> Iterator[_Started]:
    wanted = {name for word in asked if (match := _ASKED_TARGET.fullmatch(word)) for name in re.split("[;,]", match[1])}
    for target in _elements(text, "Target"):
        head, _, body = target.partition(">")
        name = re.search(r"\bName=\"([^\"]*)\"", head)
        known = name[1] if name is not None else ""
        named = known in wanted or _mentions(whole, r"\w++(?:[.-]\w++)*+").get(known, 0) > 1
        if known and not named and not _HOOKED.search(head):
            continue  # nobody asks for it
        for match in _EXEC.finditer(body):
            yield from _lines(_unfolded(match["one"] or match["other"] or ""))
    for event in (each for name in ("PreBuildEvent", "PostBuildEvent") for each in _elements(text, name)):
        yield from _lines(_unfolded(event.partition(">")[2]))


def _unfolded(text: str) -> str:
    return re.sub(r"\$\((\w+)\)", r"${\1}", html.unescape(text)).replace("\\", "/")


# --- CMake ------------------------------------------------------------------------------------------------------------

_CMAKE_CALL: Final = lazy_re.compile(
    r"\b(?P<call>add_custom_target|add_custom_command|execute_process)\s{0,20}"
    r"\((?P<inside>(?:[^()]|\([^()]{0,2000}\)){0,4000}+)\)",
    re.IGNORECASE,
)
_CMAKE_WORDS: Final = frozenset(
    {"COMMAND", "DEPENDS", "WORKING_DIRECTORY", "COMMENT", "VERBATIM", "OUTPUT", "BYPRODUCTS", "MAIN_DEPENDENCY",
     "OUTPUT_VARIABLE", "ERROR_VARIABLE", "RESULT_VARIABLE", "OUTPUT_STRIP_TRAILING_WHITESPACE", "ERROR_QUIET",
     "OUTPUT_QUIET", "USES_TERMINAL", "COMMAND_EXPAND_LISTS", "SOURCES", "TIMEOUT", "ALL", "TARGET", "POST_BUILD",
     "PRE_BUILD", "PRE_LINK", "COMMAND_ERROR_IS_FATAL", "ERROR_STRIP_TRAILING_WHITESPACE", "JOB_POOL", "DEPFILE"}
)  # fmt: skip
_CMAKE_TOOLS: Final[Mapping[str, str]] = {"${CMAKE_COMMAND}": "cmake", "${GIT_EXECUTABLE}": "git"}


def _of_cmake(text: str, whole: str, asked: Sequence[str]) -> Iterator[_Started]:
    for match in _CMAKE_CALL.finditer(text):
        try:
            words = shlex.split(match["inside"], comments=True)
        except ValueError:
            words = match["inside"].split()
        if match["call"].lower() == "add_custom_target" and words and words[1:2] != ["ALL"]:
            named = _mentions(whole, r"[\w-]++").get(words[0], 0) > 1
            if words[0] not in asked and not named:
                continue  # nobody asks for it
        at = [index for index, word in enumerate(words) if word == "COMMAND"]
        for begin in at:
            rest = words[begin + 1 :]
            end = next((index for index, word in enumerate(rest) if word in _CMAKE_WORDS), len(rest))
            yield [_CMAKE_TOOLS.get(word, word) for word in rest[:end]]


_NINJA_RUNS: Final = lazy_re.compile(r"^[ \t]+command[ \t]*=[ \t]*(.*(?:\$\n.*)*)", re.MULTILINE)
_NINJA_SETS: Final = lazy_re.compile(r"^(\w+)[ \t]*=[ \t]*(\S+)", re.MULTILINE)


def _of_ninja(text: str, whole: str, asked: Sequence[str]) -> Iterator[_Started]:
    yield from _of_cmake(text, whole, asked)
    known = dict(_NINJA_SETS.findall(text))
    for match in _NINJA_RUNS.finditer(text):
        for words in _lines(match[1].replace("$\n", " ")):
            name = words[0].strip("${}") if words and words[0].startswith("$") else ""
            yield [known.get(name, words[0]), *words[1:]] if words else []


# --- Zig --------------------------------------------------------------------------------------------------------------

_ZIG_STARTS: Final = lazy_re.compile(
    r"\b(?:addSystemCommand|runAllowFail|run|init|argv\s{0,9}=)\s{0,9}\(?\s{0,9}&\s{0,9}(?:\.|\[_\]\[\]const u8)\s{0,9}"
    r"\{(?P<words>[^{}]*)\}|(?P<any>\baddSystemCommand\b|\bstd\.http\b)"
)
# Steps that build, check or test what was built.
_ZIG_STEPS: Final = frozenset({"build", "install", "uninstall", "test", "check", "fmt", "docs", "lint", "--"})


def _of_zig(text: str, _whole: str, asked: Sequence[str]) -> Iterator[_Started]:
    steps = [each for each in asked if not each.startswith("-") and each not in _ZIG_STEPS]
    if steps and "addRunArtifact" in text:
        yield []  # a program that was built
    for match in _ZIG_STARTS.finditer(text):
        yield _literals(match["words"]) if match["words"] is not None else []


# --- Scala, Elixir ----------------------------------------------------------------------------------------------------

_SBT_STARTS: Final = lazy_re.compile(
    r"(?P<line>\"(?:[^\"\\\n]|\\.)*\")\s*\.?!{1,2}(?![=\w])|\bProcess\((?P<words>[^)]*)\)|(?P<any>\bProcessBuilder\b)"
)
_MIX_STARTS: Final = lazy_re.compile(
    r"\bSystem\.cmd\((?P<words>[^)]*)\)|\b(?:System\.shell|Mix\.shell\(\)\.cmd|:os\.cmd)\((?P<line>[^)]*)\)"
    r"|\"cmd (?P<alias>[^\"]*)\""
)


def _of_sbt(text: str, _whole: str, _asked: Sequence[str]) -> Iterator[_Started]:
    for match in _SBT_STARTS.finditer(text):
        words = _literals(match["line"] or match["words"] or "")
        yield from _lines(words[0]) if len(words) == 1 else iter([words])


def _of_mix(text: str, _whole: str, _asked: Sequence[str]) -> Iterator[_Started]:
    for match in _MIX_STARTS.finditer(text):
        if match["words"]:
            yield _literals(match["words"])
        else:
            yield from _lines(match["alias"] or next(iter(_literals(match["line"] or "")), "$"))


_MSBUILD: Final = lazy_re.compile(r".*\.(?:[cfv][sb]?proj|targets|props)")
_GRADLE: Final = lazy_re.compile(r".*\.gradle(?:\.kts)?|(?:.*/)?(?:buildSrc|build-logic)/.*")
_BUILDS: Final[Mapping[str, _Build]] = {
    "cargo": _Build(
        lazy_re.compile(r"(?:.*/)?build\.rs"),
        _of_cargo,
        verbs=frozenset({"build", "b", "check", "c", "test", "t", "run", "r", "clippy", "bench", "doc", "install",
                         "nextest", "llvm-cov", "zigbuild", "lambda", "publish", "package", "rustc", "fix"}),
    ),
    **dict.fromkeys(
        ("wasm-pack", "maturin"),
        _Build(lazy_re.compile(r"(?:.*/)?build\.rs"), _of_cargo, verbs=frozenset({"build", "publish"})),
    ),
    **dict.fromkeys(("gradle", "gradlew"), _Build(_GRADLE, _of_gradle)),
    **dict.fromkeys(("mvn", "mvnw", "mvnd"), _Build(lazy_re.compile(r"(?:.*/)?pom\.xml"), _of_maven, _without_markup)),
    "dotnet": _Build(
        _MSBUILD,
        _of_msbuild,
        _without_markup,
        verbs=frozenset({"build", "publish", "pack", "test", "msbuild", "run", "clean", "restore"}),
    ),
    **dict.fromkeys(
        ("cmake", "ninja"),
        _Build(lazy_re.compile(r"(?:.*/)?CMakeLists\.txt|.*\.cmake|.*\.ninja"), _of_ninja, apart=True),
    ),
    "zig": _Build(lazy_re.compile(r"(?:.*/)?build\.zig"), _of_zig, verbs=frozenset({"build"})),
    "sbt": _Build(lazy_re.compile(r".*\.sbt|(?:.*/)?project/.*\.scala"), _of_sbt),
    "mix": _Build(lazy_re.compile(r"(?:.*/)?mix\.exs"), _of_mix),
}  # fmt: skip
