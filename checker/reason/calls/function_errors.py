"""Whether somebody looks at how a function ended that a pipeline invokes.

A function that fails is no failure of the call: Lambda answers 200 with ``FunctionError``, and the error's text as the
payload (AWS Lambda API Reference, "Invoke"). The AWS CLI writes the payload into a file, the rest to its output, and
ends well.
"""

from __future__ import annotations

from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.scripts import AwsCall, Command, How, Trace
from checker.model.possible import shown

_SHOWS: Final = frozenset({"cat", "echo", "printf", "tee", "head", "tail", "less", "rm", "mkdir", "ls"})
_JQ: Final = frozenset({"jq", "gojq", "jaq", "yq"})
_ASKS: Final = lazy_re.compile(r"-\w*e\w*|--exit-status")  # jq: its exit status tells of null and false
_UNSEEN: Final = Open("what becomes of its answer is not followed")


def in_background(call: AwsCall) -> bool:
    """Whether a function is told to run by itself: the answer tells nothing of how it ended."""
    return call.argument("invocationType") in ("Event", "event")


def looked_at(call: AwsCall, trace: Trace) -> Answer:
    """Whether something that the job does after the call can fail by what it answered."""
    if call.how is How.SDK:
        return call.handling.notices
    if call.how is not How.CLI:
        return _UNSEEN
    index = next(at for at, each in enumerate(trace.actions) if each is call)
    later = [each for each in trace.actions[index + 1 :] if isinstance(each, Command)]
    if call.handling.captured or call.handling.inside:
        return _UNSEEN
    if call.handling.piped:
        return YES if later and _can_fail(later[0]) else NO
    own = [each for each in trace.actions[:index] if isinstance(each, Command) and each.spot == call.spot]
    files = {shown(call.text("0")), *(shown(write.target) for each in own for write in each.writes)}
    names = {name for each in files if (name := each.rpartition("/")[2]) and not each.startswith("/dev/")}
    readers = [each for each in later if any(name in each.text() for name in names)]
    if any(map(_can_fail, readers)):
        return YES
    # What is copied, or printed into something else, may be looked at there.
    return _UNSEEN if any(each.handling.piped or each.handling.captured for each in readers) else NO


def _can_fail(command: Command) -> bool:
    """Whether a command's end, or what is made of it, depends on what it reads."""
    if command.handling.captured or command.handling.inside or command.handling.tested:
        return True
    if command.program in _JQ:
        return any(isinstance(word, str) and _ASKS.fullmatch(word) for word in command.words[1:])
    return command.program not in _SHOWS
