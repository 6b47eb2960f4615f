"""Servers on loopback: the environment's health endpoints, and as much of GitHub's API as a release uses."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import listening

REPOSITORY = "kcjonson/doc-platform"


@dataclass(slots=True)
class Answers:
    """What a server says: by `METHOD path` a status and a document, or a list of these, one after the other."""

    routes: dict[str, tuple[int, object] | list[tuple[int, object]]] = field(default_factory=dict)
    seen: list[tuple[str, object]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, call: str, body: object) -> tuple[int, object]:
        self.seen.append((call, body))
        route = self.routes.get(call, (404, {"message": "Not Found"}))
        if isinstance(route, list):
            return route.pop(0) if len(route) > 1 else route[0]
        return route


@contextmanager
def serving(answers: Answers) -> Iterator[Answers]:
    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body: Any = self.rfile.read(length) if length else None
            if body and self.headers.get("Content-Type") == "application/json":
                body = json.loads(body)
            answers.headers.append(dict(self.headers))
            status, document = answers.answer(f"{self.command} {self.path}", body)
            data = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            if isinstance(document, str):
                self.send_header("Location", document)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_POST = _reply  # noqa: N815 - the names that the library calls

        def log_message(self, *_: object) -> None:
            return

    with listening(Handler) as address:
        answers.url = f"http://{address}"
        yield answers


@dataclass(slots=True)
class FakeGitHub:
    """Tags and releases of one repository, as the REST API shows them."""

    answers: Answers
    bodies: dict[int, str] = field(default_factory=dict)

    def _path(self, rest: str) -> str:
        return f"/repos/{REPOSITORY}/{rest}"

    def tag(self, tag: str, sha: str, *, annotated: bool) -> None:
        reference: dict[str, object] = {"type": "commit", "sha": sha}
        if annotated:
            tag_object = f"{int(sha, 16) ^ 1:040x}"
            self.answers.routes[f"GET {self._path(f'git/tags/{tag_object}')}"] = (200, {"object": reference})
            reference = {"type": "tag", "sha": tag_object}
        self.answers.routes[f"GET {self._path(f'git/ref/tags/{tag}')}"] = (200, {"object": reference})

    def release(self, number: int, tag: str, body: str) -> None:
        document = {"id": number, "tag_name": tag, "body": body}
        for path in (f"releases/{number}", f"releases/tags/{tag}"):
            self.answers.routes[f"GET {self._path(path)}"] = (200, document)
        self.answers.routes[f"PATCH {self._path(f'releases/{number}')}"] = (200, document)

    def written(self) -> list[str]:
        patched = [body for call, body in self.answers.seen if call.startswith("PATCH")]
        return [str(body["body"]) for body in patched if isinstance(body, dict)]
