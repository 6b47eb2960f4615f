"""What a gateway endpoint for S3 lets through.

An endpoint without a policy lets everything through (Amazon VPC User Guide, "Control access to VPC endpoints using
endpoint policies"). Where containers run, it has to let the layers of their images through too: they are in a bucket of
Amazon ECR's (Amazon ECR User Guide, "Minimum Amazon S3 bucket permissions for Amazon ECR").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from checker.model.answers import NO, YES, Answer, Open, either, every, negated, yes_if
from checker.model.environments import Project
from checker.model.overlap import Pattern
from checker.model.resources import Resource
from checker.model.values import Absent, Generated, Known, Pseudo, Reference, Text, UnreadName, text
from checker.reason.iam.conditions import Context
from checker.reason.iam.evaluation import Policies, Request, decide
from checker.reason.iam.policies import Document, Statement, read_document
from checker.reason.text.patterns import folded, glob, match_any

_POLICY: Final = "PolicyDocument"
_EVERYTHING: Final = glob("*")
# Layers are fetched by links that Amazon ECR signs, over TLS: whose they are is not said anywhere.
_FETCH: Final = Context({"aws:securetransport": ("true",)})


def lets_through(endpoint: Resource, project: Project, *, layers: bool) -> Answer:
    """Whether its policy lets anything through; with ``layers``, whether the layers of images are among it."""
    policy = endpoint.get(_POLICY)
    if isinstance(policy, Absent):
        return YES
    document = read_document(policy.value if isinstance(policy, Known) else policy, endpoint, _POLICY, project)
    if not layers:
        return _anything(document)
    statements = tuple(_on_layers(each) for each in document.statements)
    return decide(Policies(statements, document.unread), Request("s3:GetObject", _layer(endpoint), _FETCH)).as_answer


def _layer(endpoint: Resource) -> Pattern:
    region = endpoint.stack.region or Pseudo("AWS::Region")
    return glob(text(["arn:aws:s3:::prod-", region, "-starport-layer-bucket/*"]))


def _on_layers(statement: Statement) -> Statement:
    """The statement as far as it may be about layers: their bucket is none of the project's, whatever those are called.

    It may speak of a fetch or not where it does not name everybody.
    """
    certain = statement.certain and _names_everybody(statement) is YES
    if statement.resources is None:
        return replace(statement, certain=certain)
    resources = tuple(each for each in statement.resources if each is None or not _is_own(each))
    return replace(statement, certain=certain, resources=resources)


def _is_own(pattern: Pattern) -> bool:
    return any(isinstance(symbol, Reference | UnreadName | Generated) for symbol in pattern)


def _names_everybody(statement: Statement) -> Answer:
    if statement.not_principals:
        return Open("whom it leaves out")
    return either(_is_everybody(kind, name) for kind, name in statement.principals or ())


def _is_everybody(kind: str, name: str | Text | None) -> Answer:
    if isinstance(name, str):
        return yes_if(kind in {"*", "AWS"} and name == "*")
    return Open("whom it speaks of")


def _anything(document: Document) -> Answer:
    """Whether it allows something, and denies not everything. What a statement that allows is bound to is not asked."""

    def parts() -> Iterator[Answer]:
        allowing = [YES if each.certain else Open("whether it is there") for each in document.statements if each.allows]
        unread = [Open(why) for why in document.unread]
        yield either((*allowing, *unread))
        for each in document.statements:
            if not each.allows:
                yield negated(_denies_all(each))
        yield from unread

    return every(parts())


def _denies_all(statement: Statement) -> Answer:
    if statement.conditions:
        return NO
    return every(
        (
            match_any(statement.actions or (), folded(_EVERYTHING)),
            match_any(statement.resources or (), _EVERYTHING),
            _names_everybody(statement),
            YES if statement.certain else Open("whether it is there"),
        )
    )
