"""Variables that are handed on: to what a command starts, and to the steps after a job's step."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Final

from checker.model.pipeline.jobs import EffectiveStep
from checker.model.pipeline.scripts import AwsCall, CdkCommand, Command
from checker.model.possible import Possible, one_of, open_text, shown
from checker.model.values import Hole, RunValue
from checker.resolve.shell.state import State, Stored
from checker.resolve.shell.variables.outside import RUNNER_NAMES, RUNNER_PREFIXES

# What is started often, and starts no program that the repository holds.
STARTS_NONE: Final = frozenset(
    {"aws", "cat", "cd", "chmod", "cp", "curl", "cut", "date", "echo", "exit", "false", "gh", "git", "grep", "head"}
    | {"jq", "ls", "mkdir", "mv", "printf", "psql", "return", "rm", "sed", "seq", "sleep", "sort", "tail", "tee"}
    | {"test", "touch", "tr", "true", "wc"}
)

# Who makes a call (AWS SDKs and Tools Reference Guide, "Environment variables").
KEY: Final = "AWS_ACCESS_KEY_ID"
WHO: Final = (
    KEY, "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"
)  # fmt: skip

HANDED: Final = "\0"  # no word has it

# Where psql connects to, and how (PostgreSQL documentation, "Environment Variables").
_TO_THE_DATABASE: Final = ("PGHOST", "PGPORT", "PGOPTIONS", "PGSERVICE")


def exported_to(words: Sequence[Possible], environment: Callable[[], Mapping[str, Stored]]) -> Mapping[str, Possible]:
    """What a command that may start others hands on to them; where it starts none, who makes the calls of one."""
    if not words:
        return {}
    if words[0] in STARTS_NONE:
        asked = WHO if words[0] == "aws" else _TO_THE_DATABASE if words[0] == "psql" else ()
        held = environment() if asked else {}
        held = {name: held[name] for name in asked if name in held}
    else:
        held = environment()
    return {name: value for name, value in held.items() if not isinstance(value, tuple)}


def told_apart(
    words: Sequence[Possible], handed: Mapping[str, Possible], own: Mapping[str, Stored]
) -> Sequence[Possible]:
    """A command's words and, marked, the variables that it hands on: rounds of a loop may differ in these alone."""
    given = {**of_the_app(handed), **{name: value for name, value in own.items() if not isinstance(value, tuple)}}
    if not given or not words or words[0] in STARTS_NONE:
        return words
    return [*words, *(f"{HANDED}{name}={shown(value)}" for name, value in given.items())]


def of_the_app(given: Mapping[str, Possible]) -> dict[str, Possible]:
    """Variables without the runner's own."""
    return {
        name: value
        for name, value in given.items()
        if name not in RUNNER_NAMES and not name.startswith(RUNNER_PREFIXES)
    }


def without_keys(given: Mapping[str, Possible]) -> dict[str, Possible]:
    """Variables without those that say who makes a call of AWS: each command has its own, as they stood there."""
    return {name: value for name, value in given.items() if name not in WHO}


def given_to(
    step: EffectiveStep, given: Mapping[str, Possible], handed: Mapping[str, Possible], unsure: Container[Hole]
) -> dict[str, Possible]:
    """The variables of a job's step: its own ``env:`` comes before what earlier steps have handed on, and that before
    the job's and the workflow's, which it updates.

    ``unsure`` are those that may not have been written. Source: GitHub documentation, "Workflow commands for GitHub
    Actions", "Setting an environment variable".
    """
    found = {**handed, **given}
    for name in handed.keys() & given.keys():
        theirs = name in step.job.env and step.env[name] == step.job.env[name] and name not in step.step.env
        if theirs:
            sure = RunValue(f"${{{{ env.{name} }}}}", step.job.name) not in unsure
            found[name] = handed[name] if sure else one_of([given[name], handed[name]])
    return found


def key_printed(text: Possible, state: State, where: str) -> None:
    """A shell takes in what a command prints: where that speaks of a key of AWS, it has one from here on."""
    if KEY in shown(text):
        state.set(KEY, open_text(f"${{{KEY}}}", where))
        state.exported.add(KEY)


def hand_on(actions: Iterable[Command | AwsCall | CdkCommand], text: Callable[[str], str | None]) -> bool:
    """Whether a script that was followed names the file of the variables that later steps are given."""
    files = {each.spot.file for each in actions if each.reached.via}
    return any("GITHUB_ENV" in (text(file) or "") for file in files)
