"""From a snapshot to the project that rules see: the same classes as a template's, read in one world.

What a resource lacks was not set; what could not be read is :class:`Unknown` in its place. A type whose list could not
be read is a gap: whoever asks for its resources is told afterwards (:class:`checker.model.worlds.Gaps`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from checker import lazy_re
from checker.model.environment_words import UNNAMED, environment_of, environment_tag, kind_of
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.live.account import Account
from checker.model.live.snapshot import LiveResource, Snapshot, SnapshotStack
from checker.model.resources import ConstructOrigin, Raw, Resource, Stack
from checker.model.settings import Settings
from checker.model.values import ABSENT, Absent, Resolved, ResourceKey, Text, Unknown, as_count
from checker.model.verdicts import Surface
from checker.model.worlds import Gaps
from checker.resolve.account.presence import gone, not_read
from checker.resolve.account.references import ReadOnly, References, completing, named
from checker.resolve.templates.discovery import NOTHING_NAMES, taken
from checker.resolve.templates.inside import environment_inside

_NESTED: Final = "AWS::CloudFormation::Stack"
# Stacks that tools make for themselves in an account (AWS CDK, "cdk bootstrap"; AWS SAM; Elastic Beanstalk; AWS Control
# Tower): they are nobody's environment, unless somebody says so.
_OF_TOOLS: Final = lazy_re.compile(r"CDKToolkit|aws-sam-cli-managed-|awseb-|StackSet-AWSControlTower|AWSControlTower")
# Attributes beside Properties that only the deployed template tells.
_DECLARED: Final = ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn", "UpdatePolicy", "CreationPolicy", "Metadata")
FindNames = Callable[[Project], Mapping[str | Text, tuple[Resource, ...]]]


class LiveSource(Struct, frozen=True):
    """An account as the document that facts came from: it has no lines."""

    file: str

    def line_of(self, path: tuple[str | int, ...]) -> int | None:  # noqa: ARG002 - the protocol's shape
        return None


class LiveScope(Struct, frozen=True):
    """Resolves the values of one live resource: references found, nothing else to evaluate."""

    references: References
    own: ResourceKey

    @property
    def declared_resources(self) -> Mapping[str, Raw]:
        return {}

    def resolve(self, expression: Raw) -> Resolved | Absent:
        return ABSENT if expression is None else self.references.resolve(expression, self.own)


class LiveAccount(Struct, frozen=True, kw_only=True):
    """What an account is taken for: its project, its environments' kinds, what belongs to none, and what was noted."""

    project: Project
    kinds: Mapping[str, EnvironmentKind]
    unmanaged: tuple[LiveResource, ...] = ()
    notes: tuple[str, ...] = ()


class StacksKnown(Struct, frozen=True, kw_only=True):
    """What is known of the stacks beside the account: which environment each is of, and where each was written."""

    environments: Mapping[str, str] = field(default_factory=dict)  # stack name -> environment
    constructs: Mapping[str, Mapping[str, ConstructOrigin]] = field(default_factory=dict)  # stack name -> logical id ->


def live_project(
    snapshot: Snapshot,
    known: StacksKnown,
    settings: Settings,
    *,
    read_only: ReadOnly,
    find_names: FindNames,
) -> LiveAccount:
    """The account's project."""
    place = f"account {snapshot.account or 'of unknown number'}" + (f", {snapshot.region}" if snapshot.region else "")
    source = LiveSource(place)
    notes: list[str] = []
    parents = _parents(snapshot.stacks)
    environments = _environments(snapshot.stacks, parents, known, notes)
    stacks = _stacks(snapshot, source, known, environments, parents)
    outside: dict[str, Stack] = {}

    def outside_of(environment: str) -> Stack:
        name = f"outside of stacks, {environment}"
        made = Stack(name, "", environment, {}, source, snapshot.account, snapshot.region)
        return outside.setdefault(environment, made)

    unmanaged: list[LiveResource] = []
    placed: list[tuple[Stack, str, LiveResource]] = []
    shown = _inline_policies(snapshot)
    for resource in snapshot.resources:
        if resource.type == "AWS::IAM::Policy" and _stands_in(resource, shown):
            continue  # the same document a second time
        stack = stacks.get(resource.stack or "")
        if stack is None:
            name = resource.stack or ""
            environment = environments.get(name) or known.environments.get(name) or _spoken(resource)
            if not environment:
                unmanaged.append(resource)
                continue
            stack = outside_of(environment)
        placed.append((stack, resource.logical_id or resource.physical_id or resource.type, resource))
    belongs: set[int] = set()

    def adopt(found: Iterable[tuple[LiveResource, Stack]]) -> None:
        for resource, by in list(found):
            if by.environment:
                belongs.add(id(resource))
                placed.append((outside_of(by.environment), resource.physical_id or resource.type, resource))

    adopt(named(unmanaged, [(stack, resource) for stack, _, resource in placed], read_only))
    rest = [each for each in unmanaged if id(each) not in belongs]
    adopt(completing(rest, [(stack, resource) for stack, _, resource in placed]))
    here = {(stack.id, logical_id) for stack, logical_id, _ in placed}
    placed += not_read(here, stacks, snapshot)
    keyed = [(ResourceKey(stack.id, logical_id), resource) for stack, logical_id, resource in placed]
    references = References(keyed, read_only)
    resources: dict[str, list[Resource]] = {}
    templates = {each.name: each for each in snapshot.stacks}

    def made(stack: Stack, logical_id: str, live: LiveResource) -> Resource:
        scope = LiveScope(references, ResourceKey(stack.id, logical_id))
        raw = _raw(live, logical_id, templates.get(stack.name))
        declared = _declared(live, logical_id, templates.get(stack.name))
        return Resource(stack, logical_id, raw, scope, Surface.ACCOUNT, physical_id=live.physical_id, declared=declared)

    for each in placed:
        resources.setdefault(each[0].environment, []).append(made(*each))
    kinds = _kinds([*stacks.values(), *outside.values()], settings)
    others = _in_part(kinds, snapshot, {each.environment for each in stacks.values()}, known, notes)

    def environments_of(kinds: Mapping[str, EnvironmentKind]) -> list[Environment]:
        return [
            Environment(
                name,
                kind,
                [each for each in stacks.values() if each.environment == name],
                resources.get(name, ()),
                surface=Surface.ACCOUNT,
                place=source.file,
            )
            for name, kind in kinds.items()
        ]

    project = Project(
        environments_of(kinds),
        _with_ids(find_names, references),
        settings,
        gaps=Gaps(
            {each.what: each.why for each in snapshot.unread if each.what.startswith("AWS::")},
            {(stack.environment, live.type): live.unread[""] for stack, _, live in placed if "" in live.unread},
        ),
        account=_account(snapshot, source.file, [made(*each) for each in gone(here, stacks, snapshot)]),
        elsewhere=environments_of(others),
    )
    return LiveAccount(
        project=project,
        kinds=kinds,
        unmanaged=tuple(each for each in unmanaged if id(each) not in belongs),
        notes=tuple(notes),
    )


def _with_ids(find_names: FindNames, references: References) -> FindNames:
    """Names as templates have them, and every id and ARN of the account."""

    def find(project: Project) -> Mapping[str | Text, tuple[Resource, ...]]:
        found = dict(find_names(project))
        for value, key in references.names().items():
            resource = project.resource(key)
            if resource is not None:
                found.setdefault(value, (resource,))
        return found

    return find


def _stacks(
    snapshot: Snapshot,
    source: LiveSource,
    known: StacksKnown,
    environments: Mapping[str, str],
    parents: Mapping[str, tuple[str, str]],
) -> dict[str, Stack]:
    """The account's stacks by name, in the order of the snapshot, each below the one that it is nested in."""
    listed = {each.name: each for each in snapshot.stacks}
    nested: dict[str, dict[str, Stack]] = {name: {} for name in listed}
    made: dict[str, Stack] = {}
    for name in listed:
        for below in reversed([name, *_above(name, parents)]):
            if below in made:
                continue
            each, (parent, logical_id) = listed[below], parents.get(below, ("", ""))
            made[below] = Stack(
                below, below, environments[below], each.template or {}, source, snapshot.account, snapshot.region,
                constructs=known.constructs.get(below, {}), parameters=each.parameters, status=each.status,
                nested=nested[below], parent=made.get(parent),
            )  # fmt: skip
            if parent in made:
                nested[parent][logical_id] = made[below]
    return {name: made[name] for name in listed}


def _parents(listed: Iterable[SnapshotStack]) -> dict[str, tuple[str, str]]:
    """Stack -> the stack that it is nested in, and its logical id there."""
    listed = list(listed)
    by_id = {each.id: each.name for each in listed if each.id}
    found: dict[str, tuple[str, str]] = {}
    for each in listed:
        for resource in each.resources:
            child = by_id.get(resource.physical_id or "") if resource.type == _NESTED else None
            if child is not None and child != each.name:
                found[child] = (each.name, resource.logical_id)
    return found


def _above(name: str, parents: Mapping[str, tuple[str, str]]) -> Sequence[str]:
    """The stacks that one is nested in, the nearest first; in a ring, which no account has, each once."""
    found = [name]
    while name in parents and parents[name][0] not in found:
        name = parents[name][0]
        found.append(name)
    return found[1:]


def _environments(
    listed: Sequence[SnapshotStack], parents: Mapping[str, tuple[str, str]], known: StacksKnown, notes: list[str]
) -> dict[str, str]:
    """Stack -> its environment: said, or that of a stack that it is nested in, or the one that its name speaks of, or
    its resources do. One that says nothing is somebody else's (empty), where the project says which are its own."""
    by_name = {each.name: each for each in listed}
    found: dict[str, str] = {}
    for stack in listed:
        above = _above(stack.name, parents)
        own = next((known.environments[each] for each in (stack.name, *above) if each in known.environments), None)
        if own is not None or known.environments:
            found[stack.name] = own or ""
            continue
        why = "by its name"
        guess = environment_of(stack.name)
        if guess is None:
            guess, why = _inside(by_name.get(above[-1], stack) if above else stack)
        found[stack.name] = guess
        if guess:
            notes.append(taken(stack.name, guess, why))
    return found


def _inside(stack: SnapshotStack) -> tuple[str, str]:
    """What a stack whose name says nothing says otherwise; empty for what a tool has made for itself."""
    if _OF_TOOLS.match(stack.name):
        return "", ""
    if (by_name := environment_of(stack.name)) is not None:
        return by_name, "by the name of the stack around it"
    inside = environment_inside(Stack(stack.name, stack.name, "", stack.template or {}, LiveSource("")))
    return inside or (UNNAMED, NOTHING_NAMES)


def _spoken(resource: LiveResource) -> str:
    """The environment that a resource of no stack belongs to, as its tags or its name say."""
    tag = environment_tag(resource.properties.get("Tags"))
    if tag is not None:
        return environment_of(tag) or tag
    return environment_of(resource.physical_id or "") or ""


def _inline_policies(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Role and policy name of every inline policy that a role shows itself."""
    found = set()
    for each in snapshot.resources:
        if each.type == "AWS::IAM::Role":
            for policy in each.properties.get("Policies") or ():
                if isinstance(policy, Mapping):
                    found.add((str(each.properties.get("RoleName") or each.physical_id), str(policy.get("PolicyName"))))
    return found


def _stands_in(policy: LiveResource, shown: Collection[tuple[str, str]]) -> bool:
    roles, name = policy.properties.get("Roles"), str(policy.properties.get("PolicyName"))
    alone = not policy.properties.get("Users") and not policy.properties.get("Groups")
    return alone and isinstance(roles, list) and bool(roles) and all((str(role), name) in shown for role in roles)


def _raw(live: LiveResource, logical_id: str, stack: SnapshotStack | None) -> dict[str, Raw]:
    properties: Any = Unknown(live.unread[""]) if "" in live.unread else dict(live.properties)
    if isinstance(properties, dict):
        for path, why in live.unread.items():
            _put(properties, path.split("."), Unknown(why))
    raw: dict[str, Raw] = {"Type": live.type, "Properties": properties}
    if stack is None or live.logical_id is None:
        return raw
    if stack.template is None:
        raw.update(dict.fromkeys(_DECLARED[:2], Unknown(f"the template of stack {stack.name} was not read")))
        return raw
    declared = stack.template.get("Resources")
    written = declared.get(logical_id) if isinstance(declared, dict) else None
    if isinstance(written, dict):
        raw.update({name: written[name] for name in _DECLARED if name in written})
    return raw


def _declared(live: LiveResource, logical_id: str, stack: SnapshotStack | None) -> Mapping[str, Raw] | None:
    """What the deployed template sets of the resource; ``None`` where that is not known, or somebody else made it."""
    if stack is None or stack.template is None or live.logical_id is None:
        return None
    resources = stack.template.get("Resources")
    written = resources.get(logical_id) if isinstance(resources, dict) else None
    properties = written.get("Properties") if isinstance(written, dict) else None
    return properties if isinstance(properties, dict) else {}


def _put(node: dict[str, Any], steps: list[str], value: Unknown) -> None:
    """Set a path, copying what is above it: a snapshot is not written to."""
    first, *rest = steps
    if not rest:
        node[first] = value
        return
    below = node.get(first)
    if isinstance(below, list) and (at := as_count(rest[0])) is not None and at < len(below):
        items = list(below)
        _, *further = rest
        item = items[at]
        if further and isinstance(item, dict):
            items[at] = copy = dict(item)
            _put(copy, further, value)
        else:
            items[at] = value
        node[first] = items
    elif isinstance(below, dict | None):
        node[first] = copy = dict(below or {})
        _put(copy, rest, value)
    else:
        node[first] = value


def _kinds(stacks: Iterable[Stack], settings: Settings) -> dict[str, EnvironmentKind]:
    names = dict.fromkeys(each.environment for each in stacks if each.environment)
    return {name: EnvironmentKind(settings.environment_kinds.get(name) or kind_of(name)) for name in names}


def _in_part(
    kinds: dict[str, EnvironmentKind], snapshot: Snapshot, whole: Collection[str], known: StacksKnown, notes: list[str]
) -> dict[str, EnvironmentKind]:
    """Take from ``kinds`` the environments of which no stack was asked for.

    Only what every list of the account shows was read of them: judged, they would lack all the rest.
    """
    asked = snapshot.facts.get("asked_stacks")
    if not isinstance(asked, list):
        return {}
    meant = {*whole, *_environments([SnapshotStack(str(name)) for name in asked], {}, known, []).values()}
    found = {name: kinds.pop(name) for name in list(kinds) if name not in meant}
    notes += [
        f"environment {name} is not judged, nor what reaches into it: none of its stacks was asked for"
        for name in found
    ]
    return found


def _account(snapshot: Snapshot, place: str, gone: Iterable[Resource]) -> Account:
    unread = {each.what.removeprefix("facts/"): each.why for each in snapshot.unread if each.what.startswith("facts/")}
    return Account(snapshot.account, snapshot.region, place, snapshot.taken_at, snapshot.facts, unread, tuple(gone))
