"""Whether an image's tag is the release's commit, as the pipeline tags its images.

A value is told by the name of what it holds (``${{ github.sha }}``, ``$(git rev-parse HEAD)``). A tag that is a part of
the commit, or has more than the commit in it, names an image only where one is pushed under a tag of the same form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.pipeline import Pipeline
from checker.model.pipeline.scripts import CACHE, AwsCall, Trace, plain_name
from checker.model.possible import Possible, Scalar, call_behind, options, shown
from checker.model.values import Absent, Answered, CallPlace, Hole, RunValue, Text, pieces, text
from checker.reason.calls.structures import inside

_SHA: Final = lazy_re.compile(
    r"(?<![a-z])(sha|commit|rev[-_ ]?parse|rev[-_ ]?list|head[-_]?commit|git[-_]?rev)(?![a-z])", re.I
)
_MOVES: Final = lazy_re.compile(
    r"(?<![a-z])(latest|stable|ref_name|tag_name|run_number|run_id|head_ref|branch)(?![a-z])"
    r"|(?<![a-z])github[._]ref(?![a-z._])",
    re.I,
)
# What makes a commit shorter: `${SHA:0:7}`, `sha[:7]`, `git rev-parse --short`, `cut -c1-7`, an output `short_sha`.
_SHORT: Final = lazy_re.compile(
    r"(?<![a-z])short|--abbrev|\{[\w-]+:\.\.\.|:\d*:\s*-?\d+\}|\[\s*0?\s*:\s*\d+\s*\]|\bcut\s|\bhead\s+-c|"
    r"substr|slice\(|:\.\d+s?\}|%\.\d+s|%h\b|truncate|trunc\b|tag_sha7",
    re.I,
)
# What makes another text of the commit: `sha.upper()`, `sha[7:]`, `${SHA^^}`, `rev`, a hash of it.
_CHANGED: Final = lazy_re.compile(
    r"\.(?:upper|title|capitalize|swapcase|[lr]just|zfill|center)\(|\[\s*-?[1-9]\d*\s*:\s*\]|\[\s*:\s*:\s*-\d+\s*\]|"
    r"(?<![\w.])(?:reversed|hash|md5|sha1|sha256|crc32)\(|\bhashlib\.|\$\{\w+(?:\^|:\s*-?[1-9]\d*\s*\})|"
    r"\|\s*(?:rev|md5sum|sha\d+sum)\b|\btr\s+\S+\s+['\"]?(?:A-|\[:upper:)|ascii_upcase",
)
# What may: a part up to a sign, a length that only the run knows. White space is none of a commit.
_MAY_CHANGE: Final = lazy_re.compile(
    r"\.(?:replace|translate|r?split|r?partition|removeprefix|removesuffix)\(\s*(?!['\"](?:\s|\\[nrt])*['\"])[^\s)]|"
    r"\[(?!:\w+:\])[^\[\]:]*:[^\[\]]*[A-Za-z_(]|\bre\.sub\(|\$\{\w+[%#/]"
)
# A branch, whose name is the same for every commit on it.
_BRANCH: Final = lazy_re.compile(
    r"--abbrev-ref|--show-current|symbolic-ref|name-rev|(?<![a-z])head[-_]ref(?![a-z])|(?<![a-z])branch(?:[-_]?name)?(?![a-z])",
    re.I,
)
# What the run was started for, by its name alone or as a whole (`${GITHUB_REF##*/}`): a branch, a tag, a pull request.
_REF: Final = lazy_re.compile(r"(?<![a-z])ref[-_]name(?![a-z])|(?<![a-z])github[._]ref(?![a-z._])", re.I)
_ON_BRANCH: Final = ("refs/heads/", "refs/pull/")
# The number of a pull request, which is the same for every commit in it.
_PULL: Final = lazy_re.compile(r"\bgithub\.event\.(?:number|pull_request\.number|issue\.number)\b")
# What a run for a pull request starts with again and again (GitHub documentation, "Events that trigger workflows").
_AGAIN: Final = frozenset({"synchronize", "edited", "labeled", "unlabeled"})
# Another commit than the one that the run is of: one before it, or where a pull request began.
_ANOTHER: Final = lazy_re.compile(
    r"HEAD(?:[~^]|@\{)|merge-base|event\.before\b|\bbase\.sha\b|\bbase_sha\b|--skip", re.I
)

# Source: the README of docker/build-push-action, "Outputs"; depot's is made after it.
_PUTS_OUT_DIGESTS: Final = frozenset({"docker/build-push-action", "depot/build-push-action"})
_DIGEST: Final = lazy_re.compile(r"\$\{\{\s*steps\.([\w-]+)\.outputs\.digest\s*\}\}")


_VARIABLE: Final = lazy_re.compile(r"\$\{\w+\}")


class Mark(Enum):
    """What a position of a tag holds of the commit."""

    WHOLE = "whole"
    PART = "part"


# A tag by what it is made of: two tags of one form name one image, whatever the commit is called where they stand.
Form: TypeAlias = "tuple[str | Mark, ...]"


class Pushed(Struct, frozen=True):
    """The forms of tags that the pipeline pushes, by repository; ``None`` where one of them is not known. ``whole``:
    nothing else can push one, for all was followed that may."""

    forms: dict[str, set[Form] | None]
    # Steps that build an image and put out its digest -> whether it is the commit's: by its tag, or what it is made of.
    built: dict[str, bool]
    looked_up: tuple[AwsCall, ...] = ()  # what asks Amazon ECR for images
    whole: bool = True

    def under(self, repository: str) -> set[Form] | None:
        """Those of a repository, by the last part of its name; of all where it is not known or nothing is pushed to
        that name."""
        if repository in self.forms:
            return self.forms[repository]
        if any(each is None for each in self.forms.values()):
            return None
        return {form for each in self.forms.values() for form in each or ()}

    def commits_alone(self, repository: str) -> bool:
        """Whether a repository's images surely have whole commits for tags, and no others."""
        forms = self.under(repository)
        return self.whole and bool(forms) and all(each == (Mark.WHOLE,) for each in forms or ())


def pushed(pipeline: Pipeline) -> Pushed:
    """What the pipeline's calls push to Amazon ECR."""
    traces = list(map(pipeline.trace, pipeline.jobs))
    found = _pushed_by(call for trace in traces for call in trace.aws)
    return replace(found, whole=not pipeline.elsewhere and all(map(_followed, traces)))


def _followed(trace: Trace) -> bool:
    """Whether a job pushes no image unseen: all of it was followed, or, where it pushes none that is seen, all that
    has credentials."""
    return trace.complete if any(map(_pushes, trace.aws)) else not trace.gaps


def _pushes(call: AwsCall) -> bool:
    pushing = call.service == "ecr" and call.operation in {"docker-push", "PutImage"}
    return pushing and call.argument(CACHE) is not True


def _pushed_by(calls: Iterable[AwsCall]) -> Pushed:
    forms: dict[str, set[Form] | None] = {}
    built: dict[str, dict[int, bool]] = {}  # by the steps' ids, which jobs may share
    looked_up: list[AwsCall] = []
    for call in calls:
        if call.service == "ecr" and call.operation in {"DescribeImages", "BatchGetImage"}:
            looked_up.append(call)
        if not _pushes(call):
            continue
        tags, names = tags_of(call), call.texts("repositoryName")
        for name in names or ("",):
            known = forms.setdefault(_last(name), set())
            if tags is None or known is None:
                forms[_last(name)] = None
            else:
                known.update(form_of(tag) for tag in tags)
        step = call.step
        if step is not None and step.step.id and step.step.action.lower() in _PUTS_OUT_DIGESTS:
            # It puts out one digest for all the tags that it pushes.
            steps = built.setdefault(step.step.id, {})
            as_commit = any(form_of(tag) == (Mark.WHOLE,) for tag in tags or ())
            steps[id(step)] = steps.get(id(step), False) or as_commit or _of_own_code(step)
    return Pushed(forms, {name: all(steps.values()) for name, steps in built.items()}, tuple(looked_up))


# Commands after which the working tree is another commit's.
_MOVED: Final = lazy_re.compile(r"\bgit\b[^\n;|&]*\b(?:checkout|switch|pull|reset|merge|rebase|restore|cherry-pick)\b")


def _of_own_code(step: EffectiveStep) -> bool:
    """Whether an image is built of the run's own commit: of what the job has checked out, which is that. Without a
    ``context`` the action builds the commit of the event.

    Source: the README of docker/build-push-action, "Git context".
    """
    context = step.with_.get("context")
    if isinstance(context, str) and ("://" in context or context.startswith(("git@", "github.com/"))):
        return False
    if context is None and step.step.action.lower().startswith("docker/"):
        return True
    if context is not None and not isinstance(context, str):
        return False
    fetched = False
    for each in step.job.steps[: step.index]:
        if each.step.action.lower() == "actions/checkout":
            ref = each.with_.get("ref")
            own = ref is None or ref == "" or (isinstance(ref, Text) and is_commit(ref) is YES and _is_plain(ref))
            fetched = own and "repository" not in each.with_
        elif each.run is not None and _MOVED.search(each.run.text):
            fetched = False
    return fetched


def _is_plain(ref: Text) -> bool:
    """Whether a commit is the run's, and not one before it."""
    return not any(_ANOTHER.search(hole.shown) for hole in ref.holes)


def tags_of(call: AwsCall) -> tuple[Scalar, ...] | None:
    """The tags that a push puts on an image: ``latest`` where it names none, ``None`` where they cannot be told. One
    that is pushed by its digest gets none."""
    value = call.text("imageTag")
    if isinstance(value, Absent):
        if not isinstance(call.argument("imageDigest"), Absent):
            return ()
        return ("latest",) if call.complete else None
    return options(value)


def of_branch(tag: Scalar, job: EffectiveJob | None, *, always: bool = False) -> Answer:
    """Whether a tag is a branch's name, or a pull request's number, and nothing else that tells one run from another.
    ``${{ github.ref_name }}`` is one in the job's runs on branches or for pull requests, and none in those on tags.

    ``always``: it is put on an image in each run of the job, so that one kind of runs is enough.
    """
    parts = tag.holes if isinstance(tag, Text) else ()
    refs = [hole for hole in parts if _REF.search(hole.shown)]
    pulled = [hole for hole in parts if _PULL.search(hole.shown)] if _is_of_pull(job) else []
    if not parts or any(hole not in (*refs, *pulled) and not _BRANCH.search(hole.shown) for hole in parts):
        return NO
    if not refs:
        return YES
    starts = job.starts if job is not None else ()
    if starts and all(shown(start.ref).startswith("refs/tags/") for start in starts):
        return NO
    # By hand it may be meant to run on tags alone.
    on_branch = [
        start for start in starts if shown(start.ref).startswith(_ON_BRANCH) and start.event != "workflow_dispatch"
    ]
    if on_branch and (len(on_branch) == len(starts) or (always and any(start.runs is YES for start in on_branch))):
        return YES
    return Open(f"whether {tag} is a branch's name")


def _is_of_pull(job: EffectiveJob | None) -> bool:
    """Whether a job runs for each commit of a pull request."""
    pulls = [start for start in (job.starts if job is not None else ()) if start.event.startswith("pull_request")]
    return any(start.trigger.types is None or _AGAIN.intersection(start.trigger.types) for start in pulls)


def _last(name: Scalar) -> str:
    return shown(name).rpartition("/")[2]


def is_commit(value: Scalar) -> Answer:
    """Whether an image's tag is a commit of this run, or made of one: by the name of what it holds."""
    tag = _tag(value)
    named = " ".join(f"{part.shown}" for part in tag if isinstance(part, Hole))
    literal = "".join(part for part in tag if isinstance(part, str))
    if named:
        if any(_is_of_commit(part) for part in tag if isinstance(part, Hole)):
            return YES
        return NO if _MOVES.search(named) else Open(f"whether {shown(text(tag))} is a commit")
    return NO if literal else Open("what its tag is")


def is_commit_of_run(value: Text) -> bool:
    """Whether a tag is a commit that the pipeline's run fills in, as a parameter of the stack."""
    return any(isinstance(hole, RunValue | Answered) for hole in value.holes) and is_commit(value) is YES


_NO_HASH: Final = lazy_re.compile(r"[^0-9a-fA-F]")  # a sign that no commit's hash has


def is_released(value: Scalar, known: Pushed) -> Answer:
    """Whether an image is the one that was pushed for the release's commit."""
    name, digest = _without_digest(value)
    if digest is not None:
        return _of_digest(digest, known)
    answer, tag = is_commit(name), _tag(name)
    if isinstance(answer, Open) and any(isinstance(part, str) and _NO_HASH.search(part) for part in tag):
        return NO if known.commits_alone(_repository(name)) else answer
    if answer is not YES:
        return answer
    said = shown(text(tag))
    if any(isinstance(part, Hole) and _ANOTHER.search(part.shown) for part in tag):
        return Open(f"whether {said} is the release's commit, and not another one")
    if any(isinstance(part, Hole) and _MAY_CHANGE.search(part.shown) for part in tag):
        return Open(f"whether {said} is the whole commit")
    form = form_of(text(tag))
    if form == (Mark.WHOLE,):
        return YES
    forms = known.under(_repository(name))
    if forms and form in forms:
        return YES
    if known.commits_alone(_repository(name)):
        return NO
    return Open(f"whether an image is pushed under a tag of the form {said}")


def other_tags(images: Sequence[Scalar], known: Pushed) -> Iterator[Scalar]:
    """Of what one image can be, the tags that are not the release's where it has that of the same name, too.

    A variable of the environment that nothing sets is none.
    """
    of_release = {_name(each) for each in images if is_released(each, known) is YES} - {""}
    for each in images:
        tag = tag_of(each)
        unset = isinstance(tag, Text) and all(_VARIABLE.fullmatch(hole.shown) for hole in tag.holes)
        if _name(each) in of_release and is_released(each, known) is not YES and not unset:
            yield tag


def left_behind(images: Iterable[Possible], known: Pushed) -> Iterator[str]:
    """Of the images of a revision's containers those that are written out, and of the same name as the release's in
    another container."""
    each = [(image, options(image) or ()) for image in images]
    released = {_whole_name(one) for _, can_be in each for one in can_be if is_released(one, known) is YES}
    yield from (image for image, _ in each if isinstance(image, str) and _whole_name(image) in released)


def _whole_name(value: Scalar) -> str:
    """An image's name as written, with its registry."""
    return shown(value).removesuffix(shown(tag_of(value))).removesuffix(":")


def form_of(tag: Scalar) -> Form:
    """What a tag is made of."""
    return tuple(_position(part) for part in pieces(tag if isinstance(tag, Text) else shown(tag)))


def _is_of_commit(hole: Hole) -> bool:
    called = hole.shown
    return not _BRANCH.search(called) and bool(_SHA.search(called.replace("_", " ")) or _SHA.search(called))


def _position(part: str | Hole) -> str | Mark:
    if isinstance(part, str):
        return part
    if not _is_of_commit(part) or _CHANGED.search(part.shown):
        return part.shown
    return Mark.PART if _SHORT.search(part.shown.replace("_", "-")) else Mark.WHOLE


def _without_digest(value: Scalar) -> tuple[Scalar, Text | str | None]:
    """An image reference, and the digest behind its ``@``, which decides alone where it is given."""
    parts = list(pieces(value if isinstance(value, Text) else shown(value)))
    for index, part in enumerate(parts):
        if isinstance(part, str) and "@" in part:
            before, _, after = part.partition("@")
            digest = text([after, *parts[index + 1 :]])
            return text([*parts[:index], before]), digest if digest else None
    return value, None


def _of_digest(digest: Text | str, known: Pushed) -> Answer:
    """A digest that is read from what runs already, or written out, is of a release before; that of an image which a
    step has built and pushed as the commit's is the release's."""
    origin = call_behind(digest)
    asked = plain_name(origin.operation) if origin is not None else ""
    if asked in {"describetaskdefinition", "describetasks", "describeservices"}:
        return NO
    if isinstance(digest, str):
        return NO
    if origin is not None and asked in {"describeimages", "batchgetimage"}:
        found = _looked_up(origin, known)
        return found if found is not None else Open(f"which image the digest {digest} is of")
    put_out = _DIGEST.fullmatch(shown(digest))
    if put_out is not None and known.built.get(put_out[1]):
        return YES
    return Open(f"which image the digest {digest} is of")


def _looked_up(origin: CallPlace, known: Pushed) -> Answer | None:
    """Whether what is asked for in the registry is the release's image, by its tag; ``None`` where that is not told."""
    call = next((each for each in known.looked_up if each.is_behind(origin)), None)
    tags = inside(call, "imageIds", "imagetag") if call is not None else None
    names = call.texts("repositoryName") if call is not None else None
    if not tags or not names:
        return None
    answers = [
        is_released(text([*pieces(name if isinstance(name, Text) else shown(name)), ":", *_tag(tag)]), known)
        for name in names
        for tag in tags
    ]
    pushed_so = [form_of(tag) in (known.under(_last(name)) or ()) for name in names for tag in tags]
    if all(answer is YES for answer in answers):
        return YES
    return NO if all(answer is NO for answer in answers) and not any(pushed_so) else None


def _repository(value: Scalar) -> str:
    """The last part of an image's name, before its tag; empty where it is not known."""
    parts = list(pieces(value if isinstance(value, Text) else shown(value)))
    whole = "".join(part if isinstance(part, str) else "\0" for part in parts)
    name = whole.rpartition(":")[0].rpartition("/")[2]
    return "" if "\0" in name else name


def _name(value: Scalar) -> str:
    """The last part of an image's name as :func:`_repository` has it; its whole name as written where that is open."""
    return _repository(value) or _whole_name(value)


def tag_of(value: Scalar) -> str | Text:
    """What stands behind the last colon of an image reference; all of it where it has none."""
    return text(_tag(value))


def _tag(value: Scalar) -> list[str | Hole]:
    """What stands behind the last colon of an image reference; all of it where it has none."""
    parts = list(pieces(value if isinstance(value, Text) else shown(value)))
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if isinstance(part, str) and ":" in part:
            return [each for each in (part.rpartition(":")[2], *parts[index + 1 :]) if each != ""]
    return parts
