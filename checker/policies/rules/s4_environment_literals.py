"""No container carries another environment's values, or a secret in plain text.

What the review found
    Addresses and names are written into the task definitions. A second environment made from the same code would talk
    to the first one's services.
What is checked
    Environment variables and files, commands, hosts, secret references and log groups of every container, and
    environment variables of every function; what builds, jobs, models and apps are told in the same way, and what a
    state machine or a schedule tells a container that it starts. None may name another environment (as a word of a
    host, a path, a name or an ARN), refer to a resource of another environment, hold a name that CloudFormation made
    for one, or the host of another environment's DNS record in a URL; nor, in production, a host of the project's
    domains that is called after a test's environment. And no variable may hold a secret itself: a literal under a
    secret's name, a key that is recognised by its form, a password in a URL, or a dynamic reference, which
    CloudFormation replaces by the plain secret. The same for what commands, a function's code in the template, a
    build's specification and an instance's first start (user data and ``cfn-init``) assign, into which no hidden
    parameter may be written; for tags, and parameters that are stored in plain text; and no password, token or key is
    written out where a resource is given one. The same for what calls of the pipeline tell the containers, functions
    and builds that they register, start or change: nothing of it may be a secret, nor what the repository keeps as one.
When it does not apply
    No container and no function in the environment. What environments share may name all of them. Variables that say
    how a program was built (``NODE_ENV``) are no environment's name.
What cannot be decided
    Variables, commands and scripts that are not known before deployment. Words of environments where nothing says which
    environment it is.
Fix
    Take the value from the environment's own configuration or resources, and hand secrets over as ECS ``Secrets`` or as
    an ARN that the program reads at run time.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from checker import lazy_re
from checker.model.environment_words import kind_of, without_top_level, words
from checker.model.environments import Environment, EnvironmentKind, Project
from checker.model.judgements import Judgement
from checker.model.resources import Raw, Resource
from checker.model.rules import Rule
from checker.model.secrets.values import is_secret_name, looks_secret, name_inside, plain_secret
from checker.model.values import Attribute, Expression, Known, Parameter, Reference, Text, Unknown, pieces, plain_text
from checker.reason.names.foreign_hosts import foreign_host, generated_name
from checker.reason.names.physical import references, settled
from checker.reason.workloads.kept import kept_openly, set_as_secret
from checker.reason.workloads.scripts import secret_inside
from checker.reason.workloads.told import Told, all_told, written_out

if TYPE_CHECKING:
    from checker.model.pipeline.pipeline import Pipeline

OTHER: Final = "other-environment"
PLAIN: Final = "plain-secret"
_FIX_OTHER: Final = "Take the value from this environment's own configuration or resources."
_FIX_PLAIN: Final = "Store it in Secrets Manager and hand it over as an ECS secret, or as an ARN to read at run time."
_FIX_KEPT: Final = "Let Secrets Manager generate it or hold it, and read it from there by a dynamic reference."

_SYNONYMS: Final = (frozenset({"production", "prod", "prd"}), frozenset({"staging", "stg"}))
# How a program was built or runs, not where: the same in every environment.
_MODES: Final = frozenset({
    "NODE_ENV", "RAILS_ENV", "RACK_ENV", "FLASK_ENV", "DJANGO_ENV", "MIX_ENV", "BABEL_ENV", "JEKYLL_ENV",
    "HUGO_ENVIRONMENT", "GIN_MODE", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "NPM_CONFIG_PRODUCTION",
})  # fmt: skip
_NOT_PRODUCTION: Final = lazy_re.compile(r"(?<![A-Za-z])(?:non|pre|not)[-_.]?prod[a-z]*", re.IGNORECASE)
_FILE: Final = lazy_re.compile(r"\.{0,2}/\S*\.[A-Za-z]\w{0,4}")
_REFERRED: Final = lazy_re.compile(r"\$\{[^!}][^}]*\}")
_MOST_JSON: Final = 65_536  # characters: no container may be told more
_HOST: Final = lazy_re.compile(r"[a-z][a-z0-9+.-]*://(?:[^\s/@]*@)?([A-Za-z0-9.-]+)")
_ATTRIBUTES_OF_SECRETS: Final = frozenset({"SecretAccessKey", "ClientSecret", "SecretString"})


class Others(Struct, frozen=True):
    """What belongs to the other environments: words of their names, and hosts of their DNS records with the owner."""

    words: frozenset[str]
    # Finds any of the words, also inside another: what it does not find need not be taken apart.
    hint: re.Pattern[str]
    hosts: Mapping[str, str]
    # Nothing says which environment this is, so a word of any may be right or wrong.
    unsure: bool
    # The environment's own names for versions of functions, `:live`: whatever word they are, they are its own.
    aliases: tuple[str, ...]


def check(environment: Environment) -> Iterator[Judgement]:
    others = None
    answers: dict[Resource, set[str]] = {}
    for told in all_told(environment):
        others = _others(environment) if others is None else others
        said = answers.setdefault(told.owner, set())
        if isinstance(told.value, Unknown) and not told.name:
            said.update((OTHER, PLAIN))
            yield told.owner.undecided(OTHER, told.value.why, path=told.path, fix=_FIX_OTHER)
            yield told.owner.undecided(PLAIN, told.value.why, path=told.path, fix=_FIX_PLAIN)
            continue
        if environment.kind is not EnvironmentKind.SHARED:
            for judgement in _of_another(told, environment, others):
                said.add(OTHER)
                yield judgement
        if not told.secret:
            for judgement in _in_plain_text(told, environment.project):
                said.add(PLAIN)
                yield judgement
    for kept in (*kept_openly(environment), *set_as_secret(environment)):
        yield from _in_plain_text(kept, environment.project, _FIX_KEPT)
    for owner in dict.fromkeys((*environment.resources(*_ALWAYS_TOLD), *answers)):
        said = answers.get(owner, set())
        if OTHER not in said and environment.kind is not EnvironmentKind.SHARED:
            yield owner.passes(OTHER, "Nothing that it is told belongs to another environment.")
        if PLAIN not in said:
            yield owner.passes(PLAIN, "Nothing that it is told is a secret in plain text.")


_ALWAYS_TOLD: Final = ("AWS::ECS::TaskDefinition", "AWS::Lambda::Function", "AWS::Serverless::Function")


def check_pipeline(pipeline: Pipeline, project: Project) -> Iterator[Judgement]:
    from checker.reason.deploys.paths import once
    from checker.reason.workloads.handed_by_calls import shown_secrets

    found = [(call, each) for call in pipeline.aws_calls() for each in shown_secrets(call)]
    judged = set(written_out(project)) if any(each.written for _, each in found) else set()  # said there once
    yield from once(
        call.fails(PLAIN, f"It hands over {each.said}.", fix=_FIX_PLAIN)
        if each.sure
        else call.undecided(PLAIN, each.said, fix=_FIX_PLAIN)
        for call, each in found
        if each.written is None or each.written not in judged
    )


def _written(value: str | Text) -> str:
    """What stands in the value, with a star for each open part."""
    return "".join(part if isinstance(part, str) else "*" for part in pieces(value))


# -- another environment's -----------------------------------------------------------------------


def _others(environment: Environment) -> Others:
    own = _vocabulary(environment)
    found: set[str] = set()
    hosts: dict[str, str] = {}
    project = environment.project
    for other in (*project.environments, *project.elsewhere):
        if other.kind is not EnvironmentKind.SHARED and other is not environment:
            found |= _vocabulary(other)
            hosts.update(dict.fromkeys(_hosts(other), other.name))
    production, staging = _SYNONYMS
    if environment.kind is EnvironmentKind.PRODUCTION:
        found |= staging
    elif environment.kind is EnvironmentKind.STAGING:
        found |= production
    unsure = environment.kind is EnvironmentKind.OTHER and not own
    if unsure:
        found |= production | staging
    for host in _hosts(environment):
        hosts.pop(host, None)
    foreign = frozenset(found - own)
    hint = re.compile("|".join(map(re.escape, sorted(foreign))) or r"(?!)", re.IGNORECASE)
    named = (alias.get("Name") for alias in environment.resources("AWS::Lambda::Alias"))
    aliases = tuple(f":{each.value}" for each in named if isinstance(each, Known) and isinstance(each.value, str))
    return Others(foreign, hint, hosts, unsure, aliases)


def _vocabulary(environment: Environment) -> set[str]:
    """The words that say "this environment": those of its name that are environments' words, and their synonyms."""
    kinds = {EnvironmentKind.PRODUCTION, EnvironmentKind.STAGING}
    own = {word for word in words(environment.name) if kind_of(word) in kinds}
    for group in _SYNONYMS:
        if own & group:
            own |= group
    return own


def _hosts(environment: Environment) -> Iterator[str]:
    for record in environment.resources("AWS::Route53::RecordSet"):
        name = record.get("Name")
        if isinstance(name, Known) and isinstance(name.value, str):
            yield name.value.rstrip(".").lower()


def _of_another(told: Told, environment: Environment, others: Others) -> Iterator[Judgement]:
    value = told.value
    if isinstance(value, Unknown):
        yield told.owner.undecided(OTHER, f"{told.name}: {value.why}", path=told.path, fix=_FIX_OTHER)
        return
    if not isinstance(value, str | Text):
        return
    resource = _foreign_resource(value, environment)
    if resource is not None:
        said = f"{told.name} refers to {resource.logical_id} of {resource.environment_name}."
        yield told.owner.fails(OTHER, said, fix=_FIX_OTHER, path=told.path, related=(resource,))
        return
    if told.name in _MODES:
        return
    # Secrets may stand here: what is said is the word or the host, never the value.
    written = _written(settled(value, environment.project))
    hosts = _HOST.findall(written) if others.hosts and "://" in written else ()
    host = next((host for host in hosts if host.lower() in others.hosts), None)
    if host is not None:
        said = f"{told.name} holds {host}, which is {others.hosts[host.lower()]}'s host."
        yield told.owner.fails(OTHER, said, fix=_FIX_OTHER, path=told.path)
        return
    made = generated_name(written, environment)
    if made is not None:
        said = f"{told.name} holds {made}, a name that CloudFormation made for another environment."
        yield told.owner.fails(OTHER, said, fix=_FIX_OTHER, path=told.path)
        return
    word = _foreign_word(written, others) or foreign_host(written, environment)
    if word is not None and _given(told, word):
        return
    if word is not None and others.unsure:
        why = f"{told.name} names {word}, and nothing says which environment this is"
        yield told.owner.undecided(
            OTHER, why, path=told.path, fix="Say in checker.toml which environment the stack is of."
        )
    elif word is not None:
        yield told.owner.fails(OTHER, f"{told.name} names another environment: {word}.", fix=_FIX_OTHER, path=told.path)
    elif (unread := _unread(value)) is not None:
        # What is given at deployment is no literal; what cannot be evaluated may hide one.
        yield told.owner.undecided(OTHER, f"{told.name}: {unread}", path=told.path, fix=_FIX_OTHER)


def _given(told: Told, word: str) -> bool:
    """Whether a word is not written where the value is made, and a parameter without a value brings it: it is one of
    those that deployments may choose, and each chooses its own."""
    raw = told.owner.raw_at(told.path) if told.path != "Metadata" else None
    stack = told.owner.stack
    declared = stack.template.get("Parameters")
    if not isinstance(raw, dict) or not isinstance(declared, dict) or stack.parent is not None:
        return False
    written = _behind(raw, stack.template.get("Resources"))
    chosen = [
        name
        for each in written
        for name in references(each)
        if isinstance(said := declared.get(name), dict) and name not in stack.parameters and "Default" not in said
    ]
    return bool(chosen) and "Fn::FindInMap" not in str(written) and word not in words(" ".join(_literals(written)))


def _behind(raw: Raw, resources: Raw) -> list[Raw]:
    """An expression, and how the resources are written whose names it takes: each is put together of others."""
    written, seen = [raw], set[str]()
    for each in written:
        for name in references(each) if isinstance(resources, dict) else ():
            resource = resources.get(name)
            if name not in seen and isinstance(resource, dict):
                seen.add(name)
                written.append(resource.get("Properties"))
    return written


def _literals(raw: Raw) -> Iterator[str]:
    """The texts that an expression is made of, without the names of what it refers to."""
    if isinstance(raw, str):
        yield _REFERRED.sub(" ", raw)
    elif isinstance(raw, list):
        for each in raw:
            yield from _literals(each)
    elif isinstance(raw, dict):
        for key, each in raw.items():
            if key not in {"Ref", "Condition", "Fn::GetAtt"}:
                yield from _literals(each[1:] if key == "Fn::If" and isinstance(each, list) else each)


def _unread(value: str | Text) -> str | None:
    """The expression in a value that cannot be evaluated here, in which anything may be written."""
    holes = value.holes if isinstance(value, Text) else ()
    return next((f"{hole.shown} cannot be evaluated here" for hole in holes if isinstance(hole, Expression)), None)


def _foreign_resource(value: str | Text, environment: Environment) -> Resource | None:
    """A resource of another environment that ``value`` is or contains, unless it may be meant otherwise."""
    if isinstance(value, str) and (len(value) < 8 or not re.search(r"[-/._:]", value)):
        return None  # a short word may be called like something by chance
    found = list(environment.project.all_referred(value))
    if any(each.environment_name == environment.name for each in found) and isinstance(value, str):
        return None
    shared = {each.name for each in environment.project.environments if each.kind is EnvironmentKind.SHARED}
    return next((each for each in found if each.environment_name not in {environment.name, *shared}), None)


def _foreign_word(written: str, others: Others) -> str | None:
    if not others.hint.search(written):
        return None
    for part in re.split(r"[\s,;]+", written):
        # In a sentence, only what has the form of an address or a path speaks of a place.
        if " " in written.strip() and not re.search(r"[/:]|\w\.\w", part):
            continue
        if _FILE.fullmatch(part):
            continue
        named = next((part.removesuffix(alias) for alias in others.aliases if part.endswith(alias)), part)
        found = others.words.intersection(words(without_top_level(_NOT_PRODUCTION.sub("", named))))
        if found:
            return min(found)
    return None


# -- secrets in plain text -----------------------------------------------------------------------


def _in_plain_text(told: Told, project: Project, fix: str = _FIX_PLAIN) -> Iterator[Judgement]:
    value = plain_text(told.value)  # CloudFormation makes a text of a number
    secret = is_secret_name(told.name)
    if isinstance(value, Unknown):
        if secret:
            yield told.owner.undecided(PLAIN, f"{told.name}: {value.why}", path=told.path, fix=fix)
        return
    if not isinstance(value, str | Text):
        return
    what = plain_secret(_written(value)) or _attribute_of_secret(value)
    if what is None and isinstance(value, Text) and _is_hidden_parameter(value, project):
        what = "a parameter that is hidden everywhere but here"
    if what is not None:
        yield told.owner.fails(PLAIN, f"{told.name} holds {what}.", fix=fix, path=told.path)
    elif isinstance(value, str):
        inside = _secret_in_json(value)
        if inside is not None:
            said = f"{told.name} holds JSON whose {inside} is a secret in plain text."
            yield told.owner.fails(PLAIN, said, fix=fix, path=told.path)
        elif name := (secret_inside(value) or _secret_parameter(told, value)):
            said = f"{told.name} holds a text in which {name} is a secret in plain text."
            yield told.owner.fails(PLAIN, said, fix=fix, path=told.path)
        elif looks_secret(told.name, value) and next(project.all_referred(value), None) is None:
            said = f"{told.name} holds its secret as plain text, for everyone who may read the template."
            yield told.owner.fails(PLAIN, said, fix=fix, path=told.path)
    elif secret and not str(value).startswith("arn:") and not all(isinstance(hole, Reference) for hole in value.holes):
        why = f"{told.name} comes from {value.holes[0].shown}, and may be a secret in plain text"
        yield told.owner.undecided(PLAIN, why, path=told.path, fix=fix)


def _secret_parameter(told: Told, value: str) -> str:
    """The parameter of a secret's name whose default is a part of the value; empty where there is none."""
    written = told.owner.stack.template.get("Parameters")
    declared = written if isinstance(written, dict) else {}
    raw = told.owner.raw_at(told.path) if declared and told.path != "Metadata" else None
    for name in references(raw) if isinstance(raw, dict) else ():
        parameter = declared.get(name)
        default = parameter.get("Default") if isinstance(parameter, dict) else None
        if isinstance(default, str) and looks_secret(name, default) and default in value:
            return f"the parameter {name}"
    return ""


def _secret_in_json(value: str) -> str | None:
    """The key of a JSON object, written in Base64 or not, under which a secret stands."""
    if value.startswith("eyJ") and len(value) <= _MOST_JSON:
        try:
            value = base64.b64decode(value, validate=True).decode()
        except ValueError:
            return None
    if not value.startswith("{") or len(value) > _MOST_JSON:
        return None
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    pending: list[tuple[str, object]] = [("", document)]
    while pending:
        holder, part = pending.pop()
        for key, inner in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
            if isinstance(inner, str) and looks_secret(name_inside(holder, str(key)), inner):
                return str(key)
            pending.append((str(key) if isinstance(part, dict) else holder, inner))
    return None


def _attribute_of_secret(value: str | Text) -> str | None:
    for hole in value.holes if isinstance(value, Text) else ():
        if isinstance(hole, Attribute) and hole.name in _ATTRIBUTES_OF_SECRETS:
            return f"{hole.shown}, which is a secret"
    return None


def _is_hidden_parameter(value: Text, project: Project) -> bool:
    """Whether a parameter with ``NoEcho`` is a part of the value."""
    names = {(hole.stack, hole.name) for hole in value.holes if isinstance(hole, Parameter)}
    for stack in project.stacks if names else ():
        declared = stack.template.get("Parameters")
        for owner, name in names:
            parameter = declared.get(name) if owner == stack.id and isinstance(declared, dict) else None
            if isinstance(parameter, dict) and str(parameter.get("NoEcho", "")).lower() == "true":
                return True
    return False


RULE = Rule(
    id="S4",
    looked_for="container or function (AWS::ECS::TaskDefinition, AWS::Lambda::Function)",
    looked_for_in_pipeline="call that tells a container or a function a secret",
    check=check,
    check_pipeline=check_pipeline,
)
