"""Which GitHub tokens a trust policy admits.

Sources: GitHub Docs, "OpenID Connect reference" (subjects: a job that names an environment presents it instead of its
ref, and ``:`` in a name becomes ``%3A``; repositories created, renamed or transferred on or after 2026-07-15 present
immutable ids); AWS IAM User Guide, "IAM and AWS STS condition context keys", "Available keys for AWS OIDC federation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, every, negated, yes_if
from checker.model.environments import Project
from checker.model.resources import Resource
from checker.model.settings import Settings, SubjectForm
from checker.model.values import Absent, Known, Text, Unknown, Unstated, as_list, pieces, text
from checker.reason.iam.conditions import Context, holds
from checker.reason.iam.evaluation import Access, Decision, Policies, Request, decide
from checker.reason.iam.policies import Statement, principal_of, read_document
from checker.reason.oidc.subjects import as_made, made_claims
from checker.reason.text.patterns import example, folded, glob, has_wild, match_any

HOST: Final = "token.actions.githubusercontent.com"
# What aws-actions/configure-aws-credentials asks for, and with it nearly everyone.
AUDIENCE: Final = "sts.amazonaws.com"
ACTION: Final = "sts:AssumeRoleWithWebIdentity"
_WEB_IDENTITY: Final = folded(glob(ACTION))

# Claims of GitHub's tokens that STS turns into context keys (IAM User Guide, "Available keys for AWS OIDC federation"),
# and those that are in the tokens (GitHub Docs, "OpenID Connect reference") and that it makes no key of: a condition on
# one of these never finds it. Of other keys nothing is known.
_CLAIMS: Final = frozenset(
    {"aud", "sub", "repository", "repository_id", "ref", "environment", "job_workflow_ref", "workflow", "actor"}
    | {"actor_id", "enterprise_id"}
)
_NO_KEYS: Final = frozenset(
    {"base_ref", "head_ref", "event_name", "job_workflow_sha", "workflow_ref", "workflow_sha", "jti", "iss", "iat"}
    | {"exp", "nbf", "ref_type", "ref_protected", "repository_owner", "repository_owner_id", "repository_visibility"}
    | {"run_id", "run_number", "run_attempt", "runner_environment", "sha", "enterprise", "environment_node_id"}
)


class Repository(Struct, frozen=True):
    """A repository as its tokens name it. Ids that are not known are holes in the immutable form."""

    name: str | Text  # OWNER/REPO
    form: SubjectForm = SubjectForm.CLASSIC
    owner_id: str = ""
    repository_id: str = ""

    @property
    def prefix(self) -> str | Text:
        """What every subject of the repository begins with: ``repo:OWNER/REPO:``."""
        if self.form is SubjectForm.CLASSIC or not isinstance(self.name, str):
            return text(["repo:", *pieces(self.name), ":"])
        owner, _, name = self.name.partition("/")
        owner_id = self.owner_id or Unstated("<owner id>")
        repository_id = self.repository_id or Unstated("<repository id>")
        return text([f"repo:{owner}@", owner_id, f"/{name}@", repository_id, ":"])


def own_repository(settings: Settings) -> Repository | None:
    """The project's repository where ``checker.toml`` (or the checkout) says which it is."""
    if not settings.repository:
        return None
    return Repository(settings.repository, settings.subject_form, settings.owner_id, settings.repository_id)


class Token(Struct, frozen=True):
    """What a job presents: ``claims`` by name. A claim that is missing, of those known here, the token does not have;
    one that is ``None`` it has with a value that is not known."""

    claims: Mapping[str, str | Text | None]

    @property
    def subject(self) -> str | Text:
        return self.claims.get("sub") or ""


# Every job has these; what they are depends on who starts which workflow.
_OPEN: Final[Mapping[str, None]] = dict.fromkeys(
    ("job_workflow_ref", "workflow", "actor", "actor_id", "enterprise_id", "repository_id", "ref")
)


def environment_token(repository: Repository, environment: str | Text, *, ref: str | Text | None = None) -> Token:
    """Of a job with ``environment:``, whatever started it."""
    named = text([part.replace(":", "%3A") if isinstance(part, str) else part for part in pieces(environment)])
    subject = text([*pieces(repository.prefix), "environment:", *pieces(named)])
    return _token(repository, subject, environment=environment, ref=ref)


def ref_token(repository: Repository, ref: str | Text) -> Token:
    """Of a job without an environment that runs on a branch or a tag: ``refs/heads/main``, ``refs/tags/v1``."""
    return _token(repository, text([*pieces(repository.prefix), "ref:", *pieces(ref)]), ref=ref)


def pull_request_token(repository: Repository) -> Token:
    """Of a job without an environment that a pull request starts."""
    return _token(repository, text([*pieces(repository.prefix), "pull_request"]), ref="refs/pull/1/merge")


def _token(
    repository: Repository, subject: str | Text, *, ref: str | Text | None, environment: str | Text | None = None
) -> Token:
    claims: dict[str, str | Text | None] = {
        **_OPEN,
        "aud": AUDIENCE,
        "sub": subject,
        "repository": repository.name,
        "ref": ref,
        "repository_id": repository.repository_id or None,
    }
    if environment is not None:
        claims["environment"] = environment
    return Token(claims)


def with_claims(token: Token, **claims: str | Text | None) -> Token:
    return Token({**token.claims, **claims})


def without_claim(token: Token, claim: str) -> Token:
    return Token({name: value for name, value in token.claims.items() if name != claim})


# -- trust -----------------------------------------------------------------------------------------


class Trust(Struct, frozen=True):
    """How a role trusts GitHub.

    ``allows``: statements that name GitHub's provider (or may) and allow something. ``denies``: those that deny.
    ``accepted``: the audiences that the provider accepts, ``None`` where it is not at hand. ``unread``: why parts of
    the policy could not be read.
    """

    role: Resource
    provider: str
    allows: tuple[Statement, ...] = ()
    denies: tuple[Statement, ...] = ()
    unread: tuple[str, ...] = ()
    accepted: tuple[str, ...] | None = None
    _keys: frozenset[str] = frozenset()

    @property
    def entrances(self) -> tuple[Statement, ...]:
        """The statements through which a token gets in: those that allow the call for web identities."""
        return tuple(each for each in self.allows if _of_web_identity(each) is not NO)

    def key(self, claim: str) -> str:
        return f"{self.provider}:{claim}"

    def admits(self, token: Token) -> Decision:
        """Whether STS would let in who presents ``token``."""
        audience = token.claims.get("aud")
        if self.accepted is not None and isinstance(audience, str) and audience not in self.accepted:
            return Decision(Access.DENIED, f"the OIDC provider does not accept the audience {audience}")
        policies = Policies((*self.allows, *self.denies), self.unread)
        decision = decide(policies, Request(ACTION, (), self._context(token)))
        for claims in self._made if decision.denied else ():
            subject = as_made(claims, token.claims)
            other = self._context(with_claims(token, sub=subject))
            if subject is not None and not decide(policies, Request(ACTION, (), other)).denied:
                names = ", ".join(name for name, _ in claims if name != "*")
                return Decision(Access.UNKNOWN, f"whether the repository makes its subjects of {names} is not known")
        return decision

    @property
    def _made(self) -> Iterator[tuple[tuple[str, str], ...]]:
        """The claims of subjects that no repository presents unless it is set to."""
        for statement in self.entrances:
            for condition in statement.conditions:
                if condition.key == self.key("sub") and not condition.negated:
                    found = (made_claims(pattern) for pattern in condition.patterns if pattern is not None)
                    yield from (each for each in found if each)

    def never_holds(self, statement: Statement) -> bool:
        """Whether a statement asks for a claim of another provider, which no token of this one has: nobody gets in."""
        foreign = [each for each in statement.conditions if each.key in self._foreign]
        return any(holds((each,), Context(absent=self._foreign)) is NO for each in foreign)

    @property
    def _foreign(self) -> frozenset[str]:
        """Keys of another provider: they are not in a request that comes through this one."""
        own = (f"{self.provider}:", "aws:", "sts:")
        return frozenset(key for key in self._keys if key and not key.startswith(own))

    @property
    def undocumented(self) -> tuple[str, ...]:
        """The keys of this provider that the policy asks for and that AWS does not list."""
        listed = {self.key(name) for name in _CLAIMS | _NO_KEYS}
        return tuple(sorted(key for key in self._keys if key.startswith(f"{self.provider}:") and key not in listed))

    def _context(self, token: Token) -> Context:
        values = {self.key(name): (value,) for name, value in token.claims.items() if value is not None}
        known = {self.key(name) for name in _CLAIMS}
        absent = {key for key in known if key.partition(":")[2] not in token.claims}
        absent |= {self.key(name) for name in _NO_KEYS}
        return Context(values, frozenset(absent) | self._foreign | self._for_all)

    @property
    def _for_all(self) -> frozenset[str]:
        """Keys that AWS does not list and that only ``ForAllValues`` asks for, which holds for a key that is not there.

        AWS makes no keys of claims that it does not list (GitHub Docs, "Configuring OpenID Connect in Amazon Web
        Services": custom claims are not supported).
        """
        asked = [each for statement in (*self.allows, *self.denies) for each in statement.conditions]
        others = {each.key for each in asked if each.qualifier != "forallvalues"}
        return frozenset(self.undocumented) - others


def _of_web_identity(statement: Statement) -> Answer:
    if statement.actions is not None:
        return match_any(statement.actions, _WEB_IDENTITY)
    return negated(match_any(statement.not_actions or (), _WEB_IDENTITY))


def trust_of(role: Resource, project: Project) -> Trust | None:
    """How ``role`` trusts GitHub's OIDC provider; ``None`` where it surely does not."""
    value = role.get("AssumeRolePolicyDocument")
    if isinstance(value, Absent):
        return None
    document = read_document(
        value.value if isinstance(value, Known) else value, role, "AssumeRolePolicyDocument", project
    )
    allows: list[Statement] = []
    provider = HOST
    accepted: tuple[str, ...] | None = None
    unread = list(document.unread)
    for statement in document.statements:
        if not statement.allows:
            continue
        answer, named = _trusts_github(statement)
        if answer is NO:
            continue
        provider = named or provider
        audiences = _accepted(statement, project)
        if isinstance(audiences, Unknown):
            unread.append(audiences.why)
        else:
            accepted = accepted or audiences
        allows.append(statement if answer is YES else replace(statement, certain=False))
    if not allows and not document.unread:
        return None
    denies = tuple(
        each if answer is YES else replace(each, certain=False)
        for each in document.statements
        if not each.allows and (answer := _trusts_github(each)[0]) is not NO
    )
    keys = frozenset(condition.key for each in (*allows, *denies) for condition in each.conditions)
    return Trust(role, provider, tuple(allows), denies, tuple(unread), accepted, keys)


def _trusts_github(statement: Statement) -> tuple[Answer, str]:
    """Whether a statement speaks of GitHub's provider, and the provider's name where it says it."""
    if statement.principals is None:
        return (_WHICH_PROVIDER if statement.not_principals else NO), ""
    doubtful = False
    for kind, value in statement.principals:
        if kind == "*" and value == "*":
            # Everyone: for web identities that is every provider of the account.
            if _of_web_identity(statement) is YES:
                return YES, ""
        elif kind == "AWS" and value == "*":
            # Documented as the same as everyone; whether it takes in web identities is not.
            doubtful = doubtful or _of_web_identity(statement) is not NO
        elif kind in ("Federated", "*"):
            answer, name = _is_github(value)
            if answer is YES:
                return YES, name
            doubtful = doubtful or isinstance(answer, Open)
    if not doubtful:
        return NO, ""
    # Who it is stands in a value that is open; which provider's claims it asks for tells as well.
    hosts = {key.rpartition(":")[0] for key in (condition.key for condition in statement.conditions)}
    hosts -= {"aws", "sts", ""}
    if hosts:
        named = next((host for host in hosts if _is_host(host)), None)
        return (YES, named) if named else (NO, "")
    return (NO if _of_web_identity(statement) is NO else _WHICH_PROVIDER), ""


_WHICH_PROVIDER: Final = Open("which provider's tokens the statement is about")


def _is_github(value: str | Text | None) -> tuple[Answer, str]:
    if value is None:
        return _WHICH_PROVIDER, ""
    if value == "*":
        return YES, ""
    shown = str(value)
    _, found, name = shown.partition("oidc-provider/")
    if found and (not isinstance(value, Text) or isinstance(value.parts[-1], str)):
        return yes_if(_is_host(name)), name.lower()
    if isinstance(value, str):
        return NO, ""
    return (_WHICH_PROVIDER if _may_be_provider(value) else NO), ""


def _may_be_provider(value: Text) -> bool:
    """Whether a federated principal with open parts may be an OIDC provider; one of SAML says so in its ARN."""
    return not any(isinstance(part, str) and ":saml-provider/" in part for part in value.parts)


def _is_host(name: str) -> bool:
    """GitHub's issuer, or an enterprise's own below it."""
    return name.lower() == HOST or name.lower().startswith(f"{HOST}/")


# The property that lists a provider's audiences, by the provider's type.
_AUDIENCES: Final[Mapping[str, str]] = {
    "AWS::IAM::OIDCProvider": "ClientIdList",
    "Custom::AWSCDKOpenIdConnectProvider": "ClientIDList",
}


def _accepted(statement: Statement, project: Project) -> tuple[str, ...] | Unknown | None:
    """The provider's list of audiences, where the provider is one of the project's resources."""
    for provider in project.all_referred(principal_of(statement)):
        name = _AUDIENCES.get(provider.type)
        if name is not None:
            value = provider.get(name)
            open_list = Unknown("which audiences the OIDC provider accepts is not known before deployment")
            if isinstance(value, Unknown):
                return open_list
            listed = as_list(value.value) if isinstance(value, Known) else []
            plain = tuple(each for each in listed if isinstance(each, str))
            return plain if len(plain) == len(listed) or AUDIENCE in plain else open_list
    return None


def all_admitted(trust: Trust, tokens: Iterable[Token]) -> Answer:
    """Whether every token is let in."""
    return every(decision.as_answer for decision in map(trust.admits, tokens))


def other_audiences(trust: Trust) -> Iterator[str]:
    """The audiences beside that of AWS that its policy compares with."""
    for statement in trust.entrances:
        for condition in statement.conditions:
            if condition.key == trust.key("aud") and not condition.negated:
                for pattern in (each for each in condition.patterns if each is not None):
                    written = example(pattern)
                    if isinstance(written, str) and not has_wild(pattern) and written != AUDIENCE:
                        yield written
