"""Where the failure of an AWS call passes for an answer: what the trace says of how each call's failure is taken.

A call that is refused, throttled or cut off says nothing about what it was asked. A script that goes on all the same
has read "access denied" as "not there", or as "done".
"""

from __future__ import annotations

import re
from typing import Final

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either
from checker.model.pipeline.handling import PROGRAM_TOO_LONG, SCRIPT_TOO_LONG, Handling, Stream
from checker.model.pipeline.scripts import AwsCall, Command, How, Trace
from checker.model.pipeline.within import ASKED
from checker.model.possible import shown
from checker.model.secrets.values import is_secret_name
from checker.model.values import Absent
from checker.reason.calls.allowed_failures import allowed_by_job, allowed_by_step, given, read_by_others

_READS: Final = lazy_re.compile(
    r"(?:Describe|Get|List|Head|BatchGet|BatchCheck|Search|Filter|Lookup|Query|Scan|Test|Simulate|Detect|ls$)"
)
# What may fail without any harm: what is thrown away anyway, and what is only told.
_CLEANS: Final = lazy_re.compile(
    r"(?:Delete|BatchDelete|Remove|Stop|Terminate|Deregister|Cancel|Untag|Detach|Disassociate|Release|Abort|rm$|rb$)"
)
_TELLS: Final = frozenset({"PutMetricData", "PutEvents", "PutLogEvents", "Publish", "CreateLogStream", "PutDashboard"})
# Ways into a network that are open while something else goes through them, and fails where they are not.
# Of the AWS CLI both are commands of its own.
_TUNNELS: Final = frozenset({"StartSession", "start-session", "ExecuteCommand", "execute-command"})
_SHOWS: Final = lazy_re.compile(r"\s*(?:echo|printf|cat)\b[^|&;$`]*+(?:\$\{?\w++\}?[^|&;$`]*+)*+")
_GIVES_TEXT: Final = lazy_re.compile(r"\s*(?:\S*/)?(?:ba|da|z)?sh\b(?:\s+-\w+)*\s+-\w*c\s")
# Logs that are read are shown to a person.
_SHOWN: Final = frozenset({"GetLogEvents", "FilterLogEvents", "StartLiveTail", "tail"})
# A log-in's output goes to another command, which fails without it.
# What is asked for secrets, by its API's name or the command line's.
_SECRETS: Final = lazy_re.compile(
    r"Get(?:Secret|Parameter|SessionToken|FederationToken)|Decrypt|(?i:get-secret|get-parameter)"
)
_ENGINES: Final = lazy_re.compile(r"(?:^|/)(?:docker|podman|nerdctl|buildah)$")
_PASSWORDS: Final = frozenset({"GetAuthorizationToken", "get-login-password", "get-login"})
# What an `except` names that takes what boto3 raises (Boto3 documentation, "Error handling"), or what a program that
# fails does (Python documentation, "subprocess"); `finally` that leaves, a context manager that may swallow what goes
# through it.
_OF_AWS: Final = lazy_re.compile(
    r"\b(?:ClientError|BotoCoreError|WaiterError|CalledProcessError|SubprocessError|Exception|BaseException|finally|with)\b"
)
_HARMLESS: Final = lazy_re.compile(r"\s*(?:true|:|echo\b.*|printf\b.*|exit 0|return 0)\s*;?\s*", re.DOTALL)

_ASKS: Final = lazy_re.compile(r"\s*(?:\[\[?\s|test\s|case\s|[ef]?grep\s|\{\s*(?:\[\[?\s|test\s|[ef]?grep\s))")

# What is said to a person instead of an answer: a few words, or that there is none. A number, or one word else, is an
# answer.
_NONE: Final = r"(?:(?i:unknown|n/a|none|nothing|unavailable|failed|error)|\?|-+)"
_TOLD: Final = lazy_re.compile(
    r"""\s*(?:echo|printf)\s+(?:(["'])(?:[^"'$`\\]*[^\W\d]\s+[^\W\d][^"'$`\\]*|\(?"""
    rf"""{_NONE}\)?)\1|{_NONE})\s*"""
)
# One word of letters and digits, as nobody writes an answer.
_GENERATED: Final = lazy_re.compile(r"""\s*(?:echo|printf)\s+["']?(?=\S*\d)(?=\S*[A-Za-z])[^\s"']{8,}["']?\s*""")


def reads(call: AwsCall) -> bool:
    """Whether it only asks: its answer, or its failure, is all that comes of it."""
    return (_READS.match(call.operation) is not None or _fetches(call, "-")) and not waits(call)


def _fetches(call: AwsCall, to: str = "") -> bool:
    """Whether it copies out of a bucket, to standard output or into a file (AWS CLI Command Reference, ``s3 cp``)."""
    if call.service != "s3" or call.operation not in {"cp", "sync"}:
        return False
    source, target = call.text("0"), call.text("1")
    into = target == to if to else isinstance(target, str) and not target.startswith("s3://")
    return into and shown(source).startswith("s3://") if not isinstance(source, Absent) else False


def waits(call: AwsCall) -> bool:
    return call.how in {How.CLI_WAITER, How.SDK_WAITER}


def misread(call: AwsCall, trace: Trace) -> str | None:
    """What the script takes a failure of this call for, as a sentence; ``None`` where it takes it for a failure.

    Empty where that cannot be told. ``trace`` is that of its job.
    """
    if _after_failure(call) or _does_no_harm(call):
        return None
    if not reads(call) and call.operation not in _TUNNELS and call.handling.late is NO and call.handling.ends is YES:
        what = "a wait" if waits(call) else "a change"
        return f"When its time is up, the script ends well: {what} that was cut off counts as one that was made."
    if may_be_allowed(call) is YES:
        what = (
            "a wait that fails counts as one that worked" if waits(call) else "a change that is refused counts as made"
        )
        if allowed_by_job(call) is YES:
            return f"Its job may fail and the run ends well all the same (continue-on-error): {what}."
        return f"Its step may fail and the job ends well all the same (continue-on-error): {what}."
    found = read_by_others(call, trace) if reads(call) else None
    if found is None:
        found = _by_its_handling(call, trace)
    taken = call.handling
    if found is None and reads(call):
        found = _lost_to_reader(call, trace)
    if found is None and reads(call) and taken.ends is not YES and taken.turns is YES:
        return "Whatever it fails of, the script goes another way and ends well: a refusal passes for an answer."
    if found is None and reads(call) and taken.ends is not YES:
        found = _by_what_is_told(taken)
    left_off = found is None and not_followed(taken) is not None and (not reads(call) or _is_used(taken))
    return "" if left_off else found


def not_followed(taken: Handling) -> Open | None:
    """Why it is not known how a script goes on after a failure, where that was left off: perhaps as if all is well."""
    ends = taken.ends
    return ends if not taken.stops and isinstance(ends, Open) and ends in (SCRIPT_TOO_LONG, PROGRAM_TOO_LONG) else None


def _is_used(taken: Handling) -> bool:
    """Whether something hangs on the answer, or on whether there is one: what is only shown is for a person, and a loop
    that waits for an answer goes on until there is one."""
    asked = taken.captured or taken.inside or taken.piped or taken.caught
    return bool(asked) or taken.tested not in {"", "while", "until"} or taken.stdout is not Stream.SHOWN


def _by_what_is_told(taken: Handling) -> str | None:
    """Of a program that ends well where its failure ends well, and puts out something else then."""
    if taken.retold is YES:
        return "Whatever it fails of, its program tells something else and ends well: a refusal passes for an answer."
    return "" if taken.retold is ASKED else None


def matters(call: AwsCall) -> bool:
    """Whether something comes of its failure: it changes or waits, and is no clean-up."""
    return not (reads(call) or _after_failure(call) or _does_no_harm(call))


def may_be_allowed(call: AwsCall) -> Answer:
    """Whether its failure is allowed to its step or job, and nobody asks; no where nothing comes of that."""
    if not matters(call):
        return NO
    return either((allowed_by_job(call), allowed_by_step(call)))


def _by_its_handling(call: AwsCall, trace: Trace) -> str | None:
    taken = call.handling
    if taken.stops:
        found = _in_tested_function(call) or _in_handler(call)
        # What runs beside the rest keeps its failure to itself, unless somebody asks for it; a trap may end all well.
        return _unnoticed(call, trace) if found is None and not reads(call) else found
    if taken.ends is YES:
        return None
    if taken.swallowed:
        return f"The exception is caught ({_caught(taken)}) and the program goes on as if it had been answered."
    if taken.fallback and taken.tested == "or":
        return _after_fallback(call, trace)
    if not reads(call):
        return _unnoticed(call, trace)
    if _keeps_message(taken) and taken.ends is not NO:
        return None  # where every way goes on, nothing tells one failure from another
    if taken.tested in {"if", "while", "and", "not", "until"}:
        return _as_condition(call)
    if (taken.captured or taken.inside) and not taken.background and (taken.lost or not taken.errexit):
        return _as_empty(taken)
    return None


_PACKS: Final = ("cloudformation", "package")  # without the template that it writes, the deploy behind it fails


def _unnoticed(call: AwsCall, trace: Trace) -> str | None:
    """A change that may be refused, after which the script does all the same, and ends well."""
    taken = call.handling
    # Where other things decide how the script ends, this failure is swallowed all the same if it makes no difference.
    idle = taken.idle is YES
    goes_on = idle or taken.ends is NO or (waits(call) and passes_over(taken))
    turns = taken.turns if goes_on else YES
    if not goes_on or (turns is not NO and taken.adds is not NO) or (taken.background and call.operation in _TUNNELS):
        return None
    if (call.service, call.operation) == _PACKS or any(_asked_later(call, name, trace) for name in taken.left):
        return None
    if turns is not NO:
        what = "a wait that fails" if waits(call) else "a change that is refused"
        return f"After {what} the script leaves out the rest and ends well: nothing says that it failed."
    what = _counts_as_made(call)
    how = "ends as it would have ended" if idle else "ends well"
    return f"{what}: nothing asks how it ended, and the script {how}."


def _counts_as_made(call: AwsCall) -> str:
    if waits(call):
        return "A wait that fails counts as one that worked"
    return "A file that is not fetched counts as there" if _fetches(call) else "A change that is refused counts as made"


def passes_over(taken: Handling) -> bool:
    """Whether a script goes on past what fails, and does the same: ``... || true``, ``if ! ...; then echo late; fi``.
    What it asks later may still end it with a failure."""
    asked = taken.tested in {"if", "not", "and"} and not taken.retried
    asked = asked and isinstance(taken.ends, Open) and taken.turns is NO
    return asked or (taken.tested == "or" and taken.ends is not YES)


def _asked_later(call: AwsCall, name: str, trace: Trace) -> bool:
    """Whether a later step may fail by something that this one's script leaves: a file, an output, a variable."""
    step = call.step
    if step is None or call.job is None:
        return False
    outputs = call.job.job.outputs.values()
    named = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    if step.ids and any(named.search(str(each)) for each in outputs):
        return True
    for other in call.job.steps:
        if other.index <= step.index:
            continue
        if any(map(named.search, given(other))):
            return True
        lines = (other.step.run.text if other.step.run is not None else "").splitlines()
        # A line that only shows it asks nothing; the text that a shell is given is among what is followed.
        if any(named.search(line) and not (_SHOWS.fullmatch(line) or _GIVES_TEXT.match(line)) for line in lines):
            return True
    # A script that a later step starts asks as its own lines do.
    later = (each.source for each in trace.commands if each.step is not None and each.step.index > step.index)
    return any(named.search(line) and not _SHOWS.fullmatch(line) for line in later)


def _in_tested_function(call: AwsCall) -> str | None:
    """``x=$(aws ...)`` in a function that ``if`` or ``||`` asks: the function goes on, with nothing in ``x``."""
    taken = call.handling
    if not taken.captured or not taken.tested or taken.ends is not NO:
        return None
    return f"Where its function is tested, its failure does not stop it: ${taken.captured} is empty, and that passes."


def _in_handler(call: AwsCall) -> str | None:
    """``except`` that raises for some errors alone, ``finally`` that returns: gone through, it goes on."""
    taken = call.handling
    if not any(_OF_AWS.search(each) for each in taken.caught) or taken.captured or taken.ends is not NO:
        return None
    return f"The exception is caught ({_caught(taken)}), and access denied passes for one of the answers expected."


_BY_XARGS: Final = lazy_re.compile(r"\s*(?:\S*/)?xargs\b")
_IF_ANY: Final = lazy_re.compile(
    r"\s*(?:\S*/)?xargs(?:\s+(?:-\S+|\d+))*?\s+(?:-[0-9a-zA-Z]*[rIi]|--no-run-if-empty\b|--replace\b)"
)
_HANDED_ON: Final = lazy_re.compile(r"GITHUB_(?:OUTPUT|ENV)\b")


def _lost_to_reader(call: AwsCall, trace: Trace) -> str | None:
    """``aws ... | while read x; do aws ...; done``, ``aws ... | sed ... >> $GITHUB_OUTPUT``: where it fails, what reads
    it gets nothing, changes less or hands nothing on, and the script ends well."""
    taken = call.handling
    if not (taken.piped and taken.lost and taken.ends is NO) or taken.captured or taken.inside:
        return None
    actions = (each for each in trace.actions if each.step is call.step and isinstance(each, AwsCall | Command))
    readers = [each for each in actions if call.spot in each.handling.fed_by]
    if any(isinstance(each, Command) and _runs_anyhow(each) for each in readers):
        return None  # without the words that it gets from there, what it runs fails
    for reader in readers:
        if isinstance(reader, AwsCall) and matters(reader):
            done = f"{reader.service} {reader.operation}"
            return (
                f"Without `pipefail` its failure is lost in the pipe: {done} behind it gets nothing, and all ends well."
            )
        if isinstance(reader, Command) and _hands_on(reader):
            return "Without `pipefail` its failure is lost in the pipe, and what later steps are handed is empty."
    return None


def _runs_anyhow(command: Command) -> bool:
    """Whether it is started by ``xargs``, once where nothing comes in (GNU findutils manual, "Invoking xargs": not with
    ``-r``, nor with ``-I``, where there is nothing to put in)."""
    return _BY_XARGS.match(command.source) is not None and _IF_ANY.match(command.source) is None


def _hands_on(command: Command) -> bool:
    files = [each.target for each in command.writes if not each.operator.startswith("<")]
    files += command.words[1:] if command.program == "tee" else ()
    return any(_HANDED_ON.search(shown(each)) for each in files)


def _after_failure(call: AwsCall) -> bool:
    """Whether it only runs when all is lost: in a handler, or in a step or job that waits for a failure."""
    asked = [call.step.status_functions] if call.step is not None else []
    asked += [call.job.asks] if call.job is not None else []
    return call.reached.on_failure or any(each and each <= {"failure", "cancelled"} for each in asked)


def _does_no_harm(call: AwsCall) -> bool:
    named = call.operation
    return named in _TELLS or named in _SHOWN or named in _PASSWORDS or bool(_CLEANS.match(named))


def _caught(taken: Handling) -> str:
    return taken.caught[-1] if taken.caught else "everything"


def _keeps_message(taken: Handling) -> bool:
    """Whether the error's text is kept, so that the script can tell one failure from another."""
    return (taken.stderr is Stream.MERGED and bool(taken.captured)) or taken.stderr is Stream.FILE


def _after_fallback(call: AwsCall, trace: Trace) -> str | None:
    taken = call.handling
    harmless = _HARMLESS.fullmatch(taken.fallback) is not None
    if waits(call):
        return f"A wait that fails counts as one that succeeded: `|| {_short(taken.fallback)}`."
    if harmless and call.operation == "docker-pull" and _fills_cache(call, trace):
        return None
    if not reads(call):
        if harmless:
            return f"{_counts_as_made(call)}: `|| {_short(taken.fallback)}`."
        return _unnoticed(call, trace)
    # A test that "access denied" passes tells no failure from another: here, or of what is kept, further down.
    asked = _ASKS.match(taken.fallback) is not None or (harmless and not _only_shown(call, trace))
    passed = taken.ends is NO and asked
    tells_apart = _keeps_message(taken) and not passed
    if tells_apart or (_TOLD.fullmatch(taken.fallback) and _only_shown(call, trace)):
        return None
    if taken.captured or taken.piped or not harmless or _HANDED_ON.search(taken.fallback):
        return f"Whatever it fails of, the script goes on with `{_instead(call)}` for an answer."
    return None


def _fills_cache(call: AwsCall, trace: Trace) -> bool:
    """Whether what is pulled is there for the image's next build alone, which does without."""
    step = [each for each in trace.commands if each.step is call.step and _ENGINES.search(each.program)]
    behind = (each for each in step if each.spot.line > call.spot.line and "pull" not in each.words[1:3])
    following = next(behind, None)
    return following is not None and "build" in following.words[1:3]


def _only_shown(call: AwsCall, trace: Trace) -> bool:
    """Whether what it answers, or what stands in for that, is written to the log or the job's summary, and no more."""
    spots = call.handling.shown({each.file for each in call.reached.via})
    showing = [each for each in trace.commands if each.spot in spots]
    return bool(spots) and {each.spot for each in showing} == set(spots) and all(map(_is_for_a_person, showing))


def _is_for_a_person(command: Command) -> bool:
    taken = command.handling
    files = [each for each in command.writes if not each.operator.startswith("<") and each.operator != ">&"]
    summary = all("GITHUB_STEP_SUMMARY" in shown(each.target) for each in files)
    return summary and not (taken.captured or taken.piped or taken.inside)


def _as_condition(call: AwsCall) -> str | None:
    taken = call.handling
    gives_up = taken.ends is NO
    if taken.tested == "until" or (taken.negated and taken.tested == "while"):
        # It is asked again, until a bound or the job's own ends it.
        return "It is asked again up to a bound, and then the script goes on without an answer." if gives_up else None
    if taken.tested == "while":
        return "A failure ends the loop as if what it waits for were over."
    if taken.tested == "if" and taken.retried and not taken.captured and not gives_up:
        return None
    if taken.tested == "and" and not (taken.captured or taken.piped or taken.stdout is Stream.DISCARDED):
        return None
    if taken.tested == "and" and not taken.negated and taken.stdout is not Stream.DISCARDED:
        if taken.piped and not taken.pipefail:
            return "Its failure is lost in the pipe: what reads it gets nothing and may end well, and all goes on."
        left = f"${taken.captured} is empty" if taken.captured else "there is no answer"
        return f"A command left of `&&` does not stop the script where it fails: {left}, and the script goes on."
    return "Its exit status decides whether something is there, and every other failure looks the same."


def _as_empty(taken: Handling) -> str:
    if taken.inside and not taken.captured:
        return "Its failure does not stop the command that its output is a part of: that goes on with nothing instead."
    if not taken.lost and taken.stderr is not Stream.DISCARDED:
        if taken.ends is NO and taken.decides is YES:
            return f"An answer may end the script with a failure, and none does not: ${taken.captured} is empty."
        return ""
    if taken.piped and taken.lost:
        return (
            f"Without `pipefail` the pipeline hides its failure, and ${taken.captured} is what the next command makes."
        )
    return f"Its failure does not stop the script, and ${taken.captured} is empty as if there were nothing."


def _instead(call: AwsCall) -> str:
    """What is run in the call's place, without its words where the answer would be a secret: so is what stands in."""
    fallback = call.handling.fallback
    secret = _SECRETS.match(call.operation) is not None or is_secret_name(call.handling.captured)
    if secret or _GENERATED.fullmatch(fallback):
        return f"{fallback.partition(' ')[0]} ..."
    return _short(fallback)


def _short(fallback: str) -> str:
    return fallback if len(fallback) <= 60 else f"{fallback[:57]}..."
