"""A GitHub on loopback: it answers with the shapes that GitHub documents, and refuses in GitHub's ways.

What is documented stands in ``answers.json`` beside this module, which ``tools/github_answers.py`` makes. A document
that a test wants to have answered is held against the schema first, so that no test rests on an invented shape.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import jsonschema

from tests.loopback import listening
from tests.work import HANG_SECONDS

REPOSITORY = "kcjonson/doc-platform"
TOKEN = "a-token-of-the-tests"
_ROOT = f"/repos/{REPOSITORY}"
_ANSWERS = Path(__file__).parent / "answers.json"


@cache
def documented() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_ANSWERS.read_text(encoding="utf-8"))
    return found


@dataclass(slots=True)
class Answer:
    status: int = 200
    document: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Instead of the document."""
    hangs: bool = False


def operation(path: str) -> str:
    """The documented operation that a path is of."""
    rest = path.partition("?")[0].removeprefix(_ROOT).strip("/").split("/")
    match rest:
        case [""]:
            return "/repos/{owner}/{repo}"
        case ["environments", _, last]:
            return f"/repos/{{owner}}/{{repo}}/environments/{{environment_name}}/{last}"
        case ["rulesets", _]:
            return "/repos/{owner}/{repo}/rulesets/{ruleset_id}"
        case ["branches", _, "protection"]:
            return "/repos/{owner}/{repo}/branches/{branch}/protection"
        case _:
            return "/repos/{owner}/{repo}/" + "/".join(rest)


@dataclass(slots=True)
class GitHub:
    """Routes by path below the repository, without the query; with one (``?page=2``) for further pages."""

    routes: dict[str, Answer] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""
    release: threading.Event = field(default_factory=threading.Event)
    """Set when hanging answers may end."""

    def says(self, path: str, document: object, **headers: str) -> None:
        jsonschema.validate(document, documented()[operation(_ROOT + path)]["schema"])
        self.routes[path] = Answer(200, document, headers)

    def refuses(self, path: str, status: int, message: str, **headers: str) -> None:
        self.routes[path] = Answer(status, {"message": message}, {k.replace("_", "-"): v for k, v in headers.items()})

    def answer(self, path: str) -> Answer:
        self.seen.append(path)
        below, _, query = path.removeprefix(_ROOT).partition("?")
        page = next((each for each in query.split("&") if each.startswith("page=")), "")
        return self.routes.get(f"{below}?{page}" if page else below) or Answer(404, {"message": "Not Found"})

    @property
    def environ(self) -> dict[str, str]:
        return {"GITHUB_API_URL": self.url, "GITHUB_TOKEN": TOKEN}


@contextmanager
def serving(github: GitHub) -> Iterator[GitHub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            github.tokens.add(str(self.headers.get("Authorization")))
            answer = github.answer(self.path)
            if answer.hangs:
                github.release.wait(HANG_SECONDS)
                self.close_connection = True
                return
            body = json.dumps(answer.document).encode() if answer.body is None else answer.body
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with listening(Handler) as address:
        github.url = f"http://{address}"
        try:
            yield github
        finally:
            github.release.set()


def protected(github: GitHub) -> GitHub:
    """A repository as it should be: two environments, a branch and tags that only reviewed changes reach."""
    github.says("", {"default_branch": "main", "permissions": {"admin": True}})
    reviewers = [
        {"type": "User", "reviewer": {"login": "a-person"}},
        {"type": "Team", "reviewer": {"slug": "platform-team"}},
    ]
    rules = [
        {"type": "wait_timer", "wait_timer": 5},
        {"type": "required_reviewers", "prevent_self_review": True, "reviewers": reviewers},
        {"type": "branch_policy"},
    ]
    custom = {"protected_branches": False, "custom_branch_policies": True}
    environments = [
        {"name": "production", "protection_rules": rules, "deployment_branch_policy": custom},
        {"name": "staging", "protection_rules": [], "deployment_branch_policy": None},
    ]
    github.says("/environments", {"environments": environments})
    patterns = [{"name": "main", "type": "branch"}, {"name": "v*", "type": "tag"}]
    github.says("/environments/production/deployment-branch-policies", {"branch_policies": patterns})
    for name in ("production", "staging"):
        github.says(f"/environments/{name}/deployment_protection_rules", {"custom_deployment_protection_rules": []})
    github.says("/rulesets", [{"id": 7}, {"id": 8}])
    names = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    branch = {"name": "Main", "target": "branch", "enforcement": "active", "conditions": names}
    github.says("/rulesets/7", {**branch, "rules": [{"type": "pull_request"}, {"type": "deletion"}]})
    names = {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}}
    tags = {"name": "Releases", "target": "tag", "enforcement": "active", "conditions": names, "bypass_actors": []}
    github.says("/rulesets/8", {**tags, "rules": [{"type": each} for each in ("creation", "update", "deletion")]})
    github.refuses("/branches/main/protection", 404, "Branch not protected")
    subject = {"use_default": True, "use_immutable_subject": False, "sub_claim_prefix": f"repo:{REPOSITORY}"}
    github.says("/actions/oidc/customization/sub", subject)
    github.says("/immutable-releases", {"enabled": True, "enforced_by_owner": False})
    return github
