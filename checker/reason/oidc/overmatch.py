"""What else a trust policy admits: tokens that are not of the project's own protected refs and environments.

Proven from both sides. A statement is narrow where one of its conditions, or two together, confine the tokens to the
project's own. It is too wide where a token from outside is found that it admits. In between it is undecided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from checker import lazy_re
from checker.model.answers import NO, YES, Answer, Open, either, every, yes_if
from checker.model.overlap import Pattern, Wild
from checker.model.settings import Settings, SubjectForm
from checker.model.values import Hole, Pseudo, Text, pieces, text
from checker.reason.iam.bounds import bounds_on_key
from checker.reason.iam.policies import Condition, Statement
from checker.reason.oidc.subjects import made_claims
from checker.reason.oidc.trust import (
    AUDIENCE,
    Repository,
    Token,
    Trust,
    environment_token,
    own_repository,
    pull_request_token,
    ref_token,
    with_claims,
    without_claim,
)
from checker.reason.text.patterns import UNREAD, covers, exact, example, folded, glob, has_hole, has_wild, shown

_MAX_PROBES: Final = 600
_IDS: Final = lazy_re.compile(r"@\d+(?=[/:])")
STRANGER: Final = Repository("a-stranger/anything")
_NOBODY: Final = "repo:anything/anything:"  # both parts open: a message shows the stranger instead


class Own(Struct, frozen=True):
    """What is the project's own. ``environments`` is empty where nothing says which: then each that is named counts."""

    repositories: tuple[Repository, ...]
    protected_refs: tuple[str, ...]
    environments: tuple[str, ...]
    declared: bool  # the repository was said, not taken from the policies
    deployed: tuple[str, ...] = ()  # the environments that the stacks are of

    @property
    def repository(self) -> Repository:
        return self.repositories[0] if self.repositories else Repository("owner/repository")


def own_of(settings: Settings, trusts: list[Trust], deployed: tuple[str, ...]) -> Own:
    """The project's own repository: the one that the settings name, or else the one that the policies name."""
    declared = own_repository(settings)
    found = dict.fromkeys(repository for trust in trusts for repository in _named_repositories(trust))
    if declared is None:
        repositories = tuple(found)
    else:
        # The other form of the same repository is no stranger, where nothing says that its ids are others.
        same = (each for each in found if each.name == declared.name and _ids_agree(each, declared))
        repositories = tuple(dict.fromkeys((declared, *same)))
    return Own(repositories, settings.protected_refs, settings.github_environments, declared is not None, deployed)


def _ids_agree(one: Repository, other: Repository) -> bool:
    known = (one.owner_id, other.owner_id), (one.repository_id, other.repository_id)
    return all("" in pair or pair[0] == pair[1] for pair in known)


def _named_repositories(trust: Trust) -> Iterator[Repository]:
    for statement in trust.entrances:
        for condition in statement.conditions:
            if condition.key == trust.key("sub") and not condition.negated:
                for pattern in condition.patterns:
                    repository = _repository_in(pattern) if pattern is not None else None
                    if repository is not None:
                        yield repository
            elif condition.key == trust.key("repository") and not condition.negated:
                for pattern in condition.patterns:
                    if pattern is not None and not has_wild(pattern):
                        yield Repository(example(pattern))


def _repository_in(pattern: Pattern) -> Repository | None:
    """The repository that a subject pattern names, where no wildcard stands in it."""
    head = exact("repo:")
    rest = pattern[len(head) :]
    if pattern[: len(head)] != head or ":" not in rest:
        return None
    name = rest[: rest.index(":")]
    if not name or has_wild(name) or "*" in name or not ("/" in name or has_hole(name)):
        return None
    written = example(name)
    if isinstance(written, str) and len(ids := _IDS.findall(f"{written}:")) == 2:
        plain = _IDS.sub("", f"{written}:").removesuffix(":")
        return Repository(plain, SubjectForm.IMMUTABLE, ids[0][1:], ids[1][1:])
    return Repository(written)


def repositories_named(own: Own) -> int:
    """How many different repositories the policies name."""
    return len({str(repository.name) for repository in own.repositories})


# Whether all that a pattern of a condition matches is the project's own, in one respect.
_Check: TypeAlias = "Callable[[Pattern, Condition, Own], Answer]"

# -- narrow? -----------------------------------------------------------------------------------------


def is_narrow(trust: Trust, statement: Statement, own: Own) -> Answer:
    """Whether everything that ``statement`` admits is the project's own."""
    if trust.never_holds(statement):
        return YES
    denying = list(trust.denies)

    def bounds(claim: str, check: _Check) -> list[Answer]:
        """What each condition on a claim confines the tokens to, by itself."""
        return [
            every(UNREAD if pattern is None else check(pattern, condition, own) for pattern in condition.patterns)
            for condition in bounds_on_key(statement, denying, trust.key(claim))
        ]

    subject = either(bounds("sub", is_own_subject))
    if subject is YES:
        return YES
    by_claim = [
        *bounds("repository", lambda pattern, _, own: _is_repository(pattern, own)),
        *bounds("repository_id", lambda pattern, _, own: _has_id(pattern, own)),
    ]
    if either(by_claim) is YES and either(bounds("sub", _own_place)) is YES:
        return YES
    of_repository = [*bounds("sub", lambda pattern, _, own: _in_repository(pattern, own)), *by_claim]
    of_place = [
        *bounds("environment", _own_environment),
        *bounds("ref", _own_ref),
        *bounds("job_workflow_ref", _own_workflow),
    ]
    repository, place = either(of_repository), either(of_place)
    if repository is YES and place is YES:
        return YES
    if isinstance(subject, Open):
        return subject
    if not of_repository or not of_place:
        return NO  # one of the two alone confines nothing
    return next((each for each in (*of_repository, *of_place) if isinstance(each, Open)), NO)


def is_own_subject(pattern: Pattern, condition: Condition, own: Own) -> Answer:
    """Whether every subject of ``pattern`` is one of the project's protected refs or environments."""
    if "*" in pattern or "?" in pattern:
        return YES  # taken literally: no repository, ref or environment has such a name, so nobody gets in
    if made := made_claims(pattern):
        return _own_claims(dict(made), condition, own) if len(dict(made)) == len(made) else NO
    doubtful = _may_hide_a_star(pattern, condition)
    fold = condition.operator.endswith("ignorecase")
    is_open = has_hole(pattern)
    for repository in own.repositories:
        prefix = exact(repository.prefix)
        if pattern[: len(prefix)] == prefix:
            is_open = has_hole(pattern[len(prefix) :])
        for ref in own.protected_refs:
            # Refs are told apart by case: to ignore it admits a branch `Main` that nobody protects.
            if not fold and covers(glob(text([*pieces(repository.prefix), f"ref:{ref}"])), pattern):
                return _STAR if doubtful else YES
        head = exact(text([*pieces(repository.prefix), "environment:"]))
        head = folded(head) if fold else head
        if pattern[: len(head)] == head:
            rest = pattern[len(head) :]
            return _STAR if doubtful else _own_environment(rest, condition, own)
    return _open_or_no(pattern, is_open)


def _own_place(pattern: Pattern, condition: Condition, own: Own) -> Answer:
    """Whether every subject of ``pattern`` is of a protected place, whichever repository's: ``repo:*:environment:E``.

    No ref and no environment's name in a subject has a colon, so what ends a pattern ends the subject.
    """
    if pattern[:5] != exact("repo:"):
        return NO
    for marker, check in ((":environment:", _own_environment), (":ref:", _own_ref)):
        mark = exact(marker)
        at = next((i for i in range(len(pattern) - len(mark), 4, -1) if pattern[i : i + len(mark)] == mark), None)
        rest = pattern[at + len(mark) :] if at is not None else ()
        if rest and exact(":")[0] not in rest:
            return check(rest, condition, own)
    return NO


def _own_claims(made: Mapping[str, str], condition: Condition, own: Own) -> Answer:
    """Whether a subject made of these claims is of the repository, and of a place in it that is protected."""
    read = exact if condition.base == "stringequals" else glob
    if "repo" not in made or not any(covers(glob(each.name), read(made["repo"])) for each in own.repositories):
        return NO
    checks: tuple[tuple[str, _Check], ...] = (
        ("environment", _own_environment),
        ("ref", _own_ref),
        ("job_workflow_ref", _own_workflow),
    )
    return either(check(read(made[name]), condition, own) for name, check in checks if name in made)


def _own_environment(name: Pattern, condition: Condition, own: Own) -> Answer:
    if has_wild(name) or not name:
        return NO
    if not own.environments:
        return _STAR if _may_hide_a_star(name, condition) else YES
    if has_hole(name):
        return Open(f"which environment {shown(name)} is")
    fold = condition.operator.endswith("ignorecase")
    known = {each.replace(":", "%3A") for each in own.environments} | set(own.environments)
    return yes_if(example(name) in ({each.lower() for each in known} if fold else known))


def _own_ref(pattern: Pattern, condition: Condition, own: Own) -> Answer:
    if any(covers(glob(ref), pattern) for ref in own.protected_refs):
        return _STAR if _may_hide_a_star(pattern, condition) else yes_if(not condition.operator.endswith("ignorecase"))
    return _open_or_no(pattern, has_hole(pattern))


def _own_workflow(pattern: Pattern, condition: Condition, own: Own) -> Answer:
    wanted = [
        glob(text([*pieces(repository.name), f"/*@{ref}"]))
        for repository in own.repositories
        for ref in own.protected_refs
    ]
    if any(covers(each, pattern) for each in wanted):
        return _STAR if _may_hide_a_star(pattern, condition) else yes_if(not condition.operator.endswith("ignorecase"))
    return _open_or_no(pattern, has_hole(pattern))


def _in_repository(pattern: Pattern, own: Own) -> Answer:
    if any(covers(glob(text([*pieces(each.prefix), "*"])), pattern) for each in own.repositories):
        return YES
    return _open_or_no(pattern, has_hole(pattern))


def _is_repository(pattern: Pattern, own: Own) -> Answer:
    if any(pattern in (exact(each.name), folded(exact(each.name))) for each in own.repositories):
        return YES
    return _open_or_no(pattern, has_hole(pattern))


def _has_id(pattern: Pattern, own: Own) -> Answer:
    known = {each.repository_id for each in own.repositories} - {""}
    if has_wild(pattern):
        return NO
    if not known:
        return Open(f"whose id {shown(pattern)} is") if own.declared or has_hole(pattern) else YES
    return yes_if(example(pattern) in known)


def _open_or_no(pattern: Pattern, is_open: bool) -> Answer:
    return Open(f"whose {shown(pattern)} is") if is_open else NO


_STAR: Final = Open("a value from outside could be `*`, which the operator takes for anything")


def _may_hide_a_star(pattern: Pattern, condition: Condition) -> bool:
    """A value from a parameter, under an operator with wildcards: whoever deploys could write ``*`` there."""
    if condition.base not in ("stringlike", "arnlike", "arnequals"):
        return False
    return any(isinstance(each, Hole) and not isinstance(each, Pseudo) for each in pattern)


def why_undecided(trust: Trust, answer: Answer) -> str:
    """Why it cannot be told whether others get in: a value that is open, or a claim that nothing is known of."""
    if isinstance(answer, Open):
        return f"what the trust policy compares is not known before deployment, and may admit others: {answer.why}"
    if keys := " or ".join(trust.undocumented):
        return f"AWS documents no condition key {keys}, so whether a token has it, and who gets in, is not told"
    return "no single condition keeps all others out, and whether they do so together is not told"


# -- too wide? ---------------------------------------------------------------------------------------


def outsider(trust: Trust, statement: Statement, own: Own) -> Token | None:
    """A token that is not the project's own and that ``statement`` surely admits, where one is found."""
    alone = replace(trust, allows=(statement,))
    named = frozenset(named_environments(trust)) | set(own.deployed)
    audiences = [AUDIENCE, *_own_audiences(trust, statement)]
    for token in islice(_probes(trust, statement, own), _MAX_PROBES):
        if not _is_outside(token, own, named):
            continue
        for audience in audiences if token.claims.get("aud") == AUDIENCE else (token.claims.get("aud"),):
            # A workflow asks for a token of whatever audience it likes.
            asked = with_claims(token, aud=audience)
            if alone.admits(asked).allowed:
                return asked
    return None


def _own_audiences(trust: Trust, statement: Statement) -> Iterator[str]:
    """The audiences that a statement asks for, one example of each pattern."""
    for condition in statement.conditions:
        if condition.key == trust.key("aud") and not condition.negated:
            for pattern in condition.patterns:
                written = example(pattern, "anything") if pattern is not None else None
                if isinstance(written, str) and written != AUDIENCE:
                    yield written


def _is_outside(token: Token, own: Own, named: frozenset[str]) -> bool:
    """Whether a token is surely not the project's own. An environment that nothing names, anyone can make up."""
    if _is_misspelt(token, own):
        return False
    environment = token.claims.get("environment")
    if isinstance(environment, str) and environment not in (own.environments or named):
        return True
    return is_own_subject(exact(token.subject), Condition("stringequals", "", ()), own) is NO


def _is_misspelt(token: Token, own: Own) -> bool:
    """Whether a subject is of the project's own repository, or of its owner, but for the case: GitHub gives a name
    once, so nobody else presents it."""
    subject = str(token.subject)
    wholes = [str(each.prefix) for each in own.repositories]
    owners = [each.partition("/")[0] + "/" for each in wholes if "/" in each]
    return _differs_in_case(subject, wholes) or _differs_in_case(subject, owners)


def _differs_in_case(subject: str, prefixes: list[str]) -> bool:
    folded_alike = any(subject.lower().startswith(prefix.lower()) for prefix in prefixes)
    return folded_alike and not any(subject.startswith(prefix) for prefix in prefixes)


def named_environments(trust: Trust) -> Iterator[str]:
    """The GitHub environments that a trust policy names in full, whatever it says about them."""
    marker = ":environment:"
    for statement in (*trust.entrances, *trust.denies):
        for condition in statement.conditions:
            for pattern in condition.patterns if condition.key in (trust.key("sub"), trust.key("environment")) else ():
                written = "" if pattern is None else pieces(example(pattern, "*"))[-1]
                name = written.partition(marker)[2] if isinstance(written, str) else ""
                if condition.key == trust.key("environment"):
                    name = written if isinstance(written, str) and not has_hole(pattern or ()) else ""
                name = name.partition(":")[0]  # the next claim of a subject that the repository makes itself
                if name and "*" not in name and not (pattern and Wild.ONE in pattern):
                    yield name.replace("%3A", ":")


def _probes(trust: Trust, statement: Statement, own: Own) -> Iterator[Token]:
    """Tokens that could be anyone's, and those that the policy's own patterns suggest. The most telling come first."""
    environments = dict.fromkeys(["anything", *_suggested(trust, statement, "environment"), "production"])
    refs = dict.fromkeys(["refs/heads/anything", "refs/tags/anything", *_suggested(trust, statement, "ref")])
    refs.update(dict.fromkeys(["refs/heads/main", "refs/tags/v1.2.3", "refs/heads/MAIN"]))
    workflows = [*_suggested(trust, statement, "job_workflow_ref"), None]
    name = own.repository.name
    owner = name.partition("/")[0] if isinstance(name, str) else "owner"
    for subject in _suggested(trust, statement, "sub"):
        if isinstance(subject, str) and _NOBODY in subject:
            yield from _as_tokens(subject.replace(_NOBODY, f"repo:{STRANGER.name}:"))
        for token in _as_tokens(subject):
            # What a job in the same place could hold besides.
            for workflow in workflows:
                yield with_claims(token, job_workflow_ref=workflow)
    yield without_claim(pull_request_token(STRANGER), "sub")
    for repository in (own.repository, Repository(f"{owner}/anything"), STRANGER):
        tokens = [pull_request_token(repository)]
        tokens += [ref_token(repository, ref) for ref in refs]
        tokens += [environment_token(repository, each, ref="refs/heads/anything") for each in environments]
        for token in tokens:
            for workflow in workflows:
                own_file = text([*pieces(repository.name), "/.github/workflows/anything.yml@refs/heads/anything"])
                yield with_claims(token, job_workflow_ref=workflow or own_file)
                yield with_claims(token, job_workflow_ref=workflow or own_file, aud="https://github.com/anyone")


def _suggested(trust: Trust, statement: Statement, claim: str) -> Iterator[str | Text]:
    for condition in statement.conditions:
        if condition.key == trust.key(claim):
            for pattern in condition.patterns:
                if pattern is not None:
                    yield from dict.fromkeys(example(pattern, filler) for filler in ("anything", "-x", "refs/heads/x"))


def _as_tokens(subject: str | Text) -> Iterator[Token]:
    """A token with this subject: its other claims follow from it."""
    shown = str(subject)
    match = re.fullmatch(
        r"repo:([^:/]+/[^:/]+):(ref:(?P<ref>.+)|environment:(?P<environment>[^:]+)|.*)", shown, re.DOTALL
    )
    repository = Repository(match.group(1)) if match else STRANGER
    token = with_claims(pull_request_token(repository), sub=subject, ref=match.group("ref") if match else None)
    # Which environment a parameter gives at the end is not told: it may well be one of the project's own.
    if match and match.group("environment") and not isinstance(pieces(subject)[-1], Hole):
        environment = match.group("environment").replace("%3A", ":")
        token = with_claims(environment_token(repository, environment), sub=subject)
    yield token
