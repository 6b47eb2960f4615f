"""The command line, as argparse sees it."""

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from infra import naming
from infra.environments import ENVIRONMENTS
from infra.release.errors import UsageError
from infra.release.running import SHA
from infra.release.secrets import BY_PERSON

_EPILOG = """exit codes: 0 done, or nothing to do · 1 the answer is no, or the step failed · 2 usage · 71 AWS or GitHub
refused or did not answer · 72 refused before any change · 73 the deadline passed · 74 services run different versions ·
75 another roll-out took over · 130 interrupted · otherwise the exit code of the task that `migrate` or `seed` ran"""


def parser() -> argparse.ArgumentParser:
    text = "The release commands. Each may be repeated: what is done already is left alone."
    top = argparse.ArgumentParser(prog="python -m infra.release", description=text, epilog=_EPILOG)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, *, environment: bool = True, sha: bool = False) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, epilog=_EPILOG)
        if environment:
            made.add_argument("--environment", required=True, choices=sorted(ENVIRONMENTS))
        if sha:
            made.add_argument("--sha", required=True, type=full_sha, help="the release's full commit SHA")
        return made

    resolve = command("resolve", "The commit that a release tag, or the head of a branch, names.", environment=False)
    what = resolve.add_mutually_exclusive_group(required=True)
    what.add_argument("--tag")
    what.add_argument("--branch")
    resolve.add_argument("--expect", type=full_sha, help="also give newest=true or false: is it this commit?")
    resolve.add_argument("--workflow", type=full_sha, metavar="SHA", help="the workflow's own commit: must be this")

    outputs = command("outputs", "Outputs of a stack.", environment=False)
    outputs.add_argument("--environment", required=True, choices=[*sorted(ENVIRONMENTS), "shared"])
    outputs.add_argument("names", nargs="*", metavar="NAME", help="all, if none is named")

    verify = command("verify-images", "Whether a commit's images are all there.", environment=False, sha=True)
    verify.add_argument("--image", dest="images", action="append", choices=naming.IMAGES, help="only this; repeatable")
    verify.add_argument("--report", action="store_true", help="give present=true or false instead of failing")

    promote = command("promote", "Tag a commit's images with the release.", environment=False, sha=True)
    promote.add_argument("--tag", required=True)

    preflight = command("preflight", "What must hold before a deployment starts.")
    preflight.add_argument("--bootstrap", action="store_true", help="what must hold before a bootstrap instead")
    preflight.add_argument("--sha", type=full_sha, help="the release's full commit SHA")
    preflight.add_argument("--started", type=moment, help="when the release began, as `resolve` gave it")
    _despite(preflight)
    now = command("running", "What runs: sha, released=true or false, and places for `restore`.")
    now.add_argument("--expect", type=sha_or_nothing, metavar="SHA", help="fail unless this runs; empty: nothing")
    settle = command("settle", "Wait until CloudFormation has finished with the environment's stack.")
    settle.add_argument("--deadline", type=seconds, default=5400.0, help="seconds  [5400]")
    settle.add_argument("--cancel", metavar="STACK", help="the stack's name: take an update of it back")

    migrate = command("migrate", "Run the migrations of a commit.", sha=True)
    migrate.add_argument("--deadline", type=seconds, default=2700.0, help="seconds  [2700]; the runner's own is 1800")
    migrate.add_argument(
        "--database", choices=tuple(naming.MIGRATION_TASKS), help="only this one; needed for everything but `up`"
    )
    _began_with(migrate)
    migrate.add_argument("arguments", nargs="*", help="instead of `up`: `status`, or `down --to NNNN`, after `--`")
    seed = command("seed", "Run the api's image once with another command. Not in production.", sha=True)
    seed.add_argument("--deadline", type=seconds, default=1800.0, help="seconds  [1800]")
    seed.add_argument("arguments", nargs="+", help="the command, after `--`")

    _rolling(command)
    _afterwards(command)
    _by_people(command)
    return top


def _rolling(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Commands that set services."""
    roll = command("roll", "Bring all services to a commit, or all back if one fails.", sha=True)
    roll.add_argument("--deadline", type=seconds, default=4200.0, help="seconds for the way there  [4200]")
    roll.add_argument("--back-deadline", type=seconds, default=1500.0, help="seconds for the way back  [1500]")
    roll.add_argument("--rollback", action="store_true", help="in reverse order, whatever is in progress or in alarm")
    roll.add_argument("--together", action="store_true", help="all at once. Not in production")
    _began_with(roll)
    _despite(roll)
    restore = command("restore", "Put back what ran when a release began, if it did not get to its end.", sha=True)
    restore.add_argument("--places", required=True, help="as `running` gave it")
    restore.add_argument("--running", required=True, type=sha_or_nothing, metavar="SHA", help="what ran then")
    restore.add_argument("--deadline", type=seconds, default=1500.0, help="seconds  [1500]")


def _began_with(to: argparse.ArgumentParser) -> None:
    text = "what ran when the release began, empty for nothing: refuse if something else runs now"
    to.add_argument("--running", type=sha_or_nothing, metavar="SHA", help=text)


def _despite(to: argparse.ArgumentParser) -> None:
    text = "why the release may go on without alarms that would roll it back"
    to.add_argument("--despite-alarms", default="", metavar="REASON", help=text)


def _afterwards(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Commands that look at what was done, and tell of it."""
    smoke = command("smoke", "Whether both health endpoints answer.")
    smoke.add_argument("--url", help="instead of the environment's own")
    smoke.add_argument("--deadline", type=seconds, default=300.0, help="seconds for each endpoint  [300]")

    annotate = command("annotate", "Write the deployment into the release's text.", sha=True)
    annotate.add_argument("--tag", required=True)
    annotate.add_argument("--release-id", type=int, help="looked up by tag if not given")
    annotate.add_argument("--kind", choices=("deploy", "rollback"), default="deploy")

    before = command("previous-evidence", "Fetch the evidence pack of the release before.", environment=False)
    before.add_argument("--tag", required=True, help="this release's")
    before.add_argument("--out", required=True, type=Path, metavar="FILE")

    publish = command(
        "publish-evidence", "Attach the evidence pack, or say in the text where it is.", environment=False
    )
    publish.add_argument("--tag", required=True)
    publish.add_argument("--pack", required=True, type=Path, metavar="FILE")
    publish.add_argument("--attestation", default="", metavar="URL", help="where its signature can be seen")

    metrics = command("metrics", "Tell CloudWatch what became of a deployment.", sha=True)
    metrics.add_argument("--kind", choices=("deploy", "rollback"), default="deploy")
    # As GitHub says it: a job that took too long was cancelled.
    metrics.add_argument("--result", required=True, choices=("success", "failure", "cancelled"))
    metrics.add_argument("--started", required=True, type=moment, help="as `resolve` gave it")


def _by_people(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Commands that no workflow runs: the deploy role may do none of this."""
    empty = command("empty-buckets", "Delete all that an environment's buckets hold. Not in production.")
    empty.add_argument("--confirm", required=True, metavar="STACK", help="the name of the environment's stack")
    secrets = command("secrets", "Set and check the secrets that a person sets.", environment=False)
    actions = secrets.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="whether each was set; reads no value")
    put = actions.add_parser("set", help="set one, from standard input")
    put.add_argument("--name", required=True, choices=sorted(BY_PERSON))
    put.add_argument("--generate", action="store_true", help="a random value instead")
    put.add_argument("--replace", action="store_true", help="even if something was encrypted with the old one")
    for action in (check, put):
        action.add_argument("--environment", required=True, choices=sorted(ENVIRONMENTS))


def full_sha(text: str) -> str:
    if not SHA.fullmatch(text):
        raise argparse.ArgumentTypeError("a full commit SHA has 40 hexadecimal digits")
    return text


def sha_or_nothing(text: str) -> str:
    return full_sha(text) if text else ""


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < 86400:
        raise argparse.ArgumentTypeError("a number of seconds below one day")
    return value


def moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise argparse.ArgumentTypeError("a time with its offset, such as 2026-03-01T12:00:00+00:00")
    return value


def refuse_in_production(environment: str, option: str) -> None:
    if environment == "production":
        raise UsageError(f"{option} is not for production", fix="Leave it out.")
