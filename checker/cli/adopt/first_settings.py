"""A project's first ``checker.toml``: what was found stands in it, what was not stands there as a comment. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field


class Discovered(Struct, frozen=True, kw_only=True):
    """What the project tells of itself. ``app`` is the command of its CDK app, where ``cdk.json`` names one."""

    repository: str = ""
    default_branch: str = ""
    default_branch_is_fact: bool = False
    github_environments: Sequence[str] = ()
    stacks: Mapping[str, str] = field(default_factory=dict)
    unnamed: Sequence[str] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    app: str = ""
    assembly_missing: bool = False


def text(found: Discovered) -> str:
    """The file. Each key has a line that says what it is for; docs/checker-toml.md has them all."""
    lines = [
        "# What the checker cannot discover, or what somebody should look at once. All of it is optional.",
        "",
        "# The repository, as GitHub's OIDC tokens name it.",
        _key("repository", found.repository, "OWNER/REPO"),
        "# The branch that only reviewed changes reach. Its tokens, and those of v* tags, may deploy.",
        *_branch(found),
        "# GitHub environments whose tokens may deploy: those of workflows that bear the name of an environment here.",
        _list("github_environments", found.github_environments, ["production"]),
    ]
    if found.app:
        why = "It has no assembly yet. " if found.assembly_missing else ""
        lines += [
            f"# The CDK app is `{_line(found.app)}`. {why}With this the checker synthesizes by itself, which runs the",
            "# project's code; without it, it judges the assembly that lies there.",
            '# synthesis_command = ["npx", "cdk", "synth", "--quiet"]',
        ]
    lines += [
        "",
        "# Which stack is of which environment, as its name or folder says. Correct what is wrong.",
        "[stacks]",
    ]
    lines += [f"{json.dumps(name)} = {json.dumps(environment)}" for name, environment in sorted(found.stacks.items())]
    lines += [f'# {json.dumps(name)} = "…"  # nothing names its environment' for name in found.unnamed]
    if not (found.stacks or found.unnamed):
        lines.append('# MyStack = "production"')
    lines += [
        "",
        "# What an environment is for: production and other are judged strictly, staging may be torn down, shared is",
        "# deployed once and used by the others.",
        "[environment_kinds]",
    ]
    lines += [f"{json.dumps(name)} = {json.dumps(kind)}" for name, kind in sorted(found.kinds.items())]
    lines += [
        "",
        "# What is not judged, and why: an example, or what another tool judges.",
        "[exclude]",
        '# "docs/example.yaml" = "an example"',
    ]
    return "\n".join(lines) + "\n"


def _branch(found: Discovered) -> list[str]:
    key = _key("default_branch", found.default_branch, "main")
    if found.default_branch_is_fact or not found.default_branch:
        return [key]
    return [
        "# A guess: this clone does not tell which branch origin serves (`git remote set-head origin --auto`).",
        key,
    ]


def _key(name: str, value: str, example: str) -> str:
    # JSON's strings are TOML's basic strings.
    return f"{name} = {json.dumps(value)}" if value else f"# {name} = {json.dumps(example)}"


def _list(name: str, values: Iterable[str], example: list[str]) -> str:
    found = list(values)
    return f"{name} = {json.dumps(found)}" if found else f"# {name} = {json.dumps(example)}"


def _line(value: str) -> str:
    return " ".join(value.split())[:200]
