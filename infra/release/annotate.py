"""What was deployed when and by whom, in the release's own text.

The text stays editable where releases are immutable; only their assets freeze (GitHub Docs, immutable releases). Each
run has one block, between markers that a reader does not see; a repeated run writes its own block again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.release.console import printable
from infra.release.github import GitHub, Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    environment: str
    kind: str
    sha: str
    by: str
    at: str
    """ISO 8601, UTC."""
    run_id: str
    run_url: str


def annotated(body: str, deployment: Deployment) -> str:
    """A release's text with this deployment's block; unchanged if it has it, the time apart."""
    start = f"<!-- deployment {deployment.environment} {deployment.kind} run {deployment.run_id} -->"
    end = f"<!-- end of deployment run {deployment.run_id} -->"
    if start in body and end in body and f"`{deployment.sha}`" in body.partition(start)[2].partition(end)[0]:
        return body
    kept = re.sub(rf"\n*{re.escape(start)}.*?{re.escape(end)}\n*", "\n", body, flags=re.DOTALL).rstrip()
    verb = "Rolled back to" if deployment.kind == "rollback" else "Deployed to"
    block = (
        f"{start}\n**{verb} {'in ' if deployment.kind == 'rollback' else ''}{deployment.environment}** "
        f"`{deployment.sha}` at {deployment.at} by {_plain(deployment.by)} ([run]({deployment.run_url}))\n{end}\n"
    )
    return f"{kept}\n\n{block}" if kept else block


def annotate(github: GitHub, release: Release, deployment: Deployment) -> bool:
    """Write the block; whether anything had to be written."""
    body = annotated(release.body, deployment)
    if body == release.body:
        return False
    github.set_body(release, body)
    return True


def _plain(name: str) -> str:
    """A user's name, as text that Markdown gives no meaning to. Bots have brackets in theirs."""
    return re.sub(r"[^A-Za-z0-9\[\]._-]", "?", printable(name)).replace("[", "\\[")
