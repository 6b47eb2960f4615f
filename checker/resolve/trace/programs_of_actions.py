"""Actions that are a program's command under another name or run one that they are given, and images that a step names
in an action's place.

Sources: Liquibase's github-action-generator and its liquibase-github-action, README; red-gate/flyway-actions and
joshuaavalon/flyway-action, README; ariga/atlas-action, ``action.yml`` of ``migrate/apply``,
``migrate/down`` and ``schema/apply``; nick-fields/retry, Wandalen/wretry.action, addnab/docker-run-action and
Jtalk/url-health-check-action, README;
GitHub documentation, "Workflow syntax", ``jobs.<job_id>.steps[*].uses``,
``with.args`` and ``with.entrypoint``, and "Dockerfile support for GitHub Actions" (all of a step's variables are in the
container, and the workspace is its folder).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES
from checker.model.possible import Possible, joined, shown, truth
from checker.model.values import Hole, Text, pieces, text

# Words and the folder that they are run in.
Made = tuple[tuple[Possible, ...], Possible]
_LIQUIBASE: Final = "liquibase-github-actions/"
_OLD_LIQUIBASE: Final = "liquibase/liquibase-github-action"
_FLYWAY: Final = frozenset({"red-gate/flyway-actions/migrations/deploy", "joshuaavalon/flyway-action"})
_ATLAS: Final = {
    "ariga/atlas-action/migrate/apply": ("migrate", "apply"),
    "ariga/atlas-action/migrate/down": ("migrate", "down"),
    "ariga/atlas-action/schema/apply": ("schema", "apply"),
}
# They run a command again when it fails, and fail with its last run.
_RETRIES: Final = frozenset({"nick-fields/retry", "nick-invision/retry", "wandalen/wretry.action"})
_ATTEMPTS: Final = 2  # of Wandalen/wretry.action, where nothing is said; nick-fields/retry has to be told
# The same in the shell. How often is nothing that anybody asks: there is a bound, which the action does not go without.
# A shell of its own runs the command each time, so that its `set -e` holds.
_LOOP: Final = """attempt=1
until bash -c "$1"; do
  if [ "$attempt" -ge 3 ]; then exit 1; fi
  attempt=$((attempt + 1))
  sleep 1
done"""
# What has them run another command, or go on after a failure.
_OTHERWISE: Final = ("action", "on_retry_command", "new_command_on_retry", "pre_retry_command")
_HEALTH: Final = "jtalk/url-health-check-action"
_IN_IMAGE: Final = "addnab/docker-run-action"
_OF_ATLAS: Final = ("url", "dir", "config", "env", "tx-mode", "exec-order", "to-version", "revisions-schema", "to")
_IMAGE: Final = "docker://"
_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_HUMP: Final = lazy_re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUOTES: Final = lazy_re.compile(r"[\"'\\]")


def as_command(uses: str, given: Mapping[str, Possible]) -> Made | None:
    """What such an action runs; ``None`` for any other. ``given``: its inputs, as they are written."""
    if uses.startswith(_IMAGE):
        return _image(uses.removeprefix(_IMAGE), given)
    action = uses.partition("@")[0].lower()
    if action.startswith(_LIQUIBASE):
        options = (joined([f"--{_HUMP.sub('-', name).lower()}=", value]) for name, value in given.items())
        return ("liquibase", action.removeprefix(_LIQUIBASE), *options), ""
    if action == _OLD_LIQUIBASE:
        return ("liquibase", given.get("operation", "")), ""
    if action in _FLYWAY:
        return ("flyway", "migrate"), given.get("working-directory") or ""
    if action in _ATLAS:
        return _atlas(_ATLAS[action], given)
    if action in _RETRIES:
        return _again(given)
    if action == _HEALTH:
        return _asked(given)
    if action == _IN_IMAGE:
        words, script, image = _words(given.get("options", "")), given.get("run", ""), given.get("image", "")
        shell = given.get("shell") or "sh"
        return None if words is None or not script else (("docker", "run", *words, image, shell, "-c", script), "")
    return None


def _again(given: Mapping[str, Possible]) -> Made | None:
    """The command that is run until it succeeds; ``None`` where another may be run, or its failure be passed over."""
    if not given.get("command") or truth(given.get("continue_on_error", False)) is not NO:
        return None
    if any(given.get(name) not in (None, "") for name in _OTHERWISE):
        return None
    if given.get("shell", "bash") not in {"bash", "sh"}:
        return None
    folder = given.get("working_directory") or given.get("current_path") or ""
    attempts = given.get("max_attempts", given.get("attempt_limit", _ATTEMPTS))
    if str(attempts).strip() == "1":
        return ("bash", "-c", given["command"]), folder
    return ("bash", "-c", _LOOP, "retry", given["command"]), folder


def _asked(given: Mapping[str, Possible]) -> Made | None:
    """``curl``, which fails where an address does not answer well after all its attempts."""
    url, attempts = given.get("url", ""), str(given.get("max-attempts", 1))
    if not attempts.isdecimal() or url == "":
        return None
    again: tuple[Possible, ...] = ("--retry", str(int(attempts) - 1)) if int(attempts) > 1 else ()
    every = ("--retry-all-errors",) if truth(given.get("retry-all", False)) is YES else ()
    urls = url.split("|") if isinstance(url, str) else [url]
    return ("curl", "--fail", *again, *every, *urls), ""


def _atlas(command: tuple[str, ...], given: Mapping[str, Possible]) -> Made:
    words: list[Possible] = ["atlas", *command]
    words += [joined([f"--{name}=", given[name]]) for name in _OF_ATLAS if given.get(name) not in (None, "")]
    words += ["--dry-run"] if truth(given.get("dry-run", False)) is not NO else []
    words += [given["amount"]] if given.get("amount") not in (None, "") else []
    return tuple(words), given.get("working-directory") or ""


def _image(image: str, given: Mapping[str, Possible]) -> Made | None:
    """``docker run``, with what a runner hands into a container."""
    words = _words(given.get("args", ""))
    if words is None:
        return None
    entry = given.get("entrypoint")
    program: tuple[Possible, ...] = ("--entrypoint", entry) if entry not in (None, "") else ()
    handed = [f"--env={name}" for name in _KEYS]
    return ("docker", "run", *handed, "--volume=.:/github/workspace", *program, image, *words), ""


def _words(written: Possible) -> tuple[Possible, ...] | None:
    """The words of ``args``; ``None`` where quotes or what is not known make it unclear where each ends."""
    if not isinstance(written, str | Text) or _QUOTES.search(shown(written)):
        return None
    found: list[list[str | Hole]] = [[]]
    for part in pieces(written):
        if isinstance(part, Hole):
            found[-1].append(part)
            continue
        first, *more = re.split(r"\s+", part)
        found[-1].append(first)
        found.extend([each] for each in more)
    return tuple(text(word) for word in found if any(word))
