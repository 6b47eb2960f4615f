"""Calls that the emulator does not know, answered as an account answers in which nothing of the kind was set.

An account without an answer is one of which nothing can be said; these have one in every account of AWS.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ministack import app as server
from ministack.services import alb, iam

_App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

_ECR: Final = "AmazonEC2ContainerRegistry_V20150921"


def apply() -> None:
    server.app = _answering(server.app)
    alb._ACTION_MAP["DescribeListenerCertificates"] = _listener_certificates
    details = iam._IAM_HANDLERS["GetAccountAuthorizationDetails"]
    iam._IAM_HANDLERS["GetAccountAuthorizationDetails"] = lambda asked: _with_boundaries(details(asked))


def _answer(target: str) -> tuple[int, dict[str, Any]] | None:
    """Status and document of a call by its X-Amz-Target, ``None`` where the emulator has an answer of its own."""
    registry = os.environ.get("MINISTACK_ACCOUNT_ID", "")
    match target.split("."):
        case ["AnyScaleFrontendService", "DescribeScalableTargets"]:
            return 200, {"ScalableTargets": []}
        case ["AnyScaleFrontendService", "DescribeScalingPolicies"]:
            return 200, {"ScalingPolicies": []}
        case [ecr, "GetRegistryScanningConfiguration"] if ecr == _ECR:
            # What a registry has as long as nobody sets another (Amazon ECR User Guide, Image scanning).
            return 200, {"registryId": registry, "scanningConfiguration": {"scanType": "BASIC", "rules": []}}
        case [ecr, "GetLifecyclePolicyPreview"] if ecr == _ECR:
            return 400, {"__type": "LifecyclePolicyPreviewNotFoundException", "message": "No preview was started."}
    return None


def _answering(known: _App) -> _App:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers: Mapping[bytes, bytes] = dict(scope.get("headers", ())) if scope["type"] == "http" else {}
        answer = _answer(headers.get(b"x-amz-target", b"").decode("latin-1"))
        if answer is None:
            await known(scope, receive, send)
            return
        status, document = answer
        shown = [(b"content-type", b"application/x-amz-json-1.1")]
        await send({"type": "http.response.start", "status": status, "headers": shown})
        await send({"type": "http.response.body", "body": json.dumps(document).encode()})

    return app


def _with_boundaries(answer: Any) -> Any:
    """The boundary of a role stands in its details as well (IAM API Reference, RoleDetail)."""
    status, headers, body = answer
    for role in iam._roles.values():
        boundary = role.get("PermissionsBoundary")
        if boundary:
            at = f"<Arn>{role['Arn']}</Arn>".encode()
            kind = "<PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
            arn = f"<PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn>"
            shown = f"<PermissionsBoundary>{kind}{arn}</PermissionsBoundary>"
            body = body.replace(at, at + shown.encode())
    return status, headers, body


def _listener_certificates(parameters: Mapping[str, Any]) -> Any:
    """The certificates of a listener: its default one, as long as nobody adds others."""
    listener = alb._listeners.get(alb._p(parameters, "ListenerArn"))
    if listener is None:
        return alb._error("ListenerNotFound", "One or more listeners not found")
    shown = "".join(
        f"<member><CertificateArn>{arn}</CertificateArn><IsDefault>true</IsDefault></member>"
        for arn in listener.get("Certificates") or ()
    )
    return alb._xml(200, "DescribeListenerCertificates", f"<Certificates>{shown}</Certificates>")
