"""The CDK's command line taken apart. Source: AWS CDK Developer Guide, "AWS CDK CLI command reference"."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from checker.model.pipeline.scripts import CdkCommand, Command
from checker.model.possible import OneOf, Possible, joined, one_of, options
from checker.model.values import Text, pieces, text

_NAMES: Final = {"synthesize": "synth", "ls": "list", "acknowledge": "ack"}
_COMMANDS: Final = frozenset(
    {"deploy", "synth", "synthesize", "diff", "destroy", "bootstrap", "list", "ls", "watch", "import", "rollback",
     "metadata", "init", "migrate", "context", "docs", "doctor", "notices", "gc", "refactor", "drift", "ack",
     "acknowledge", "publish-assets", "flags", "cli-telemetry", "orphan"}
)  # fmt: skip
_WITH_VALUE: Final = {
    "-c": "context", "--context": "context", "-a": "app", "--app": "app", "-p": "plugin", "--plugin": "plugin",
    "--profile": "profile", "-r": "role-arn", "--role-arn": "role-arn", "-o": "output", "--output": "output",
    "--require-approval": "require-approval", "-O": "outputs-file", "--outputs-file": "outputs-file",
    "--toolkit-stack-name": "toolkit-stack-name", "--method": "method", "-m": "method", "--concurrency": "concurrency",
    "--change-set-name": "change-set-name", "--parameters": "parameters", "-t": "tags", "--tags": "tags",
    "--notification-arns": "notification-arns", "--progress": "progress", "--proxy": "proxy",
    "--ca-bundle-path": "ca-bundle-path", "--import-existing-resources": "import-existing-resources",
    "-b": "build", "--build": "build", "-E": "build-exclude", "--build-exclude": "build-exclude",
    "--template": "template", "--cloudformation-execution-policies": "cloudformation-execution-policies",
    "--qualifier": "qualifier", "--trust": "trust", "--unstable": "unstable", "--ci": "",
}  # fmt: skip


def parse_cdk(command: Command) -> CdkCommand | None:
    """A ``cdk`` command taken apart, ``None`` where it does nothing (``cdk --version``, ``cdk deploy --help``)."""
    words = [each for word in command.words[1:] for each in _common(word)]
    name = ""
    stacks: list[Possible] = []
    context: dict[str, Possible] = {}
    found: dict[str, Possible] = {}
    while words:
        word = words.pop(0)
        if isinstance(word, Text) and str(word.parts[0]).startswith("--"):
            key, value = _split(word)
            if key == "context" and value is not None:
                _context(value, context)
            elif value is not None:
                found[key] = value
            continue
        if not isinstance(word, str) or not word.startswith("-") or word == "-":
            if not name and isinstance(word, str) and word in _COMMANDS:
                name = _NAMES.get(word, word)
            else:
                stacks.append(word)
            continue
        option, has_value, inline = word.partition("=")
        option_name = _WITH_VALUE.get(option, "")
        given: Possible = True
        if has_value:
            given = inline
            option_name = option_name or option.lstrip("-")
        elif option_name and words:
            given = words.pop(0)
        option_name = option_name or option.lstrip("-")
        if option_name == "context":
            _context(given, context)
        else:
            found[option_name] = given
    if not name or found.get("help") is True or found.get("h") is True:
        return None
    if found.get("all") is True:
        stacks.append("*")
    return CdkCommand(name, tuple(stacks), context, found, command.reached, command.handling, command)


def _common(word: Possible) -> list[Possible]:
    """Options that stand in one word, as an expression gives them: those that are there whatever it gives.

    No selector begins with a dash, so what is left out selects no stack.
    """
    each = options(word) if isinstance(word, OneOf | str) else None
    if not each or not all(isinstance(option, str) and option.startswith("--") and " " in option for option in each):
        return [word]
    split = [str(option).split() for option in each]
    kept: list[Possible] = []
    for position, part in enumerate(split[0]):
        if not all(other[: position + 1] == split[0][: position + 1] for other in split):
            break
        kept.append(part)
    return kept


def _split(word: Text) -> tuple[str, Possible | None]:
    """``--context=key=value`` whose value is open."""
    first, *rest = word.parts
    assert isinstance(first, str)
    option, has_value, inline = first.partition("=")
    value: Possible | None = text([inline, *rest]) if has_value else None
    return _WITH_VALUE.get(option) or option.lstrip("-"), value


def _context(value: Possible, context: dict[str, Possible]) -> None:
    """``key=value`` of ``--context``."""
    if isinstance(value, str):
        key, _, inner = value.partition("=")
        context[key] = inner
    elif isinstance(value, Text) and isinstance(value.parts[0], str) and "=" in value.parts[0]:
        key, _, inner = value.parts[0].partition("=")
        context[key] = joined([inner, *(text([part]) for part in pieces(value)[1:])])
    else:
        told: dict[str, list[Possible]] = {}  # of words that may be several each of them counts
        for option in getattr(value, "options", ()):
            one: dict[str, Possible] = {}
            _context(option, one)
            for name, given in one.items():
                told.setdefault(name, []).append(given)
        context.update((name, one_of(each)) for name, each in told.items())


def cdk_script(command: Command) -> CdkCommand | None:
    """``npm run cdk -- deploy``, where the script of that name is not at hand."""
    words = [word for word in command.words[1:] if word not in {"run", "run-script", "--", "--silent", "-s"}]
    return parse_cdk(replace(command, words=tuple(words))) if words[:1] == ["cdk"] else None
