"""Builds ``checker/data/github_api.json``: the operations of GitHub's REST API, and what a job's token needs for each.

The operations come from GitHub's own OpenAPI description, in the npm package ``@octokit/openapi`` 23.0.2 (28 MB). It is
not among the project's dependencies: unpack it somewhere, and name its file::

    npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
    python -m tools.github_api package/generated/api.github.com.json

The description says which part of the API an operation belongs to, and not which permission it needs: that is in the
tables below, from GitHub Docs, "Permissions required for GitHub Apps"
(https://docs.github.com/rest/authentication/permissions-required-for-github-apps, read in November 2026), for the parts
that pipelines use. ``GITHUB_TOKEN`` is a GitHub App's token, with the permissions that ``permissions:`` can name
(GitHub Docs, "Workflow syntax for GitHub Actions"); what needs another one, it may never do.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).resolve().parent.parent / "checker" / "data" / "github_api.json"
VERBS: Final = ("get", "post", "put", "patch", "delete")
NEVER: Final = "never"
# Part of the API -> the scope that reading needs with `read` and everything else with `write`.
_SCOPES: Final[Mapping[tuple[str, str | None], str]] = {
    **{("actions", part): "actions" for part in ("artifacts", "cache", "workflow-jobs", "workflow-runs", "workflows")},
    ("branches", "branches"): "contents",
    **{("checks", part): "checks" for part in ("runs", "suites")},
    ("commits", "commits"): "contents",
    ("commits", "statuses"): "statuses",
    ("code-scanning", "code-scanning"): "security-events",
    ("code-scanning", None): "security-events",
    **{("deployments", part): "deployments" for part in ("deployments", "statuses")},
    **{("git", part): "contents" for part in ("blobs", "commits", "refs", "tags", "trees")},
    **{("issues", part): "issues" for part in ("assignees", "comments", "events", "issues", "labels", "milestones")},
    ("pages", "pages"): "pages",
    **{("pulls", part): "pull-requests" for part in ("comments", "pulls", "review-requests", "reviews")},
    **{("releases", part): "contents" for part in ("assets", "releases")},
    ("repos", "attestations"): "attestations",
    ("repos", "commits"): "contents",
    ("repos", "contents"): "contents",
}
# Parts for which no scope of `permissions:` is enough: administration, secrets, variables, webhooks.
_NEVER: Final = frozenset(
    {("actions", "secrets"), ("actions", "variables"), ("actions", "self-hosted-runners"), ("actions", "permissions"),
     ("branches", "branch-protection"), ("collaborators", "invitations"), ("dependabot", "secrets"),
     ("deploy-keys", "deploy-keys"), ("repos", "autolinks"), ("repos", "webhooks"),
     ("codespaces", "repository-secrets")}
)  # fmt: skip
_REPO: Final = "/repos/{owner}/{repo}"
# Operations that differ from their part: the same page, and each operation's own.
_SINGLE: Final[Mapping[str, str]] = {
    f"POST {_REPO}/dispatches": "contents:write",
    f"PUT {_REPO}/pulls/{{pull_number}}/merge": "contents:write",
    f"GET {_REPO}": "",
    f"PATCH {_REPO}": NEVER,
    f"DELETE {_REPO}": NEVER,
    f"GET {_REPO}/tags": "",
    f"GET {_REPO}/environments": "actions:read",
    f"GET {_REPO}/environments/{{environment_name}}": "actions:read",
    f"PUT {_REPO}/environments/{{environment_name}}": NEVER,
    f"DELETE {_REPO}/environments/{{environment_name}}": NEVER,
    f"GET {_REPO}/commits/{{commit_sha}}/pulls": "",
    f"POST {_REPO}/branches/{{branch}}/rename": "contents:write",
    f"POST {_REPO}/pages": NEVER,
    f"PUT {_REPO}/pages": NEVER,
    f"DELETE {_REPO}/pages": NEVER,
    f"POST {_REPO}/check-suites/{{check_suite_id}}/rerequest": "checks:write",
    f"GET {_REPO}/issues/comments/{{comment_id}}": "issues:read|pull-requests:read",
    f"POST {_REPO}/rulesets": NEVER,
    f"PUT {_REPO}/rulesets/{{ruleset_id}}": NEVER,
    f"DELETE {_REPO}/rulesets/{{ruleset_id}}": NEVER,
    f"PUT {_REPO}/collaborators/{{username}}": NEVER,
    f"PUT {_REPO}/topics": NEVER,
    f"GET {_REPO}/actions/runs/{{run_id}}/pending_deployments": "actions:read",
    f"POST {_REPO}/actions/runs/{{run_id}}/pending_deployments": "deployments:write",
}
# Issues and pull requests share their comments, labels and assignees: either scope will do.
_EITHER: Final = ("issues",)


def build(description: Mapping[str, Any]) -> dict[str, Any]:
    """The table: ``[METHOD PATH, operation id, permissions]`` per operation; a permission is ``scope:level``.

    In a path ``{name#}`` is a whole number and ``{name*}`` may hold slashes. Permissions are empty where none is needed
    or none is known, ``never`` where no job's token has it, and separated by ``|`` where one of several is enough.
    """
    return {"source": f"@octokit/openapi {description['info']['version']}", "operations": list(_rows(description))}


def _rows(description: Mapping[str, Any]) -> Iterator[list[str]]:
    shared = description["components"]["parameters"]
    for path, operations in sorted(description["paths"].items()):
        for verb in VERBS:
            if verb in operations:
                operation = operations[verb]
                parameters = [shared[each["$ref"].rsplit("/", 1)[-1]] if "$ref" in each else each
                              for each in operation.get("parameters", ())]  # fmt: skip
                call = f"{verb.upper()} {path}"
                yield [f"{verb.upper()} {_marked(path, parameters)}", operation["operationId"], _needs(call, operation)]


def _marked(path: str, parameters: list[Mapping[str, Any]]) -> str:
    marks = {
        each["name"]: "*" if each.get("x-multi-segment") else "#" if each["schema"].get("type") == "integer" else ""
        for each in parameters
        if each["in"] == "path"
    }
    return re.sub(r"\{(\w+)\}", lambda found: f"{{{found[1]}{marks.get(found[1], '')}}}", path)


def _needs(call: str, operation: Mapping[str, Any]) -> str:
    if call in _SINGLE:
        return _SINGLE[call]
    where = operation["x-github"]
    part = (where["category"], where.get("subcategory"))
    if part in _NEVER:
        return NEVER
    if part not in _SCOPES or f" {_REPO}" not in call:
        return ""
    level = "read" if call.startswith("GET ") else "write"
    if part[0] in _EITHER and part[1] != "milestones":
        return f"issues:{level}|pull-requests:{level}"
    return f"{_SCOPES[part]}:{level}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tools.github_api OPENAPI.json", file=sys.stderr)
        return 2
    table = build(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    rows = ",\n".join(json.dumps(row) for row in table["operations"])
    text = f'{{"source": {json.dumps(table["source"])}, "operations": [\n{rows}\n]}}\n'
    TARGET.write_text(text, encoding="utf-8")
    print(f"wrote {len(table['operations'])} operations, {len(text) // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
