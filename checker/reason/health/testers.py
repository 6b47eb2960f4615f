"""Programs whose tests may ask whether a site answers: what is in them is not followed."""

from __future__ import annotations

from typing import Final

from checker.model.pipeline.scripts import Command

_TESTS: Final = frozenset(  # of a site, and of anything
    """playwright cypress testcafe wdio nightwatch codeceptjs newman postman k6 artillery hurl locust schemathesis
    robot lhci lighthouse pa11y dredd tavern-ci karate gatling jmeter hey wrk ab siege vegeta datadog-ci checkly goss
    cucumber cucumber-js behave bru stepci venom
    jest vitest mocha ava tap jasmine rspec minitest phpunit pest codeception gotestsum
    """.split()  # noqa: SIM905 - a table
)
_BY_VERB: Final = {
    "go": frozenset({"test"}), "dotnet": frozenset({"test", "vstest"}), "cargo": frozenset({"test", "nextest"}),
    "bun": frozenset({"test"}), "deno": frozenset({"test"}), "node": frozenset({"--test"}), "mix": frozenset({"test"}),
    "rails": frozenset({"test", "test:system", "spec"}), "rake": frozenset({"test", "spec"}),
    **dict.fromkeys(("mvn", "mvnw", "gradle", "gradlew"),
                    frozenset({"test", "verify", "integration-test", "failsafe:integration-test", "integrationTest",
                               "functionalTest", "smokeTest"})),
}  # fmt: skip
_RUNS_NONE: Final = frozenset(
    {"install", "install-deps", "--version", "-V", "--help", "-h", "--list", "open", "codegen", "show-report", "info"}
)


def may_ask(command: Command) -> bool:
    """Whether a command runs tests that may ask a site."""
    words = {word for word in command.words[1:] if isinstance(word, str)}
    if not words.isdisjoint(_RUNS_NONE):
        return False
    return command.program in _TESTS or not words.isdisjoint(_BY_VERB.get(command.program, frozenset()))
