"""From nothing to an account in which everything runs, and back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from checker.collect.templates.synthesis import own_assembly
from checker.lab import assembly, release, server, stacks
from checker.lab.clients import KEY, Clients
from checker.lab.server import Lab
from checker.model.environments import EnvironmentKind
from checker.model.settings import Settings
from checker.resolve.templates.discovery import assign

DEFAULT_ACCOUNT: Final = "111111111111"
DEFAULT_REGION: Final = "us-east-1"


def up(
    project: Path, settings: Settings, *, source: Path | None, port: int, say: Callable[[str], None]
) -> tuple[Lab, Path]:
    """Start a lab and deploy the project's assembly, or another; the lab, and the assembly as it was deployed.

    A lab of the project that still runs is ended first: its account is replaced, never mixed. Where anything fails the
    new one is ended as well.
    """
    server.require()
    source = source or own_assembly(project, settings, say)
    down(project)
    folder = project / server.FOLDER
    path = assembly.copied(source, folder / "assembly")
    account, region = _place(path)
    say("starting the emulated account …")
    lab = server.start(folder / "emulator", account=account, region=region, port=port)
    server.remember(project, lab)
    try:
        fill(Clients(lab), path, settings, say)
    except BaseException:
        down(project)
        raise
    return lab, path


def fill(clients: Clients, path: Path, settings: Settings, say: Callable[[str], None]) -> None:
    """Deploy an assembly into a running lab, and what its pipeline would have brought."""
    for stack in assembly.stacks_of(path):
        assembly.replace_everywhere(path, assembly.moved_tags(stack.template, settings.bootstrap_tags, release.COMMIT))
    stacks.deploy(clients, path, _order(path, settings), say)
    say("releasing …")
    release.release(clients)


def _place(path: Path) -> tuple[str, str]:
    """Account and region of an assembly: the first that it names."""
    named = assembly.stacks_of(path)
    account = next((stack.account for stack in named if stack.account), DEFAULT_ACCOUNT)
    return account, next((stack.region for stack in named if stack.region), DEFAULT_REGION)


def _order(path: Path, settings: Settings) -> Sequence[str]:
    """What environments share comes before them."""
    assigned = assign(assembly.stacks_of(path), {}, settings.stacks)
    found, kinds = assigned.stacks, assigned.kinds
    return [
        stack.name for stack in sorted(found, key=lambda each: kinds[each.environment] is not EnvironmentKind.SHARED)
    ]


def down(project: Path) -> bool:
    """End the project's lab and remove its files. False where none ran."""
    lab = server.remembered(project)
    ended = lab is not None and server.stop(lab)
    server.forget(project)
    shutil.rmtree(project / server.FOLDER, ignore_errors=True)
    return ended


def deployed(project: Path) -> Path:
    """The assembly as it was deployed in the project's lab."""
    folder = project / server.FOLDER / "assembly"
    if (folder / "manifest.json").exists():
        return folder
    return next(iter(sorted(folder.iterdir())))


def variables(lab: Lab) -> dict[str, str]:
    """What points an AWS client at a lab, and at nothing else."""
    return {
        "AWS_ENDPOINT_URL": lab.endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": lab.region,
        "AWS_DEFAULT_REGION": lab.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": server.HOST,
    }


UNSET: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN")
"""Variables that would send a client elsewhere, or make it refuse the lab's key."""
