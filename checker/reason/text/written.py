"""Which expressions give text that somebody writes freely, by whatever way it comes.

Sources: GitHub documentation, "Script injections", "Understanding the risk of script injections", and "Workflow
commands for GitHub Actions", "Setting an output parameter" and "Setting an environment variable": what a step writes to
``GITHUB_OUTPUT`` and ``GITHUB_ENV`` is what later expressions give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from checker import lazy_re
from checker.model.possible import Possible, options
from checker.model.values import Text

if TYPE_CHECKING:
    from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
    from checker.model.pipeline.pipeline import Pipeline
    from checker.model.pipeline.workflows import Input

INPUT: Final = lazy_re.compile(r"\b(?:github\.event\.)?inputs(?:\.([\w-]+)|\[\s*'([^']*)'\s*\])")
# What people write freely. Source: GitHub documentation, "Script injections": "Understanding the risk".
_WRITTEN: Final = lazy_re.compile(
    r"\bgithub\.head_ref\b"
    r"|\bgithub\.event(?:\.[\w*-]+|\[[^\]]*\])*\.(?:title|body|message|head_branch|page_name|default_branch|label|email"
    r"|description|display_title)\b"
    r"|\bgithub\.event(?:\.[\w*-]+)*\.(?:head|base)\.ref\b|\bgithub\.event(?:\.[\w*-]+)*\.(?:author|committer)\.name\b"
    r"|\bgithub\.event\.release\.(?:name|tag_name|target_commitish)\b|\bgithub\.event\.client_payload\b"
)
# The branch or tag that a run is of: free where a person picks any, or a filter lets through more than one can list.
_REF: Final = lazy_re.compile(r"\bgithub\.ref(?:_name)?\b")
_ANY_OF_FILTER: Final = frozenset({"*", "**"})
_ASKED: Final = lazy_re.compile(
    r"\b(?:contains|startswith|endswith)\s*\([^()]*\)"
    r"|[\w.]+\s*[!=]=\s*(?:'[^']*'|[\w.]+)|'[^']*'\s*[!=]=\s*[\w.]+",
    re.IGNORECASE,
)
# All of an event or of its inputs, as JSON text: what people write is in it.
_WHOLE: Final = lazy_re.compile(
    r"\bgithub(?:\.event(?:\.(?:inputs|commits|pull_request|issue|comment|release|review))?)?(?=\s*\))|\binputs(?=\s*\))"
)
_FREE_TYPES: Final = frozenset({"string", ""})
# Expressions whose value is yes or no, or a hash, whatever they look at (GitHub documentation, "Evaluate expressions").
_ANSWER: Final = lazy_re.compile(
    r"^!|^(?:contains|startswith|endswith|hashfiles|success|failure|always|cancelled)\s*\(", re.I
)
_COMPARED: Final = lazy_re.compile(r"==|!=|<|>")
# What a step before wrote, as expressions and the holes of values name it.
_HANDED: Final = lazy_re.compile(r"\bsteps\.(?P<step>[\w-]+)\.outputs\.(?P<output>[\w-]+)|\benv\.(?P<variable>\w+)")
# Commands whose answer is what people wrote: titles and texts, subjects of commits, names of their authors.
_TOLD: Final = lazy_re.compile(
    r"\bgh\s+(?:pr|issue|release)\s+(?:view|list)\b.*\b(?:title|body|headRefName|name|comments|labels)\b"
    r"|\bgit\s+(?:log|show)\b.*%(?:s|b|B|an|ae|cn|ce|aN|cN|D|d)\b|\bgit\s+(?:log|show)\b.*--(?:oneline|pretty=(?:medium|full|short))"
)
# Commands whose answer is the ids of commits, or nothing, whatever they are asked for (git-rev-list documentation;
# git-rev-parse documentation, ``--verify``: without it, it gives back a name that it does not know; ``--abbrev-ref``
# and ``--symbolic-full-name`` ask for the name).
_IDS: Final = lazy_re.compile(
    r"\$\(\s*git\s+(?:rev-list\s+(?!.*--(?:format|pretty|oneline|header))|rev-parse\s+--verify\s(?!.*--(?:abbrev-ref|symbolic)))"
    r"(?:[^|;&`()]|\$\([^()]*\))*\)"
)
# The event itself, as scripts and programs read it; and a branch that anybody may call as they like.
_EVENT: Final = lazy_re.compile(r"\bGITHUB_EVENT_PATH\b|\bcontext\.payload\b|\bGITHUB_HEAD_REF\b")
# The ref that a run is of, as scripts have it: as it is or without its beginning or end, or made into something else.
_OWN_REF: Final = lazy_re.compile(
    r"\bGITHUB_REF(?:_NAME)?\b|\bgit\s+(?:branch\s+--show-current|rev-parse\s+--abbrev-ref)\b"
)
_AS_IT_IS: Final = lazy_re.compile(
    r"\$\{\w+(?:(?:[#%]|:?-)[^}]*)?\}|\$\(\s*git\s+(?:branch\s+--show-current|rev-parse\s+--abbrev-ref\s+HEAD)\s*\)"
)
# What the shell makes of a variable; and what makes one word of a text, whatever it holds: `${NAME@Q}`, `printf %q`.
_MADE: Final = lazy_re.compile(r"\$\{(?P<name>\w+)(?:@(?P<quotes>Q)|[/,^@:#%]).*\.\.\.\}", re.DOTALL)
_QUOTED: Final = lazy_re.compile(r"\$\(\s*printf\s+(?:--\s+)?[\"']?%q[\"']?\s")
# A script that lets only some texts through looks like one of these.
_LOOKED_AT: Final = lazy_re.compile(r"\bcase\b|=~|\bgrep\b|\bexit\b|\btest\b|\[\[?\s|\bexpr\b")
_PYTHON: Final = lazy_re.compile(r"\bpython[\d.]*\b|\.py\b")
_NAMES: Final = lazy_re.compile(r"(?<![\w#])[A-Za-z_]\w*")
_VARIABLE: Final = lazy_re.compile(r"\$\{?(\w+)")
_A_REF: Final = "the name of the branch or tag that the run is of"
_LEFT: Final = "whether it leaves of it what would run as code"
_MOST_STEPS: Final = 20  # that hand a text on, one to the other


class Written(Struct, frozen=True):
    """What of an expression is text that somebody writes, and why that is not certain; empty where it is."""

    what: str
    doubt: str = ""


class Handed:
    """What steps hand on to later ones, of a whole pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._jobs = {job.name: job for job in pipeline.jobs}
        self._values: dict[tuple[str, str, str], list[Possible]] = {}
        self._in_order: dict[tuple[str, str], list[tuple[str, Possible]]] = {}
        for job in pipeline.jobs:
            for output in pipeline.trace(job).outputs:
                self._values.setdefault((job.name, output.step, output.name), []).append(output.value)
                self._in_order.setdefault((job.name, output.step), []).append((output.name, output.value))

    def written(self, value: Possible, job: EffectiveJob) -> Iterator[tuple[Written, str]]:
        """The texts that somebody writes in a value, each with the expression that gives it."""
        for expression, where in expressions_of(value):
            found = self._of(expression, self._jobs.get(where, job), _MOST_STEPS)
            if found is not None:
                yield found, expression

    def in_command(self, value: Possible, step: EffectiveStep) -> Iterator[tuple[Written, str]]:
        """Likewise in a word of a command, where what other commands answer stands too."""
        for expression, where in expressions_of(value):
            job = self._jobs.get(where, step.job)
            found = self._of(expression, job, _MOST_STEPS) or self._by_command(expression, step, job, _MOST_STEPS)
            if found is not None:
                yield found, expression

    def _of(self, expression: str, job: EffectiveJob, left: int) -> Written | None:
        direct = free_text(expression, job)
        if direct:
            return Written(direct)
        if not left or is_answer(expression):
            return None
        found = [each for handed in _HANDED.finditer(expression) if (each := self._by(handed, job, left - 1))]
        return next((each for each in found if not each.doubt), found[0] if found else None)

    def _by(self, handed: re.Match[str], job: EffectiveJob, left: int) -> Written | None:
        step = next((each for each in job.steps if handed["step"] and each.step.id == handed["step"]), None)
        named = (job.name, handed["step"] or "", handed["output"] or handed["variable"])
        values = self._values.get(named)
        if values is None:
            return self._unseen(step, job, left) if step is not None else None
        for value in values:
            for shown, where in expressions_of(value):
                found = self._of(shown, self._jobs.get(where, job), left)
                found = found or self._by_command(shown, step, job, left)
                if found is not None:
                    return _perhaps_looked_at(found, step)
        return self._set_anew(named, step, job, left) if step is not None else None

    def _set_anew(
        self, named: tuple[str, str, str], step: EffectiveStep, job: EffectiveJob, left: int
    ) -> Written | None:
        """The text with a line break that sets an output as well which its step has written before it."""
        written = self._in_order.get(named[:2], [])
        last = max((index for index, (name, _) in enumerate(written) if name == named[2]), default=0)
        for _, value in written[last + 1 :]:
            for shown, where in expressions_of(value):
                found = self._of(shown, self._jobs.get(where, job), left)
                found = found or self._by_command(shown, step, job, left)
                if found is not None and may_have_lines(found, shown):
                    return _perhaps_looked_at(found, step)
        return None

    def _by_command(self, shown: str, step: EffectiveStep | None, job: EffectiveJob, left: int) -> Written | None:
        """The text that a command in a script gives: what it is asked for, or what it was given and made of it."""
        if _IDS.fullmatch(shown):
            return None
        if _EVENT.search(shown):
            return Written(f"what {shown} gives", "" if shown.startswith("${") else "which part of the event that is")
        if _OWN_REF.search(shown) and _is_free_ref("github.ref", job):
            return Written(_A_REF, "" if _AS_IT_IS.fullmatch(shown) else _LEFT)
        if (made := _MADE.match(shown)) and not made["quotes"]:
            return self._given(step, {made["name"]}, job, left, _LEFT)
        if shown.startswith("$(("):
            return self._given(step, set(_NAMES.findall(shown)), job, left, "")
        if not shown.startswith("$(") or _QUOTED.search(shown):
            return None
        if _TOLD.search(shown):
            return Written(f"what {shown} gives")
        names = set(_VARIABLE.findall(shown))
        return self._given(step, names, job, left, _LEFT)

    def _unseen(self, step: EffectiveStep, job: EffectiveJob, left: int) -> Written | None:
        """What a step may hand on whose script or action was not followed as far as its outputs."""
        return self._given(step, None, job, left, "whether it hands that on")

    def _given(
        self, step: EffectiveStep | None, names: set[str] | None, job: EffectiveJob, left: int, doubt: str
    ) -> Written | None:
        if step is None:
            return None
        values = [value for name, value in step.env.items() if names is None or name in names]
        if names is None:
            mentioned = step.run.text if step.run is not None else ""
            read = _EVENT.search(
                "\n".join([mentioned, *(each for each in step.with_.values() if isinstance(each, str))])
            )
            if read is not None:
                return Written(f"{read[0]}", f"{doubt} ({step.step.label})")
            own = {name for name in step.env if name in mentioned}
            values = [value for name, value in step.env.items() if name in own] if mentioned else []
            values += [*step.with_.values(), *step.expressions.values()]
        for value in values:
            for shown, where in expressions_of(value):
                found = self._of(shown, self._jobs.get(where, job), left)
                if found is not None:
                    return Written(found.what, found.doubt or (doubt and f"{doubt} ({step.step.label})"))
        return None


def _perhaps_looked_at(found: Written, step: EffectiveStep | None) -> Written:
    if found.doubt or step is None or step.run is None:
        return found
    # What a program of Python does with a text before it writes it is not asked.
    if not (step.shell.startswith("python") or _PYTHON.search(step.run.text) or _LOOKED_AT.search(step.run.text)):
        return found
    return Written(found.what, f"whether {step.step.label} lets only some texts through")


# A name that git gives no branch or tag: with a bracket or a line break in it (git-check-ref-format documentation).
_NAME_OF_A_REF: Final = lazy_re.compile(
    r"\b(?:ref|ref_name|head_ref|head_branch|default_branch|tag_name|GITHUB_HEAD_REF)\b", re.IGNORECASE
)


def is_name_of_a_ref(found: Written) -> bool:
    """Whether a text is surely the name of a branch or a tag."""
    return found.what == _A_REF or bool(_NAME_OF_A_REF.search(found.what))


# What may have several lines: forms filled in through GitHub's API, bodies and messages. Titles and names have one.
_LINES: Final = lazy_re.compile(
    r"^the input |\b(?:body|message|description|client_payload)\b|%[bB]\b|%\(body\)|\bcomments\b", re.IGNORECASE
)
_IN_ONE_LINE: Final = lazy_re.compile(
    r"\btr\s+(?:-\w+\s+)*[\"']?(?:\\n|\\r|\[:space:\]|\[:cntrl:\])|\bhead\s+-(?:n\s*)?1\b|\bjq\s+-c|\btoJSON\(|@json"
    r"|\bbase64\b|\b(?:sha|md5)\w*sum\b|\bwc\b",
    re.IGNORECASE,
)


def may_have_lines(found: Written, expression: str) -> bool:
    """Whether a text may have a line break in it, as an expression gives it."""
    said = f"{found.what}\n{expression}"
    return bool(_LINES.search(said)) and not is_name_of_a_ref(found) and not _IN_ONE_LINE.search(expression)


def expressions_of(value: Possible) -> Iterator[tuple[str, str]]:
    """The expressions that a value has in it as they are written, each with the job that its steps are of."""
    for option in options(value) or ():
        for hole in option.holes if isinstance(option, Text) else ():
            yield hole.shown.removeprefix("${{").removesuffix("}}").strip(), getattr(hole, "where", "")


def is_answer(expression: str) -> bool:
    """Whether an expression gives yes or no, or a hash, whatever it looks at."""
    return bool(_ANSWER.search(expression) or (_COMPARED.search(expression) and not re.search(r"&&|\|\|", expression)))


def free_text(expression: str, job: EffectiveJob) -> str:
    """What of an expression is text that somebody writes; empty where it gives none."""
    if is_answer(expression):
        return ""
    for match in INPUT.finditer(expression):
        name = match[1] or match[2]
        if _type_of(name, job) in _FREE_TYPES:
            return f"the input {name}"
    found = _WRITTEN.search(expression) or _WHOLE.search(expression)
    if found is None and _is_free_ref(expression, job):
        return _A_REF
    return found[0] if found else ""


def _is_free_ref(expression: str, job: EffectiveJob) -> bool:
    """Whether an expression gives a ref that somebody may call nearly as they like: ``$(...)`` is a branch's name too
    (git-check-ref-format documentation)."""
    if expression in _ANY_OF_FILTER:  # what a filter's wildcard stands for
        return any(start.pattern is not None and expression in start.pattern for start in job.starts)
    if not _REF.search(_ASKED.sub("", expression)):
        return False
    holes = [hole.shown for start in job.starts if isinstance(start.ref, Text) for hole in start.ref.holes]
    return any(shown in _ANY_OF_FILTER or _REF.search(shown) for shown in holes)


def _type_of(name: str, job: EffectiveJob) -> str:
    """The type of an input of the workflow that GitHub started, or of the called one where nothing here calls it."""
    declared: Mapping[str, Input] = job.entry.call_inputs if job.is_reusable_alone else job.entry.inputs
    found = next((each for key, each in declared.items() if key.lower() == name.lower()), None)
    return found.type if found is not None else ""
