"""From arguments to calls, and from errors to exit codes."""

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import naming
from infra.environments import REGION
from infra.release import (
    annotate,
    arguments,
    buckets,
    evidence,
    images,
    metrics,
    places,
    preflight,
    running,
    secrets,
    services,
    smoke,
    sync,
    tasks,
)
from infra.release.account import Account, calls_reported
from infra.release.console import Clock, Console, Deadline, RealClock
from infra.release.errors import RefusedError, ReleaseError, TaskError, UsageError
from infra.release.github import GitHub, check_tag
from infra.release.outputs import StackState, config, read_stack, stack_name
from infra.release.restore import Restore
from infra.release.roll import Roll

INTERRUPTED: Final = 130


@dataclass(slots=True, kw_only=True)
class Session:
    """What every command works with."""

    options: argparse.Namespace
    environ: Mapping[str, str]
    account: Account
    clock: Clock
    console: Console

    @property
    def environment(self) -> str:
        return str(self.options.environment)

    def stack(self) -> StackState:
        return read_stack(self.account.cloudformation, stack_name(self.environment))

    def deadline(self) -> Deadline:
        return Deadline(self.clock, self.options.deadline)

    def github(self) -> GitHub:
        return GitHub(
            repository=self.required("GITHUB_REPOSITORY"),
            token=self.required("GITHUB_TOKEN"),
            clock=self.clock,
            api=self.environ.get("GITHUB_API_URL") or "https://api.github.com",
        )

    def required(self, name: str) -> str:
        if not self.environ.get(name):
            raise UsageError(f"environment variable {name} is not set", fix=f"Set {name}; in a workflow, under `env:`.")
        return self.environ[name]


def main(
    argv: Sequence[str], environ: Mapping[str, str], *, clock: Clock | None = None, account: Account | None = None
) -> int:
    """Run one command and answer its exit code. Usage errors leave through argparse, with 2."""
    options = arguments.parser().parse_args(argv)
    outputs = environ.get("GITHUB_OUTPUT")
    console = Console(Path(outputs) if outputs else None)
    session = Session(
        options=options,
        environ=environ,
        account=account or Account(REGION),
        clock=clock or RealClock(),
        console=console,
    )
    try:
        with calls_reported():
            _COMMANDS[options.command](session)
    except TaskError as error:
        console.complain(str(error), error.fix)
        return error.code
    except ReleaseError as error:
        console.complain(str(error), error.fix)
        return error.exit_code
    except KeyboardInterrupt:
        console.complain("interrupted", "What was started may go on; run the same command again to see it through.")
        return INTERRUPTED
    return 0


def _resolve(session: Session) -> None:
    options = session.options
    github = session.github()
    sha = github.commit_of_tag(options.tag) if options.tag else github.head_of(options.branch)
    if options.tag:
        github.refuse_prerelease(options.tag)
    if options.workflow and options.workflow != sha:
        raise RefusedError(
            f"the workflow is of commit {options.workflow}, and {options.tag} names {sha}: its steps and the commands "
            "that they run would not be of one version",
            fix=f"Run the workflow as of the tag: gh workflow run ... --ref {options.tag}",
        )
    values = {"sha": sha, "started": session.clock.date().isoformat(timespec="seconds")}
    if options.tag:
        values["tag"] = options.tag
    if options.expect:
        values["newest"] = str(sha == options.expect).lower()
    session.console.give(values)


def _outputs(session: Session) -> None:
    stack = session.stack()
    session.console.give({name: stack[name] for name in session.options.names or sorted(stack.outputs)})


def _verify_images(session: Session) -> None:
    options, say = session.options, session.console.say
    wanted = options.images or naming.IMAGES
    if options.report:
        absent = images.missing(session.account.ecr, options.sha, wanted, say)
        session.console.give({"present": str(not absent).lower()})
    else:
        images.verify(session.account.ecr, options.sha, wanted, say)


def _promote(session: Session) -> None:
    check_tag(session.options.tag)
    images.promote(session.account.ecr, session.options.sha, session.options.tag, session.console.say)


def _preflight(session: Session) -> None:
    options = session.options
    if options.bootstrap:
        preflight.bootstrap(session.account, session.environment, session.console.say)
        return
    if not options.sha:
        raise UsageError("a deployment has a commit", fix="Pass --sha, or --bootstrap.")
    wanted = preflight.Wanted(sha=options.sha, began=options.started, despite=options.despite_alarms)
    preflight.deploy(session.account, session.environment, wanted, session.console.say)


def _running(session: Session) -> None:
    account, environment = session.account, session.environment
    found = services.read(account.ecs, naming.cluster(environment))
    now = running.running(account.ecs, found)
    running.refuse_another(now, session.options.expect)
    version = sync.live(account.lambda_, environment)
    text = places.written({name: places.place_of(service) for name, service in found.items()}, version)
    session.console.give({"sha": now.sha or "", "released": str(now.sha is not None).lower(), "places": text})


def _restore(session: Session) -> None:
    options = session.options
    Restore(
        account=session.account,
        environment=session.environment,
        clock=session.clock,
        say=session.console.say,
        sha=options.sha,
        began_with=options.running,
        seconds=options.deadline,
    ).run(options.places)


def _settle(session: Session) -> None:
    preflight.settle(
        session.account,
        stack_name(session.environment),
        session.deadline(),
        session.console.say,
        cancel=session.options.cancel,
    )


def _migrate(session: Session) -> None:
    options, ecs = session.options, session.account.ecs
    if options.arguments and not options.database:
        raise UsageError("which database is this for?", fix=f"Add --database {' or '.join(naming.MIGRATION_TASKS)}.")
    if options.running is not None:
        now = running.running(ecs, services.read(ecs, naming.cluster(session.environment)))
        running.refuse_another(now, options.running, options.sha)
    deadline = session.deadline()
    for database, task in naming.MIGRATION_TASKS.items():
        if options.database in (None, database):
            session.console.say(f"{database} database:")
            _one_off(session, task, deadline)


def _seed(session: Session) -> None:
    arguments.refuse_in_production(session.environment, "seed")
    _one_off(session, "api", session.deadline())


def _one_off(session: Session, task: str, deadline: Deadline) -> None:
    options = session.options
    wanted = tasks.OneOff(environment=session.environment, task=task, sha=options.sha, command=options.arguments)
    tasks.run(session.account, session.stack(), wanted, deadline, session.console.say)


def _roll(session: Session) -> None:
    options = session.options
    if options.together:
        arguments.refuse_in_production(session.environment, "--together")
    roll = Roll(
        account=session.account,
        clock=session.clock,
        say=session.console.say,
        config=config(session.environment),
        stack=session.stack(),
        sha=options.sha,
        forward_seconds=options.deadline,
        back_seconds=options.back_deadline,
        together=options.together,
        began_with=options.running,
        despite=options.despite_alarms,
    )
    if options.rollback:
        roll.roll_back()
    else:
        roll.release()


def _smoke(session: Session) -> None:
    url = session.options.url or config(session.environment).url
    smoke.check(url, smoke.PATHS, session.options.deadline, session.clock, session.console.say)


def _previous_evidence(session: Session) -> None:
    options = session.options
    check_tag(options.tag)
    found = evidence.previous(session.github(), options.tag, options.out, session.console.say)
    session.console.give({"first": str(not found).lower()})


def _publish_evidence(session: Session) -> None:
    options, github = session.options, session.github()
    if not options.pack.is_file():
        raise UsageError(f"{options.pack}: no such file", fix="Make the pack first: checker evidence.")
    pack = evidence.Pack(file=options.pack, attestation=options.attestation, run_url=_run_url(session))
    evidence.publish(github, github.release_of_tag(options.tag), pack, session.console.say)


def _run_url(session: Session) -> str:
    server = session.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    return f"{server}/{session.required('GITHUB_REPOSITORY')}/actions/runs/{session.required('GITHUB_RUN_ID')}"


def _annotate(session: Session) -> None:
    options, github = session.options, session.github()
    release = github.release(options.release_id) if options.release_id else github.release_of_tag(options.tag)
    if release.tag != options.tag:
        raise UsageError(f"release {release.id} is of {release.tag}, not of {options.tag}")
    run_id = session.required("GITHUB_RUN_ID")
    written = annotate.annotate(
        github,
        release,
        annotate.Deployment(
            environment=session.environment,
            kind=options.kind,
            sha=options.sha,
            by=session.required("GITHUB_ACTOR"),
            at=session.clock.date().isoformat(timespec="seconds"),
            run_id=run_id,
            run_url=_run_url(session),
        ),
    )
    session.console.say(f"release {release.id} ({release.tag}): {'annotated' if written else 'annotated already'}")


def _metrics(session: Session) -> None:
    options = session.options
    now = session.clock.date()
    metrics.emit(
        session.account.logs,
        environment=session.environment,
        kind=options.kind,
        result=options.result,
        sha=options.sha,
        seconds=max(0.0, (now - options.started).total_seconds()),
        at=now,
        run=session.environ.get("GITHUB_RUN_ID") or "by-hand",
        say=session.console.say,
    )


def _secrets(session: Session) -> None:
    options, client = session.options, session.account.secretsmanager
    if options.action == "check":
        secrets.check(client, session.environment, session.console.say)
        return
    value = None if options.generate else _read_value(options.name)
    secrets.put(client, session.environment, options.name, value, replace=options.replace, say=session.console.say)


def _empty_buckets(session: Session) -> None:
    arguments.refuse_in_production(session.environment, "empty-buckets")
    name = stack_name(session.environment)
    if session.options.confirm != name:
        raise UsageError(f"--confirm names {session.options.confirm}, the stack is {name}")
    for bucket in buckets.of_stack(session.account.cloudformation, name):
        buckets.empty(session.account.s3, bucket, session.console.say)


def _read_value(name: str) -> str:
    """One line from standard input, without echo where that is a terminal. Never from an argument: those are listed."""
    text = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read()
    return text.rstrip("\r\n")


_COMMANDS: Final[Mapping[str, Callable[[Session], None]]] = {
    "annotate": _annotate,
    "empty-buckets": _empty_buckets,
    "metrics": _metrics,
    "migrate": _migrate,
    "outputs": _outputs,
    "preflight": _preflight,
    "previous-evidence": _previous_evidence,
    "promote": _promote,
    "publish-evidence": _publish_evidence,
    "resolve": _resolve,
    "restore": _restore,
    "roll": _roll,
    "running": _running,
    "secrets": _secrets,
    "seed": _seed,
    "settle": _settle,
    "smoke": _smoke,
    "verify-images": _verify_images,
}
