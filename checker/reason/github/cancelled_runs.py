"""Which runs a step cancels: GitHub's command and its API, scripts of its client, actions made for that.

Sources: GitHub CLI manual, "gh run cancel" and "gh run list" (without ``--workflow`` the runs of all workflows;
``--workflow`` takes a workflow's name, the name of its file or its number); GitHub REST API, "Workflow runs" ("List
workflow runs for a repository", "List workflow runs for a workflow", "Cancel a workflow run"); GitHub Docs, "Events
that trigger workflows", ``workflow_run`` (its ``workflows`` are names); README of styfle/cancel-workflow-action
(``workflow_id``: numbers, names of files, or ``all``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, yes_if
from checker.model.overlap import could_be_equal
from checker.model.pipeline.jobs import EffectiveJob, EffectiveStep
from checker.model.pipeline.scripts import Command
from checker.model.pipeline.workflows import Workflow
from checker.model.possible import Possible, options, shown
from checker.model.values import Text
from checker.reason.deploys.code.brought import option_of

# Actions that cancel runs of the workflow that they are told, by its file; else earlier ones of their own.
CANCELLERS: Final = ("styfle/cancel-workflow-action", "n1hility/cancel-previous-runs", "potiuk/cancel-workflow-runs")
_CANCEL: Final = lazy_re.compile(r"/actions/runs/([^/]+)/(?:force-)?cancel\b")
_METHODS: Final = lazy_re.compile(r"\b(?:force)?[cC]ancelWorkflowRun\b")
_CLIENTS: Final = frozenset({"gh", "curl", "http", "https", "xh", "wget"})
_ALL: Final = "all"
_OWN: Final = lazy_re.compile(r"github\.workflow\b|GITHUB_WORKFLOW\b|context\.workflow\b")
_OWN_RUN: Final = lazy_re.compile(r"\$\{\{ *github\.run_id *\}\}|\$\{?GITHUB_RUN_ID\}?|context\.runId")
_LISTED: Final = lazy_re.compile(r"/actions/(?:workflows/([^/?]+)/)?runs/?(?:$|\?(.*))")
# Of the runs of all workflows, some: by what they are of, or the newest alone.
_SOME: Final = lazy_re.compile(
    r"\b(?:branch|event|head_sha|actor|check_suite_id|head_branch|headBranch|headSha|triggering_actor)\b"
)
# A run waits before its first job, and between two of them too: for a runner, or for somebody who lets it go on.
_WAITING: Final = lazy_re.compile(r"\bstatus\b(?!\s*!)\W*(?:queued|pending|requested|waiting)\b")
_RUNNING: Final = lazy_re.compile(r"\b(?:in_progress|completed)\b")
_FEWER: Final = frozenset({"-b", "--branch", "-e", "--event", "-c", "--commit", "-u", "--user"})
# The workflow whose run has started this one.
_STARTER: Final = lazy_re.compile(r"\bevent\.workflow(?:_run)?\.|\bpayload\.workflow(?:_run)?\.")
# A comparison of what a run is of, and what else chooses among runs.
_OF_RUN: Final = (
    r"(?<![\w$.])(?:\.?(?:workflow_runs)?\[\d*\]|[A-Za-z_$]\w*\??)?\.?"  # `.[].name`, `run.name`, no `.actor.name`
)
_COMPARED: Final = lazy_re.compile(
    _OF_RUN + r"(?:workflowName|workflow_name|name|path)\s*(==|!=)=?\s*\\?[\"'`]([^\"'`\\]+)\\?[\"'`]"
)
_SAID: Final = lazy_re.compile(r"\\?\"(?:[^\"\\]|\\[^\"])*\\?\"|\\?'[^']*'|`[^`]*`")
_NAMED, _TEXT, _GROUP = "\1", "\2", "\3"  # of a condition that is read: a comparison of the name, a text, any brackets
_INNERMOST: Final = lazy_re.compile(r"\(([^()]*)\)")
_DEEP: Final = 50  # brackets in brackets
_DEFAULT: Final = lazy_re.compile(r"(?:\|\||\?\?)\s*(?:\[\s*\]|\{\s*\}|null|undefined|\x02)")  # `runs || []`
_OR: Final = lazy_re.compile(
    r"\bor\b|\|\||\belse\b(?!\s*(?:empty|null|false)\b)|,\s*(?=select\b)|\+\s*(?=\[)|\.concat\b"
)
_STATEMENT: Final = lazy_re.compile(r";|(?<!\|)(?<!&&)(?<!\bor)\n(?!\s*(?:[|&]|or\b|and\b|\)))")
_CHOOSES: Final = lazy_re.compile(
    r"\b(?:select|filter|find|test|match|contains|includes|startswith|startsWith|some|slice|if|limit|inside|IN)\s*\("
    r"|[!=]==?|\[\d|\b(?:first|last)\b"
)
_TURNED: Final = lazy_re.compile(r"\bnot\b|!\s*\(|\bunless\b|\bcontinue\b|\breturn;")  # what is compared is left out
_CHOOSERS: Final = frozenset(
    {"grep", "egrep", "awk", "sed", "rg", "head", "tail", "python", "python3", "node", "ruby", "perl"}
)
_IN_SCRIPT: Final = lazy_re.compile(r"\bworkflow_id\s*:\s*(?:[\"'`]([^\"'`]+)[\"'`]|([^\s,})]+))")
_QUOTED: Final = lazy_re.compile(r"[\"'`]([^\"'`\s]+)[\"'`]")
_FOR_REPOSITORY: Final = lazy_re.compile(r"\blistWorkflowRunsForRepo\b|/actions/runs\b(?!/)")
_RUN_OF_SCRIPT: Final = lazy_re.compile(r"\brun_id\s*:\s*([^\s,})]+)")


class _Runs(Struct, frozen=True):
    """Runs that a step cancels. ``names``: of these workflows alone, or of all others where ``but``, as a script
    compares them where ``exact``; ``starter``: of the workflow that has started this one; ``words``: perhaps of one
    that the script names; ``some``: and of these not all. With nothing told it is open which they are."""

    names: tuple[Possible, ...] = ()
    but: bool = False
    exact: bool = False
    starter: bool = False
    own: bool = False
    words: tuple[str, ...] = ()
    some: bool = False

    def are_of(self, workflow: Workflow, canceller: Workflow) -> Answer:
        """Whether runs of a workflow are among them; of some it is open which."""
        answer = self._told(workflow, canceller)
        untold = isinstance(answer, Open) or (answer is YES and self.some)
        return Open(f"which runs a step of {canceller.file} cancels") if untold else answer

    def _told(self, workflow: Workflow, canceller: Workflow) -> Answer:
        if self.own:
            return yes_if(workflow.file == canceller.file)
        if self.starter:
            waited = canceller.triggers.get("workflow_run")
            if waited is None or (workflow.name not in waited.workflows and _folded(workflow.name, waited.workflows)):
                return Open("")
            return yes_if(workflow.name in waited.workflows)
        if self.words:
            return YES if any(_is(word, workflow, canceller) is YES for word in self.words) else Open("")
        if not self.names and not self.but:
            return Open("")
        if self.exact:
            said = (workflow.name, workflow.file, workflow.file.rpartition("/")[2])
            named = either(Open("") if "${" in (name := shown(each)) else yes_if(name in said) for each in self.names)
        else:
            named = either(_is_called(name, workflow, canceller) for name in self.names)
        return yes_if(named is NO) if self.but and not isinstance(named, Open) else named


_EVERY: Final = _Runs(but=True)
_UNTOLD: Final = _Runs()


class Cancelling(Struct, frozen=True):
    """A step that cancels runs, and which."""

    step: EffectiveStep
    runs: frozenset[_Runs]

    def cancels_runs_of(self, workflow: Workflow) -> Answer:
        """Whether it cancels runs of a workflow."""
        return either(each.are_of(workflow, self.step.job.entry) for each in self.runs)


def _is_called(name: Possible, workflow: Workflow, canceller: Workflow) -> Answer:
    """Whether a name is a workflow's: of its file, or the one that is shown."""
    each = options(name)
    return Open("") if each is None else either(_is(one, workflow, canceller) for one in each)


def _folded(name: str, names: Iterable[str]) -> bool:
    return name.casefold() in map(str.casefold, names)


def _is(name: object, workflow: Workflow, canceller: Workflow) -> Answer:
    spelled = shown(name).strip()
    file = workflow.file.rpartition("/")[2]
    if isinstance(name, Text) or "${" in spelled:
        if _OWN.search(spelled):
            return yes_if(workflow.file == canceller.file)
        names = (file, workflow.file, workflow.name)
        other = isinstance(name, Text) and not any(could_be_equal(name, one, fold=True) for one in names)
        return NO if other else Open("")
    if spelled.isdigit():
        return Open("")  # GitHub's number of a workflow
    return yes_if(spelled.rpartition("/")[2] == file or spelled.casefold() == workflow.name.casefold())


def cancelling_steps(jobs: Iterable[tuple[EffectiveJob, Sequence[Command]]]) -> tuple[Cancelling, ...]:
    """The steps of jobs that cancel runs: of those of one workflow that cancel the same the first."""
    found: dict[tuple[str, frozenset[_Runs]], Cancelling] = {}
    for job, commands in jobs:
        by_step: dict[int, list[Command]] = {}
        for each in commands:
            if cancels_runs(each) or _lists(each) or each.handling.fed_by:
                by_step.setdefault(id(each.step), []).append(each)
        elsewhere = frozenset(_of_list(each, ()) for each in commands if _lists(each))
        for step in job.steps:
            mine = by_step.get(id(step), [])
            runs = frozenset(_runs_of(step, mine, elsewhere)) if step.runs is not NO else frozenset()
            if runs:
                found.setdefault((job.entry.file, runs), Cancelling(step, runs))
    return tuple(found.values())


def _runs_of(step: EffectiveStep, commands: Sequence[Command], elsewhere: frozenset[_Runs]) -> Iterator[_Runs]:
    """``commands``: what cancels and lists runs in the step; ``elsewhere``: what is listed in its job."""
    if step.step.action in CANCELLERS:
        yield from _by_action(step)
    elif step_cancels_runs(step):
        yield from _by_script(" ".join(str(value.value) for value in step.step.with_.values()))
    yield from _by_commands(commands, elsewhere)


def cancels_runs(command: Command) -> bool:
    """Whether a command cancels a run of a workflow: ``gh run cancel``, or a request to the API that does."""
    if command.program not in _CLIENTS:
        return False
    written = [shown(word) for word in command.words]
    return (command.program == "gh" and written[1:3] == ["run", "cancel"]) or any(map(_CANCEL.search, written))


def step_cancels_runs(step: EffectiveStep) -> bool:
    """Whether an action is told to cancel a run: by a script of GitHub's client, or the path of a request."""
    given = [str(value.value) for value in step.step.with_.values()] if step.runs is not NO else []
    return any(_CANCEL.search(each) or (_METHODS.search(each) and "github" in each) for each in given)


# -- of which workflow -------------------------------------------------------------------------------


def _by_action(step: EffectiveStep) -> Iterator[_Runs]:
    told = [value for name, value in step.with_.items() if "workflow" in name.lower()]
    if not told:
        starter = any(_STARTER.search(shown(value)) for value in step.with_.values())
        yield _Runs(starter=starter, own=not starter)
    for value in told:
        for each in options(value) or (None,):
            if each is None:
                yield _UNTOLD
            elif not isinstance(each, str):
                yield _Runs(starter=True) if _STARTER.search(shown(each)) else _Runs((each,))
            elif _ALL in (names := [one.strip() for one in each.split(",")]):
                yield _EVERY
            else:
                yield _Runs(tuple(name for name in names if name)) if each.strip() else _Runs(own=True)


def _by_script(text: str) -> Iterator[_Runs]:
    """Of a script of GitHub's client: the workflow whose runs it lists, or the run that has started it."""
    named, waiting = _IN_SCRIPT.findall(text), _is_waiting(text)
    for literal, word in named:
        if literal:
            yield _Runs((literal,), some=waiting)
        elif _STARTER.search(word):
            yield _Runs(starter=True)
        elif _OWN.search(word):
            yield _Runs(own=True, some=waiting)
        else:
            yield _Runs(words=tuple(dict.fromkeys(_QUOTED.findall(text))), some=waiting or bool(_CHOOSES.search(text)))
    listed = bool(_FOR_REPOSITORY.search(text))
    if listed:
        yield _chosen(text)
    if named or listed:
        return
    runs = _RUN_OF_SCRIPT.findall(text)
    if not runs or not all(map(_OWN_RUN.fullmatch, runs)):  # else it ends itself
        yield _Runs(starter=bool(_STARTER.search(text)))


def _by_commands(commands: Sequence[Command], elsewhere: frozenset[_Runs]) -> Iterator[_Runs]:
    """Of commands: the runs that they are told, which come from a list that they read, of their step, or of their
    job."""
    lists = {each.spot: each for each in commands if _lists(each)}
    behind: dict[object, list[Command]] = {}
    for each in commands:
        for spot in each.handling.fed_by:
            if spot in lists:
                behind.setdefault(spot, []).append(each)
    told = {spot: _of_list(each, behind.get(spot, ())) for spot, each in lists.items()}
    read = {spot for spot, each in behind.items() if any(map(cancels_runs, each))}
    others = frozenset(runs for spot, runs in told.items() if spot not in read)
    for command in filter(cancels_runs, commands):
        ids = _ids(command)
        if ids and all(map(_OWN_RUN.fullmatch, ids)):
            continue  # it ends itself
        if any(map(_STARTER.search, ids)):
            yield _Runs(starter=True)
            continue
        found = {told[spot] for spot in command.handling.fed_by if spot in told} or others or elsewhere or {_UNTOLD}
        # Of several lists, one is for it.
        yield from found if len(found) == 1 else (_perhaps(each) for each in found)


def _perhaps(runs: _Runs) -> _Runs:
    return _UNTOLD if runs.own or runs.starter else _Runs(runs.names, but=runs.but, exact=runs.exact, some=True)


def _ids(command: Command) -> list[str]:
    """The runs as they are written in the command."""
    written = [shown(word) for word in command.words]
    if command.program == "gh" and written[1:3] == ["run", "cancel"]:
        return [each for each in written[3:] if not each.startswith("-")]
    return [found[1] for each in written if (found := _CANCEL.search(each))]


def _lists(command: Command) -> bool:
    """Whether a command lists runs."""
    if command.program not in _CLIENTS:
        return False
    written = [shown(word) for word in command.words]
    return (command.program == "gh" and written[1:3] == ["run", "list"]) or any(map(_LISTED.search, written))


def _of_list(command: Command, behind: Sequence[Command]) -> _Runs:
    """``behind``: what reads the list."""
    written = [shown(word) for word in command.words]
    runs = _listed(command, written, behind)
    status = f"status={shown(option_of(command.words, '-s') or '')}"
    waiting = _is_waiting(" ".join([*written, status]))
    return replace(runs, some=True) if waiting and runs != _UNTOLD else runs


def _listed(command: Command, written: Sequence[str], behind: Sequence[Command]) -> _Runs:
    words = command.words
    if written[1:3] == ["run", "list"]:
        if any(word.partition("=")[0] in {"-w", "--workflow"} for word in written):
            name = option_of(words, "-w", "--workflow")
            return _UNTOLD if name is None else _named(name)
        fewer = any(word.partition("=")[0] in _FEWER for word in written) or option_of(words, "-L", "--limit") == "1"
    else:
        found = next(match for each in written if (match := _LISTED.search(each)))
        if found[1]:
            return _named(found[1])
        fewer = any(map(_SOME.search, written))
    if fewer or any(each.program in _CHOOSERS for each in behind):
        return _UNTOLD
    return _chosen(" ".join([*written, *(each.text() for each in behind)]))


def _named(name: Possible) -> _Runs:
    return _Runs(starter=True) if _STARTER.search(shown(name)) else _Runs((name,))


def _chosen(text: str) -> _Runs:
    """Of the runs of all workflows, those that a script takes, by what it compares."""
    compared = _COMPARED.findall(text)
    signs = {sign for sign, _ in compared}
    if len(signs) == 1 and not _TURNED.search(text):
        if not _is_needed(text, equal=signs == {"=="}):
            return _UNTOLD
        names = tuple(dict.fromkeys(name for _, name in compared))
        return _Runs(names, but=signs == {"!="}, exact=True, some=bool(_SOME.search(text)) or _is_waiting(text))
    return _UNTOLD if _CHOOSES.search(text) or _SOME.search(text) else _EVERY


def _is_waiting(text: str) -> bool:
    """Whether runs are chosen that wait, and no others."""
    return _WAITING.search(text) is not None and _RUNNING.search(text) is None


def _is_needed(text: str, *, equal: bool) -> bool:
    """Whether what is compared holds of every run that is taken: of two conditions of which one is enough, each has to
    name a workflow."""

    def holds(condition: str) -> bool:
        ways = _OR.split(condition)
        return len(ways) == 1 or _NAMED not in condition or (equal and all(_NAMED in way for way in ways))

    bare = _DEFAULT.sub("", _SAID.sub(_TEXT, _COMPARED.sub(_NAMED, text)))
    for _ in range(_DEEP):
        groups = _INNERMOST.findall(bare)
        if not groups:
            return all(map(holds, _STATEMENT.split(bare)))
        if not all(map(holds, groups)):
            return False
        bare = _INNERMOST.sub(lambda group: _NAMED if _NAMED in group[1] else _GROUP, bare)
    return False
