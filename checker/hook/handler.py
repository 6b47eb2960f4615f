"""What CloudFormation calls before it creates or updates a stack.

Source: CloudFormation Hooks User Guide, "Create Lambda functions to evaluate resources for Lambda Hooks" (November
2026): an answer is due within 30 s; ``hookStatus`` is SUCCESS or FAILED, with ``errorCode`` NonCompliant where the
template was judged and InternalFailure where it could not be; a message is cut off after 4,096 characters; a stack's
template comes by a presigned address in ``requestData.payload``.

What cannot be judged fails closed or open, as ``CHECKER_HOOK_FAILS`` says, and the message says which.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from checker.errors import CheckerError, InputError, printable
from checker.model.verdicts import Outcome, Severity, Verdict

_MOST_TEXT: Final = 4000
_MOST_BYTES: Final = 8 * 1024 * 1024
_SECONDS: Final = 20.0
_KEPT_BACK: Final = 2.0  # seconds of the function's own time for the answer
_HOSTS: Final = (".amazonaws.com", ".amazonaws.com.cn")

_Fetch = Callable[[str], str]


def handler(event: Mapping[str, Any], context: Any = None, *, fetch: _Fetch | None = None) -> dict[str, Any]:
    """The function's entry point."""
    # The guide's syntax of a change set's request writes two names another way than its example does.
    token = str(event.get("clientRequestToken") or event.get("clientRequesttoken") or "")
    seconds = _SECONDS
    if context is not None and hasattr(context, "get_remaining_time_in_millis"):
        seconds = min(seconds, context.get_remaining_time_in_millis() / 1000 - _KEPT_BACK)
    pool = ThreadPoolExecutor(1)
    try:
        status, code, message = pool.submit(_judged, event, fetch or _fetched).result(max(0.1, seconds))
    except LateError:
        status, code, message = _cannot(f"it took more than {seconds:g} s")
    except CheckerError as error:
        status, code, message = _cannot(error.message)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, CloudFormation gets an answer that says so
        status, code, message = _cannot(f"the hook failed ({type(error).__name__})")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    answer = {"hookStatus": status, "message": printable(message, _MOST_TEXT), "clientRequestToken": token}
    return {**answer, "errorCode": code} if code else answer


def _cannot(why: str) -> tuple[str, str, str]:
    """Open only where that was asked for: an unknown word fails closed."""
    if os.environ.get("CHECKER_HOOK_FAILS", "closed") == "open":
        return "SUCCESS", "", f"Not judged, and let through, as configured (fails open): {why}."
    return "FAILED", "InternalFailure", f"Not judged, and refused, as configured (fails closed): {why}."


def _judged(event: Mapping[str, Any], fetch: _Fetch) -> tuple[str, str, str]:
    """Status, error code and message for one request."""
    data = event.get("requestData")
    target = str(data.get("targetType") or data.get("targetName") or "") if isinstance(data, Mapping) else ""
    if str(event.get("actionInvocationPoint", "")).startswith("DELETE"):
        return "SUCCESS", "", "A deletion: nothing is made that could be judged."
    if target not in ("STACK", "CHANGE_SET") or not isinstance(data, Mapping):
        raise InputError(f"the target is {target or 'not named'}: only whole stacks are judged", "Target STACK.")
    payload = data.get("payload")
    if not isinstance(payload, str) or not payload:
        raise InputError("the request names no template", "Target STACK.")
    verdicts = _verdicts(_template(fetch(payload)), event)
    least = Severity(os.environ.get("CHECKER_HOOK_FAIL_ON", Severity.CRITICAL.value))
    crashed = [each for each in verdicts if each.outcome is Outcome.ERROR]
    if crashed:
        raise InputError(f"the rule {crashed[0].finding} crashed", "Report it.")
    failing = [each for each in verdicts if each.outcome is Outcome.FAIL and each.severity.rank <= least.rank]
    if failing:
        return "FAILED", "NonCompliant", _said(failing)
    unknown = sum(each.outcome is Outcome.UNKNOWN for each in verdicts)
    waived = sum(each.outcome is Outcome.WAIVED for each in verdicts)
    return "SUCCESS", "", f"Nothing of severity {least} fails; {waived} waived, {unknown} could not be decided here."


def _said(failing: Sequence[Verdict]) -> str:
    lines = [f"{each.id} {each.subject.name}: {each.violation} {each.fix}".strip() for each in failing]
    shown: list[str] = []
    for line in lines:
        if sum(map(len, shown)) + len(line) > _MOST_TEXT - 200:
            break
        shown.append(line)
    rest = len(lines) - len(shown)
    return "\n".join([*shown, f"and {rest} more"] if rest else shown)


def _template(payload: str) -> Mapping[str, Any]:
    """The template in a payload: ``template`` is its text, JSON or YAML, or the object itself."""
    from checker.collect.documents import parse_json, parse_yaml

    data = parse_json(payload, "the payload").data
    found = data.get("template")
    if isinstance(found, str):
        found = (parse_json if found.lstrip()[:1] == "{" else parse_yaml)(found, "the template").data
    if not isinstance(found, Mapping):
        raise InputError("the payload holds no template", "Target STACK.")
    return found


def _verdicts(template: Mapping[str, Any], event: Mapping[str, Any]) -> list[Verdict]:
    """Judged as the gate judges a bare template, with the settings and waivers that the package brings along."""
    from checker import waivers
    from checker.collect.config.register import load_register
    from checker.collect.documents import Document
    from checker.model.resources import Stack
    from checker.model.verdicts import Surface
    from checker.policies.rules import load
    from checker.resolve.templates.discovery import assign
    from checker.run.judging import judge_stacks
    from checker.run.request import request_for

    request = request_for(Path(os.environ.get("CHECKER_HOOK_PROJECT", "project")).resolve())
    # arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID
    parts = str(event.get("stackId") or event.get("stackID") or "").split(":")
    name = parts[5].split("/")[1] if len(parts) > 5 and "/" in parts[5] else "stack"
    region = parts[3] if len(parts) > 3 else ""
    raw = dict(template)
    stack = Stack(name, name, "", raw, Document(f"stack {name}", raw, "", {}), region=region)
    assigned = assign([stack], {}, request.settings.stacks)
    rules = [rule for rule in load(with_pipeline=False) if Surface.TEMPLATE in rule.surfaces]
    verdicts = judge_stacks(assigned.stacks, assigned.kinds, rules, load_register().findings, settings=request.settings)
    return waivers.apply(verdicts, request.waivers, request.today)[0]


def _fetched(address: str) -> str:
    """The payload behind a presigned address: of AWS's own hosts, over TLS, and of bounded size."""
    from urllib.request import Request, urlopen

    parts = urlsplit(address)
    if parts.scheme != "https" or not (parts.hostname or "").endswith(_HOSTS):
        raise InputError("the payload's address is not one of AWS", "")
    try:
        with urlopen(Request(address), timeout=10) as answer:  # noqa: S310 - https only, checked above
            content = answer.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"the template cannot be fetched ({type(error).__name__})", "") from None
    if len(content) > _MOST_BYTES:
        raise InputError("the template is larger than any that CloudFormation takes", "")
    return str(content.decode("utf-8", "replace"))
