"""Where a job asks what a tag names: for the commit, or for the tag's own object.

An annotated tag is an object of its own, which names the commit. ``git rev-parse TAG``, ``git ls-remote`` and GitHub's
``git/ref/tags/TAG`` answer with that object's id, which no image, artifact or deployment is called after.
Sources: Git documentation, git-rev-parse ("Specifying revisions", ``<rev>^{<type>}``), git-show-ref
(``--dereference``), git-ls-remote, git-for-each-ref (``*objectname``); GitHub REST API, "Git references", "Git tags".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, alike, either, negated, yes_if
from checker.model.environment_words import words
from checker.model.pipeline.handling import Stream
from checker.model.pipeline.scripts import Argument, AwsCall, Command
from checker.model.possible import OneOf, Possible, leaves, options, shown
from checker.model.values import Hole, Text, pieces
from checker.reason.github.requests import Request, requests_of

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.scripts import CdkCommand, Trace

    Place: TypeAlias = "EffectiveStep | Command | AwsCall | CdkCommand"

_TAG_WORDS: Final = frozenset({"tag", "tags", "version", "release"})
_OTHER_WORDS: Final = frozenset({"sha", "commit", "branch", "head", "base", "hash"})
_EITHER_WORDS: Final = frozenset({"ref", "revision", "rev"})
_VERSION: Final = lazy_re.compile(r"v?\d+\.\d+(?:\.\d+)?(?:[-+.][\w.-]+)?")
_PEELED: Final = lazy_re.compile(r"\^\{(?:commit|)\}|\^0|~\d*")
_NO_ID: Final = lazy_re.compile(r"--(?:abbrev-ref|symbolic|show-|git-dir|git-common|is-|absolute|git-path|local-env)")
_SHA_OF_OBJECT: Final = lazy_re.compile(r"object\W{1,4}sha\b|object\s*:\s*\{\s*sha\b")
_REF: Final = lazy_re.compile(r"git/(?:ref|refs|matching-refs)/tags/")
_FIRST_COLUMN: Final = lazy_re.compile(r"\bcut\b.*-f ?1\b|print \$1\b|head -c|cut -c|\bsed\b")
_VALUED: Final = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})


_WHICH_PART: Final = Open("which part of the answer is used")


class TagRead(Struct, frozen=True):
    """One question for what a tag names. ``commit`` is whether the answer is the commit."""

    place: Place
    asked: str
    commit: Answer


def tag_reads(job: EffectiveJob, trace: Trace) -> Iterator[TagRead]:
    """Every place of a job where a tag is turned into an id that is then used."""
    for index, action in enumerate(trace.actions):
        if isinstance(action, Command):
            yield from _command(action, trace, index, job)
    yield from _objects_in_values(trace)
    for step in job.steps:
        if step.runs is not NO and step.step.action == "actions/github-script":
            written = step.step.with_.get("script")
            yield from _script(step, str(written.value) if written is not None else "")
    for command, text in trace.javascript:
        yield from _script(command, text)


# --- git --------------------------------------------------------------------------------------------------------------


def _command(command: Command, trace: Trace, index: int, job: EffectiveJob) -> Iterator[TagRead]:
    if command.program == "git":
        yield from _git(command, trace, index, job)
    elif (
        command.program == "cat"
        and any(".git/refs/tags/" in shown(word) for word in command.words[1:])
        and _is_used(command, trace, index)
    ):
        yield TagRead(command, "the file of a tag's reference", commit=NO)
    for request in requests_of(command):
        read = _request(request, trace, index, job)
        if read is not None:
            yield read


def _git(command: Command, trace: Trace, index: int, job: EffectiveJob) -> Iterator[TagRead]:
    given = list(command.words[1:])
    while given and isinstance(given[0], str) and given[0].startswith("-"):
        del given[: 2 if given[0] in _VALUED else 1]
    if not given:
        return
    name, arguments = given[0], given[1:]
    flags = " ".join(str(word) for word in arguments if isinstance(word, str) and word.startswith("-"))
    named = [word for word in arguments if not (isinstance(word, str) and word.startswith("-"))]
    asked = f"git {name}"
    if name == "rev-parse" and not _NO_ID.search(flags):
        for word in named:
            tag = is_tag(word, job)
            if tag is not NO and (_is_peeled(word) or _is_used(command, trace, index)):
                right = _is_peeled(word) or _peeled_later(trace, index)
                yield TagRead(command, asked, commit=YES if right else negated(tag))
    elif name in {"rev-list", "log"} and any(is_tag(word, job) is YES for word in named) and command.handling.captured:
        yield TagRead(command, asked, commit=YES)
    elif name == "ls-remote" and (tags := [word for word in named[1:] if is_tag(word, job) is YES]):
        line = _line(trace, command)
        if any(map(_is_peeled, tags)) or "^{}" in line.replace("\\", ""):
            yield TagRead(command, asked, commit=YES)
        elif _FIRST_COLUMN.search(line):
            yield TagRead(command, asked, commit=NO)
        elif command.handling.captured and not command.handling.piped:
            yield TagRead(command, asked, commit=Open("which of its answer's words is used"))
    elif name in {"show-ref", "for-each-ref", "tag"} and _is_used(command, trace, index):
        yield from _listed(command, name, flags, any(is_tag(word, job) is YES for word in named))


def _listed(command: Command, name: str, flags: str, of_tag: bool) -> Iterator[TagRead]:
    """Commands that list references with what they point at."""
    text = command.text()
    if name == "show-ref" and of_tag and re.search(r"(?:^|\s)(?:--hash|-[a-z]*s)", flags):
        yield TagRead(command, "git show-ref", commit=yes_if("-d" in flags.split() or "--dereference" in flags))
    elif name != "show-ref" and "objectname" in text and (name == "tag" or "refs/tags" in text):
        yield TagRead(command, f"git {name}", commit=yes_if("*objectname" in text))


def _is_peeled(word: Possible) -> bool:
    return bool(_PEELED.search(_literal_end(word)))


def _literal_end(word: Possible) -> str:
    last = pieces(word)[-1] if isinstance(word, str | Text) else ""
    return last if isinstance(last, str) else ""


def is_tag(word: Possible, job: EffectiveJob) -> Answer:
    """Whether a revision that is named so is a tag."""
    return alike((_option(option, job) for option in options(word) or (None,)), f"whether {shown(word)} is a tag")


def _option(option: object, job: EffectiveJob) -> Answer:
    if not isinstance(option, str | Text):
        return Open("which revision is meant")
    first = pieces(option)[0]
    if isinstance(first, str) and first.startswith(("refs/tags/", "tags/")):
        return YES
    if isinstance(option, str):
        return yes_if(_VERSION.fullmatch(_PEELED.sub("", option)) is not None)
    if isinstance(first, str) and first.startswith(("refs/heads/", "origin/", "refs/remotes/")):
        return NO
    return either(_hole(hole, job) for hole in option.holes)


def _hole(hole: Hole, job: EffectiveJob) -> Answer:
    text = hole.shown
    if re.search(r"\bgit (?:describe|tag)\b", text) or "release.tag_name" in text:
        return YES
    if re.search(r"github\.ref\b|github\.ref_name|GITHUB_REF\b|GITHUB_REF_NAME", text):
        on_tag = [yes_if(str(start.ref).startswith("refs/tags/")) for start in job.starts]
        return alike(on_tag, f"whether {text} is a tag") if on_tag else NO
    name = re.split(r"[.\[]", text.strip("${} )").split("||")[0].strip())[-1]
    spoken = set(words(name))
    if spoken & _OTHER_WORDS:
        return NO
    if spoken & _TAG_WORDS:
        return YES
    return Open(f"whether {text} is a tag") if spoken & _EITHER_WORDS else NO


def _is_used(command: Command, trace: Trace, index: int) -> bool:
    """Whether what it prints goes anywhere: a question whether a tag is there takes no id from the answer."""
    handling = command.handling
    if command.spot.file.endswith(".py"):
        return any("rev-parse" in hole.shown or "show-ref" in hole.shown for hole in _holes_after(trace, index))
    if handling.stdout in {Stream.DISCARDED}:
        return False
    return bool(handling.captured) or handling.inside or handling.piped or handling.stdout is Stream.FILE


def _peeled_later(trace: Trace, index: int) -> bool:
    """Whether a later git command asks for the commit of what this one printed."""
    later = [each for each in trace.actions[index + 1 :] if isinstance(each, Command) and each.program == "git"]
    for command in later:
        peels = command.words[1:2] in (("rev-list",), ("cat-file",), ("log",))
        for word in command.words:
            asks = isinstance(word, Text) and any("rev-parse" in hole.shown for hole in word.holes)
            if asks and (peels or _is_peeled(word)):
                return True
    return False


def _line(trace: Trace, command: Command) -> str:
    """All that stands in the same pipeline, as one text."""
    same = [each for each in trace.commands if each.spot.file == command.spot.file and each.step is command.step]
    return "\n".join(each.text() for each in same if abs(each.spot.line - command.spot.line) <= 3)


# --- GitHub's API -----------------------------------------------------------------------------------------------------


def _request(request: Request, trace: Trace, index: int, job: EffectiveJob) -> TagRead | None:
    place, path = request.command, request.path
    if "graphql" in path and re.search(r"refs/tags|\btag", request.text) and re.search(r"target\s*\{", request.text):
        right = bool(re.search(r"on (?:Tag|Commit)\b", request.text)) or "commit" in request.text
        return TagRead(place, "a query for a tag's target", commit=yes_if(right))
    if re.search(r"/commits/", path) and is_tag(_last_part(request.url), job) is YES:
        return TagRead(place, "the commit of a tag", commit=YES)
    if not _REF.search(path):
        return None
    asked = "GitHub's reference of a tag"
    later = [each for other in trace.commands if other is not place for each in requests_of(other)]
    if any("git/tags/" in each.path for each in later):
        return TagRead(place, asked, commit=YES)
    after = [each.text() for each in trace.commands if each.step is place.step and each is not place]
    if _SHA_OF_OBJECT.search(request.text) or any(_SHA_OF_OBJECT.search(text) for text in after):
        return TagRead(place, asked, commit=NO)
    if any(_SHA_OF_OBJECT.search(hole.shown) for hole in _holes_after(trace, index)):
        return TagRead(place, asked, commit=NO)
    handling = place.handling
    taken = place.program == "http" or handling.captured or handling.piped or handling.inside
    if not taken or handling.stdout is Stream.DISCARDED:
        return None
    return TagRead(place, asked, commit=_WHICH_PART)


def _last_part(url: Possible) -> Possible:
    if not isinstance(url, Text):
        return shown(url).rpartition("/")[2]
    last = url.parts[-1]
    return Text((last,)) if isinstance(last, Hole) else last.rpartition("/")[2]


_LIBRARY: Final = lazy_re.compile(r"get_git_ref\(f?\W{0,3}(?:refs/)?tags/.*object\.sha|\btags\[.*\]\.object\.hexsha")


def _objects_in_values(trace: Trace) -> Iterator[TagRead]:
    """What Python libraries give for a tag, where something is done with it."""
    for action in trace.actions:
        if any(_LIBRARY.search(hole.shown) for hole in _holes(action)):
            yield TagRead(action, "the object of a tag's reference", commit=NO)
            return


_COMMENT: Final = lazy_re.compile(r"(?<!:)//[^\n]*|/\*.*?\*/", re.DOTALL)


def _script(place: Place, code: str) -> Iterator[TagRead]:
    """JavaScript of ``actions/github-script``, or of a program: read as text, for it is followed by nobody."""
    text = _COMMENT.sub("", code)
    asks = re.search(r"\bgetRef\s*\(|git/refs?/|listMatchingRefs\s*\(|matching-refs", text) and "tags/" in text
    if asks:
        peels = re.search(r"\bgetTag\s*\(|git/tags/|object\.type\b|\bgetCommit\s*\(", text)
        taken = re.search(r"object\??\.sha\b|object\s*:\s*\{\s*sha\b|object\[.sha.\]", text)
        yield TagRead(
            place,
            "GitHub's reference of a tag",
            commit=YES if peels else NO if taken else Open("which part of the answer is used"),
        )
    elif re.search(r"\bgetCommit\s*\(", text) and re.search(r"tag", text, re.IGNORECASE):
        yield TagRead(place, "the commit of a tag", commit=YES)


# --- values -----------------------------------------------------------------------------------------------------------


def _holes_after(trace: Trace, index: int) -> Iterator[Hole]:
    for action in trace.actions[index + 1 :]:
        yield from _holes(action)
    for output in trace.outputs:
        yield from _holes_of(output.value)


def _holes(action: Place) -> Iterator[Hole]:
    if isinstance(action, Command):
        for word in (*action.words, *action.environment.values()):
            yield from _holes_of(word)
    elif isinstance(action, AwsCall):
        for argument in action.arguments.values():
            yield from _holes_of(argument)


def _holes_of(value: Argument) -> Iterator[Hole]:
    for each in leaves(value):
        for option in each.options if isinstance(each, OneOf) else (each,):
            if isinstance(option, Text):
                yield from option.holes
