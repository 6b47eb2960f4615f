"""Calls that may fail because of what comes after: what was waited for is asked how it ended, or an answer is shown to
a person and nothing else is done with it.

``aws cloudformation wait ... || true``, then ``describe-stacks`` and an exit by its answer: the wait only takes its
time, and nothing is passed over.
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, every
from checker.model.pipeline.handling import Stream
from checker.model.pipeline.scripts import AwsCall, How, Trace, plain_name

# What names the subject of a wait, as the call that asks for its state does.
_SUBJECTS: Final = (
    *("stackName", "services", "tasks", "cluster", "deploymentId", "changeSetName", "functionName"),
    *("id", "dbInstanceIdentifier", "dbClusterIdentifier", "loadBalancerArns", "instanceIds", "tableName"),
)
_UNTOLD: Final = Open("whether the script looks at how it ended is not followed: what it asks right after may tell")


def told_after(trace: Trace, wait: AwsCall) -> Answer:
    """Whether a script that passes over a wait's failure ends with a failure all the same, where what it waits for
    fails: by the answer of a call that asks for the state of the same thing."""
    seen = False
    answer: Answer = NO
    for each in trace.aws:
        seen = seen or each is wait
        if seen and _asks_the_same(each, wait):
            # The wait may have failed because its time was up.
            found = every((each.handling.notices, each.handling.unended))
            if found is YES:
                return YES
            if isinstance(found, Open) and _is_taken(each):
                answer = _UNTOLD
    return answer


def _asks_the_same(call: AwsCall, wait: AwsCall) -> bool:
    return (
        any(name in call.arguments for name in map(plain_name, _SUBJECTS))
        and call.step is wait.step
        and call.how is How.CLI
        and (call.service, call.operation) == (wait.service, wait.operation)
        and all(call.argument(name) == wait.argument(name) for name in _SUBJECTS)
    )


def _is_taken(call: AwsCall) -> bool:
    """Whether its answer is handed to somebody, not only shown."""
    taken = call.handling
    return bool(taken.captured or taken.piped or taken.inside or taken.tested) or taken.stdout is Stream.FILE


# `V=$(aws ... || echo "none yet")`, and no other variable in the line.
_TAKES: Final = lazy_re.compile(r"(\w+)=[\"']?\$\((?P<call>[^()`]+)\)[\"']?")
# A line that prints into the log, or into the run's summary.
_SHOWS: Final = lazy_re.compile(
    r"(?:echo|printf)\b(?!.*::(?:set-|save-|add-path))[^|&;`<>()]*(?:>>\s*[\"']?\$\{?GITHUB_STEP_SUMMARY\}?[\"']?)?"
)
# What may take up what is printed: a function, a group or a loop whose output goes somewhere, other text of a shell.
_TAKEN_UP: Final = lazy_re.compile(
    r"\w\s*\(\)|^\s*function\s|^\s*(?:\}|\)|done|fi|esac)\s*[|>]|\beval\b|\bexec\b|^\s*(?:source|\.)\s|\bset\s+-[a-z]*a",
    re.MULTILINE,
)


def only_told(call: AwsCall) -> bool:
    """Whether a step's own script keeps what a call answers in a variable that nothing but printed lines name: then
    neither the answer nor what stands for it decides anything."""
    step = call.step
    if step is None or step.run is None or call.spot.file != step.spot.file:
        return False
    text = step.run.text.replace("\\\n", " ")
    if _TAKEN_UP.search(text):
        return False
    lines = [line.strip() for line in text.splitlines()]
    taking = [each for line in lines if (each := _TAKES.fullmatch(line)) and _is_of(call, each["call"])]
    if len(taking) != 1:
        return False
    if taking[0][1] in step.env:
        return False  # then programs that it starts see it
    named = re.compile(rf"\b{taking[0][1]}\b")
    return all(_SHOWS.fullmatch(line) for line in lines if named.search(line) and line != taking[0][0])


def _is_of(call: AwsCall, written: str) -> bool:
    source = " ".join(call.source.split())
    return bool(source) and " ".join(written.split()).startswith(source)
