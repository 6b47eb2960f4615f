"""An in-toto statement, version 1, made and checked by the project's own library.

The format is in-toto's Attestation Framework, "Statement layer specification, v1": subjects with digests, the type of
the predicate, the predicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from checker.errors import UsageError, install_with

PREDICATE_TYPE: Final = "https://github.com/kcjonson/doc-platform/evidence/v1"


def statement(subjects: Iterable[tuple[str, str]], predicate_type: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    """The statement about (name, ``sha256:…``) subjects as plain data."""
    try:
        from google.protobuf.json_format import MessageToDict, ParseError
        from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
        from in_toto_attestation.v1.statement import Statement
    except ImportError:
        raise UsageError("evidence needs a package: in-toto-attestation", install_with("evidence")) from None
    descriptors = [_descriptor(ResourceDescriptor, name, digest) for name, digest in subjects]
    try:
        made = Statement(descriptors, predicate_type, dict(predicate))
        made.validate()
    except (ValueError, TypeError, ParseError) as error:
        raise UsageError(
            f"there is nothing to state evidence about: {error}",
            "Judge an assembly, name a snapshot of the account, or images with --image NAME@sha256:….",
        ) from None
    plain = MessageToDict(made.pb)
    # protobuf has no whole numbers in free-form data: 3 would come back as 3.0.
    return {**plain, "predicate": dict(predicate)}


def _descriptor(kind: Any, name: str, digest: str) -> Any:
    algorithm, _, value = digest.partition(":")
    return kind(name=name, digest={algorithm: value}).pb
