"""Tests in other languages than Python that a job runs: of bats the lines are followed; of the others it is told
whether they reach out of the process, by another program or by a client of AWS, with no double in its place.

Sources: Jest documentation, "testMatch", "globalSetup", "CLI Options"; Vitest documentation, "Test Filtering"; Mocha
documentation, "Command-Line Usage"; Playwright documentation, "Command line"; Cypress documentation, "exec", "task";
Node.js documentation, "Test runner"; bats-core documentation, "Writing tests", "Usage"; Go documentation, "go test".
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from checker import lazy_re
from checker.data.goals import goals
from checker.model.pipeline.jobs import WORKSPACE
from checker.model.possible import Possible

_JAVASCRIPT: Final = lazy_re.compile(r".*\.[cm]?[jt]sx?")
_COMMENT: Final = lazy_re.compile(r"^[ \t]*+(?://|\*|/\*|#(?!\[)).*$", re.MULTILINE)


class _Language(Struct, frozen=True):
    """How a language's tests are called, what reaches out of their process, and what takes the place of that."""

    files: re.Pattern[str]
    reaches: re.Pattern[str]
    doubles: re.Pattern[str]
    by_name: bool = True  # whether words of a command are files, or parts of their names


_OF_NODE: Final = _Language(
    _JAVASCRIPT,
    lazy_re.compile(
        r"['\"](?:node:)?child_process['\"]"
        r"|['\"](?:execa|zx|shelljs|cross-spawn|nano-spawn|tinyexec|aws4fetch|aws4|dockerode|ssh2|node-ssh"
        r"|aws-sdk(?:/[\w/]+)?|@aws-sdk/(?:client|lib|credential)[\w-]*|@aws-cdk/toolkit-lib|aws-cdk)(?:/\w+)?['\"]"
        r"|\bBun\.(?:spawn|\$)|\bDeno\.(?:run|Command)\b|\bcy\.(?:exec|task)\(|(?<![.\w])eval\(|\bnew Function\("
        r"|\b(?:import|require)\(\s*(?!['\"`])[A-Za-z_]"
    ),
    lazy_re.compile(
        r"\b(?:jest|vi)\.(?:mock|doMock|spyOn)\b|\bmock\.module\b|aws-sdk-client-mock|\bmockClient\b|['\"]nock['\"]|\bsinon\b"
        r"|\bproxyquire\b|\btestdouble\b|['\"]msw\b|localstack|\bendpoint\b|\brewire\b|\besmock\b|\bMockAgent\b|testcontainers"
    ),
)
_LANGUAGES: Final[Mapping[str, _Language]] = {
    "go": _Language(
        lazy_re.compile(r".*_test\.go"),
        lazy_re.compile(r'"os/exec"|"syscall"|aws-sdk-go(?:-v2)?/service'),
        lazy_re.compile(r"httptest|localstack|gomock|testcontainers|BaseEndpoint|\bmock", re.IGNORECASE),
    ),
    "ruby": _Language(
        lazy_re.compile(r".*\.rb"),
        lazy_re.compile(
            r"(?<![.\w])(?:system|exec|spawn)[ (]|%x[({\[]|\bOpen3\b|`[^`\n]+`|\bAws::\w+::Client\b|\bIO\.popen\b"
        ),
        lazy_re.compile(r"stub_responses|webmock|\bVCR\b|localstack|\ballow\(|\bdouble\(", re.IGNORECASE),
    ),
    "php": _Language(
        lazy_re.compile(r".*\.php"),
        lazy_re.compile(
            r"\b(?:exec|shell_exec|system|passthru|proc_open|popen)\s*\(|\bnew Process\(|\\Aws\\|\bAws\\\w+"
        ),
        lazy_re.compile(r"MockHandler|createMock|localstack|Mockery|prophesize", re.IGNORECASE),
    ),
    "rust": _Language(
        lazy_re.compile(r".*\.rs"),
        lazy_re.compile(r"process::Command\b|\bCommand::new\(|\baws_sdk_\w+"),
        lazy_re.compile(r"localstack|endpoint_url|mockall|replay_client|cargo_bin", re.IGNORECASE),
        by_name=False,
    ),
    "jvm": _Language(
        lazy_re.compile(r".*\.(?:java|kt|scala|groovy)"),
        lazy_re.compile(
            r"\bProcessBuilder\b|\bRuntime\.(?:getRuntime\(\)|runtime)\.exec|\bsys\.process\b|\.execute\(\)\.text"
            r"|software\.amazon\.awssdk\.services\.|com\.amazonaws\.services\.|aws\.sdk\.kotlin\.services\."
        ),
        lazy_re.compile(
            r"localstack|testcontainers|\bmock|@Mock|wiremock|\bendpoint(?:Override|Configuration)", re.IGNORECASE
        ),
        by_name=False,
    ),
    "dotnet": _Language(
        lazy_re.compile(r".*\.(?:cs|fs)"),
        lazy_re.compile(r"\bProcess\.Start\(|\bProcessStartInfo\b|\bnew Amazon\w+Client\("),
        lazy_re.compile(r"localstack|testcontainers|\bMock<|NSubstitute|FakeItEasy|ServiceURL|WireMock", re.IGNORECASE),
        by_name=False,
    ),
    "elixir": _Language(
        lazy_re.compile(r".*\.exs"),
        lazy_re.compile(r"\bSystem\.(?:cmd|shell)\(|:os\.cmd\(|\bExAws\.request"),
        lazy_re.compile(r"\bMox\b|\bMock\b|localstack|\bBypass\b|\bMimic\b", re.IGNORECASE),
    ),
    "swift": _Language(
        lazy_re.compile(r".*\.swift"),
        lazy_re.compile(r"\bProcess\(\)|\bProcess\.run\(|\bimport Soto|\bimport AWS\w+"),
        lazy_re.compile(r"localstack|\bmock|\bendpoint:", re.IGNORECASE),
        by_name=False,
    ),
    "python": _Language(
        lazy_re.compile(r".*\.py"),
        lazy_re.compile(r"\b(?:boto3|subprocess|aioboto3)\b|\bos\.(?:system|popen|exec\w*|spawn\w*)\b"),
        lazy_re.compile(r"\bmoto\b|\bmock|\bpatch\(|Stubber|localstack|endpoint_url"),
    ),
}
_RUNNERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("jest", "vitest", "mocha", "ava", "jasmine", "karma", "tap", "playwright", "cypress", "testcafe",
                     "cucumber-js", "wdio", "nightwatch"), "node"),
    **dict.fromkeys(("rspec", "cucumber", "minitest"), "ruby"),
    **dict.fromkeys(("phpunit", "pest", "paratest", "codeception"), "php"),
    "gotestsum": "go",
    "behave": "python",
}  # fmt: skip
_TEST_ALONE: Final = frozenset({"test"})
# Phases and tasks of build tools that run tests on their way.
_ON_THE_WAY: Final = frozenset(
    {"test", "verify", "install", "package", "deploy", "integration-test", "surefire:test", "failsafe:integration-test",
     "check", "build", "integrationTest", "functionalTest", "testOnly", "testQuick"}
)  # fmt: skip
# Programs of which some verbs or options run tests.
_VERBS: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "node": (frozenset({"--test"}), "node"),
    **dict.fromkeys(("bun", "deno"), (_TEST_ALONE, "node")),
    "go": (_TEST_ALONE, "go"),
    "cargo": (frozenset({"test", "t", "nextest", "llvm-cov", "tarpaulin", "bench"}), "rust"),
    **dict.fromkeys(("mvn", "mvnw", "mvnd", "gradle", "gradlew", "sbt"), (_ON_THE_WAY, "jvm")),
    "dotnet": (frozenset({"test", "vstest"}), "dotnet"),
    "mix": (_TEST_ALONE, "elixir"),
    "swift": (_TEST_ALONE, "swift"),
    "rails": (frozenset({"test", "test:all", "test:system", "spec"}), "ruby"),
    "rake": (frozenset({"test", "spec"}), "ruby"),
    **dict.fromkeys(("artisan", "composer"), (_TEST_ALONE, "php")),
}
_SKIPS: Final = lazy_re.compile(r"-D(?:skipTests|maven\.test\.skip)(?:=true)?")
# Tools that build or look, whose configuration is code: their names there.
_OF_THEIR_NAME: Final = (
    *("webpack", "vite", "rollup", "rspack", "next", "nuxt", "astro", "eslint", "prettier", "babel", "postcss"),
    *("tsup", "tsdown", "gatsby", "docusaurus", "commitlint", "stylelint", "metro"),
)
_CONFIGURED: Final[Mapping[str, str]] = {
    **{name: name for name in _OF_THEIR_NAME},
    "webpack-cli": "webpack", "tailwindcss": "tailwind", "vue-cli-service": "vue", "svelte-kit": "svelte",
}  # fmt: skip
# Whose tests a file is that imports one of these.
_OWNERS: Final = lazy_re.compile(r"['\"](@playwright/test|vitest|bun:test|node:test|ava|tap|@jest/globals)['\"]")
_OWN: Final = {"@playwright/test": "playwright", "bun:test": "bun", "node:test": "node", "@jest/globals": "jest"}
_NOT_RUN: Final = frozenset({"--list", "--listTests", "--version", "--help", "-h", "--showConfig", "--no-run"})
_TELLS: Final = frozenset(
    {"install", "show-report", "codegen", "verify", "info", "init", "open", "install-deps", "cache", "version"}
)  # verbs, in front of all
_WORDS: Final = frozenset({"test", "run", "e2e", "exec", "watch"})
_CONFIG: Final = lazy_re.compile(r"(?:.*/)?(?:([a-z]+)[\w.-]*\.config|\.([a-z]+)rc)\.[cm]?[jt]s")
_SETUPS: Final = lazy_re.compile(
    r"(?:globalSetup|globalTeardown|setupFiles\w*|supportFile)\b[^'\"\n]*['\"]([^'\"]+)['\"]"
)
_IMPORTS: Final = lazy_re.compile(r"(?:from\s+|require\(\s*|import\s+)['\"](\.{1,2}/[^'\"]+)['\"]")
_HELPER: Final = lazy_re.compile(
    r"(?:^|/)(?:__tests__|tests?|specs?|e2e|integration|cypress|playwright|fixtures)(?:/|$)|helper|util|setup|support",
    re.IGNORECASE,
)
_ENDINGS: Final = ("", ".ts", ".js", ".mjs", ".cjs", ".tsx", "/index.ts", "/index.js")
MAX_FILES: Final = 400


class TestLibrary(Protocol):
    """The repository's files, as far as tests are found among them."""

    def text(self, path: str) -> str | None: ...

    def test_files(self) -> tuple[str, ...]:
        """The files that runners of tests take for tests."""
        ...


def reaches_out(library: TestLibrary, program: str, words: Sequence[Possible], folder: str) -> str:
    """The first of the tests that a command runs, or of the configuration that is code, which reaches out of its
    process; empty where none does."""
    given = [word for word in words if isinstance(word, str)]
    language = _language(program, given)
    if language is None or _NOT_RUN & set(given) or _TELLS & set(given[:1]):
        return ""
    for path in [*_run(library, program, given, folder, language)][:MAX_FILES]:
        for file in (path, *_beside(library, path)):
            text = _COMMENT.sub("", library.text(file) or "")
            if language.reaches.search(text) and not language.doubles.search(text):
                return file
    return ""


def _language(program: str, given: Sequence[str]) -> _Language | None:
    name = "node" if program in _CONFIGURED else _RUNNERS.get(program, "")
    if program in _VERBS:
        told = goals(program, [program, *given])
        asked = given[:4] if told is None else told
        if _VERBS[program][0].intersection(asked) and not any(map(_SKIPS.fullmatch, given)):
            name = _VERBS[program][1]
    return _OF_NODE if name == "node" else _LANGUAGES.get(name)


def _run(library: TestLibrary, program: str, given: Sequence[str], folder: str, language: _Language) -> Iterator[str]:
    """The files that a command runs: those that it names, all of the folder where it names none."""
    named = [
        word.removeprefix("./").rstrip("/")
        for index, word in enumerate(given)
        if not word.startswith("-")
        and word not in _WORDS
        and not (index and given[index - 1].startswith("-") and "=" not in given[index - 1])
    ]
    if not language.by_name:
        named = []
    named = [each.removesuffix("...").rstrip("/") for each in named if each.strip(".")]
    inside = f"{folder}/" if folder else ""
    for path in library.test_files():
        if not path.startswith(inside) or language.files.fullmatch(path) is None:
            continue
        config = _CONFIG.fullmatch(path)
        own = path.removeprefix(inside)
        if config is not None:
            name = config[1] or config[2]
            if name in {program, _CONFIGURED.get(program), "vite" if program == "vitest" else program}:
                yield path
        elif program in _CONFIGURED:
            continue
        elif (not named or any(_is_named(own, each) for each in named)) and _may_run(library, path, program):
            yield path


def _is_named(path: str, word: str) -> bool:
    return not word or word in path or fnmatch.fnmatch(path, word) or fnmatch.fnmatch(path, f"*{word}*")


def _may_run(library: TestLibrary, path: str, program: str) -> bool:
    """Whether a file is a test of this runner, as far as what it imports tells."""
    if ".cy." in path or path.startswith("cypress/") or "/cypress/" in path:
        return program == "cypress"
    owner = _OWNERS.search(library.text(path) or "") if _JAVASCRIPT.fullmatch(path) else None
    return owner is None or _OWN.get(owner[1], owner[1]) == program


def _beside(library: TestLibrary, path: str) -> Iterator[str]:
    """What a test, or a runner's configuration, loads of other tests' code: helpers, and what is run before all."""
    text = library.text(path) or ""
    found = [match[1] for match in _SETUPS.finditer(text)] if _CONFIG.fullmatch(path) else []
    found += [match[1] for match in _IMPORTS.finditer(text) if _HELPER.search(match[1]) or _HELPER.search(path) is None]
    for each in found:
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), each.removeprefix("<rootDir>/")))
        file = next((base + ending for ending in _ENDINGS if library.text(base + ending) is not None), None)
        if file is not None and (_HELPER.search(file) or _CONFIG.fullmatch(path)):
            yield file


# --- bats -------------------------------------------------------------------------------------------------------------

_TEST: Final = lazy_re.compile(r"^([ \t]*)@test[ \t]+(?:\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|\S+)[ \t]*\{", re.MULTILINE)
_PREFIX: Final = (
    'run() { while [[ "$1" == -* ]]; do shift; done; "$@" || true; }; load() { source "%s/${1%%.bash}.bash"; }; '
)
_MAX_BATS: Final = 60


def bats_programs(library: TestLibrary, words: Sequence[Possible], folder: str) -> Iterator[tuple[str, str]]:
    """The files that ``bats`` is given, each as the script of shell that its tests come to, line by line."""
    given = [word for word in words if isinstance(word, str) and not word.startswith("-")]
    inside = f"{folder}/" if folder else ""
    wanted = [posixpath.normpath(inside + each) for each in given]
    files = [each for each in library.test_files() if each.endswith(".bats")]
    for path in files[:_MAX_BATS]:
        if any(each in {".", path} or path.startswith(f"{each}/") or fnmatch.fnmatch(path, each) for each in wanted):
            yield path, _as_shell(library.text(path) or "", posixpath.dirname(path))


def _as_shell(text: str, folder: str) -> str:
    count = 0

    def named(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"{match[1]}bats_test_{count}() {{"

    body = _TEST.sub(named, text)
    calls = "".join(
        f"{name}; "
        for name in ("setup_file", "setup")
        if re.search(rf"^\s*(?:function\s+)?{name}\s*\(", text, re.MULTILINE)
    )
    runs = "".join(f"(bats_test_{number + 1}) || true\n" for number in range(count))
    first, _, rest = body.partition("\n")
    head = first if not first.startswith("#!") else ""
    where = f"{WORKSPACE}/{folder}" if folder else WORKSPACE
    return f"{_PREFIX % where}{head}\n{rest}\n{calls}\n{runs}"
