"""GitHub workflows and composite actions as they are written.

Overview. :class:`Workflow` is one file below ``.github/workflows``; :class:`Job` and :class:`Step` stand in it,
:class:`CompositeAction` in an ``action.yml``. Values are as written: strings may hold ``${{ }}``. What a run makes of
them (reusable workflows followed, inputs bound, permissions capped by callers) is
:class:`~checker.model.pipeline.jobs.EffectiveJob`, and rules mostly ask for that; they come here for a spelling.

A :class:`Field` is a value with the place it stands at. Names follow the workflow syntax of GitHub's documentation
("Workflow syntax for GitHub Actions"), with ``-`` as ``_``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import Struct, field

from checker.model.sources import Problem, Spot
from checker.model.values import ABSENT, Absent

# Plain data as written: a scalar, or a list or mapping where the syntax allows one.
Written: TypeAlias = Any


class Field(NamedTuple):
    """A value as written, and where its key stands."""

    value: Written
    spot: Spot


class Trigger(Struct, frozen=True):
    """One event of ``on:``. A filter that is not written is ``None``; one that is empty is ``()``."""

    event: str
    spot: Spot
    branches: tuple[str, ...] | None = None
    branches_ignore: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    tags_ignore: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    paths_ignore: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    cron: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()  # workflow_run: the names of the workflows waited for


class Input(Struct, frozen=True):
    """An input of a manual start (``workflow_dispatch``), of a call (``workflow_call``) or of an action."""

    name: str
    spot: Spot
    type: str = "string"  # string, boolean, number, choice, environment
    required: bool = False
    default: Written | Absent = ABSENT
    options: tuple[str, ...] = ()


class DeclaredSecret(Struct, frozen=True):
    """A secret that a reusable workflow takes."""

    name: str
    spot: Spot
    required: bool = False


class Permissions(Struct, frozen=True):
    """What ``permissions:`` gives the job's token.

    ``levels`` maps a scope (``id-token``) to ``read``, ``write`` or ``none``; ``others`` is what every scope that is
    not listed has: ``none`` below a written mapping, ``read`` or ``write`` for ``read-all`` and ``write-all``, and
    ``None`` where nothing is written and the repository's default decides.
    """

    levels: Mapping[str, str | None] = field(default_factory=dict)
    others: str | None = None
    spot: Spot | None = None

    def level(self, scope: str) -> str | None:
        """``none``, ``read`` or ``write``; ``None`` where the repository's own default decides.

        The default never includes ``id-token`` (GitHub documentation, "Permissions for the GITHUB_TOKEN").
        """
        if scope in self.levels:
            return self.levels[scope]
        if self.others is None and scope == "id-token":
            return "none"
        if scope == "id-token" and self.others == "read":
            return "none"  # there is no reading of an identity token
        return self.others


class Concurrency(Struct, frozen=True):
    """``concurrency:`` of a workflow or a job, as written."""

    group: Written
    cancel_in_progress: Written
    queue: Written
    spot: Spot


class RunText(Struct, frozen=True):
    """The script of a ``run:`` step. ``lines[i]`` is the file's line (from 1) of its line ``i`` (from 0)."""

    text: str
    lines: tuple[int, ...]
    spot: Spot

    def line(self, index: int) -> int:
        """The file's line of the script's line ``index``, counted from 0."""
        return self.lines[min(index, len(self.lines) - 1)] if self.lines else self.spot.line


class Step(Struct, frozen=True):
    """One step as written. ``index`` counts from 0 in its job or action."""

    index: int
    spot: Spot
    id: str = ""
    name: str = ""
    if_: Written = None
    uses: str = ""
    with_: Mapping[str, Field] = field(default_factory=dict)
    run: RunText | None = None
    shell: str = ""
    working_directory: Written = None
    env: Mapping[str, Field] = field(default_factory=dict)
    continue_on_error: Written = False
    timeout_minutes: Written | Absent = ABSENT
    concurrent: bool = False  # others run at the same time: it stands below `parallel`, or runs in the background

    @property
    def action(self) -> str:
        """What it uses, without the version: ``aws-actions/configure-aws-credentials``, ``./.github/actions/x``."""
        return self.uses.partition("@")[0]

    @property
    def ref(self) -> str:
        """The version after ``@``, empty where there is none."""
        return self.uses.partition("@")[2]

    @property
    def label(self) -> str:
        """How a person names the step: its name, what it uses, or its first command."""
        first = self.run.text.strip().splitlines()[0] if self.run and self.run.text.strip() else ""
        return self.name or self.id or self.uses or first[:60] or f"step {self.index + 1}"


INHERIT: Final = "inherit"


class Service(Struct, frozen=True):
    """A container that runs beside a job's steps, and the variables that it is started with."""

    image: str
    spot: Spot
    env: Mapping[str, Field] = field(default_factory=dict)


class Job(Struct, frozen=True):
    """One job as written: either ``steps``, or a call of a reusable workflow (``uses``)."""

    id: str
    spot: Spot
    name: Written = None
    needs: tuple[str, ...] = ()
    if_: Written = None
    runs_on: Written = None
    environment: Field | None = None  # its name
    environment_url: str = ""
    permissions: Permissions | None = None
    concurrency: Concurrency | None = None
    timeout_minutes: Field | None = None
    container: str = ""  # the image in which its steps run
    services: tuple[Service, ...] = ()
    env: Mapping[str, Field] = field(default_factory=dict)  # those that its container is started with among them
    outputs: Mapping[str, Field] = field(default_factory=dict)
    matrix: Field | None = None
    max_parallel: Written = None
    fail_fast: Written = True
    continue_on_error: Written = False
    shell: str = ""
    working_directory: Written = None
    steps: tuple[Step, ...] = ()
    uses: str = ""
    with_: Mapping[str, Field] = field(default_factory=dict)
    secrets: Mapping[str, Field] | str | None = None  # a mapping, INHERIT, or nothing


class Asking(Struct, frozen=True):
    """A text with expressions, and what they may name there: contexts and functions, in lower case.

    ``where`` is how messages call the text; a ``condition`` is an expression without ``${{ }}`` too.
    """

    spot: Spot
    text: str
    where: str
    contexts: frozenset[str]
    functions: frozenset[str]
    condition: bool = False


class Workflow(Struct, frozen=True, eq=False):
    """One workflow file. ``file`` is relative to the repository's root. What could not be read is in ``problems``, what
    GitHub does not start it for in ``refusals``; ``asking`` are its expressions."""

    file: str
    name: str
    spot: Spot
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)  # of workflow_dispatch
    call_inputs: Mapping[str, Input] = field(default_factory=dict)
    call_secrets: Mapping[str, DeclaredSecret] = field(default_factory=dict)
    call_outputs: Mapping[str, Field] = field(default_factory=dict)
    env: Mapping[str, Field] = field(default_factory=dict)
    shell: str = ""
    working_directory: Written = None
    permissions: Permissions | None = None
    concurrency: Concurrency | None = None
    jobs: Mapping[str, Job] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    refusals: tuple[Problem, ...] = ()
    asking: tuple[Asking, ...] = ()
    has_twin: bool = False  # whether another file has its name but for the ending, ``.yml`` and ``.yaml``

    @property
    def stem(self) -> str:
        """``prod-deploy`` for ``.github/workflows/prod-deploy.yml``: with the ending where another one is called so.

        Jobs are named by it, and what is said of two jobs of one name would be taken for one.
        """
        name = self.file.rsplit("/", 1)[-1]
        return name if self.has_twin else name.rsplit(".", 1)[0]

    @property
    def starts_itself(self) -> bool:
        """Whether GitHub ever starts it by an event, rather than only by another workflow's call."""
        return any(event != "workflow_call" for event in self.triggers)

    def needed(self, job: str) -> Sequence[str]:
        """The ids of the jobs that a job needs, and those need; its own is among them where they go in a circle."""
        found: dict[str, None] = {}
        pending = [job]
        for each in pending:  # grows
            more = [need for need in self.jobs[each].needs if need not in found] if each in self.jobs else []
            found.update(dict.fromkeys(more))
            pending.extend(more)
        return tuple(found)


class CompositeAction(Struct, frozen=True, eq=False):
    """An ``action.yml``. ``steps`` is empty for an action that runs in JavaScript or in a container."""

    file: str
    folder: str  # relative to the repository's root, as `uses: ./folder` names it
    name: str
    using: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Field] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    problems: tuple[Problem, ...] = ()
    refusals: tuple[Problem, ...] = ()  # as of a workflow
    asking: tuple[Asking, ...] = ()


class Workflows(Struct, frozen=True, eq=False):
    """Everything GitHub Actions reads in one repository: files by their path, actions by their folder."""

    files: Mapping[str, Workflow] = field(default_factory=dict)
    actions: Mapping[str, CompositeAction] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()  # of files that could not be read at all

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """Every problem of every file, in the order of the files."""
        found = list(self.problems)
        for workflow in self.files.values():
            found.extend(workflow.problems)
        for action in self.actions.values():
            found.extend(action.problems)
        return tuple(found)
