"""``Fn::Cidr``: the blocks that a network is cut into."""

from __future__ import annotations

import ipaddress
import itertools

from checker.model.resources import Raw
from checker.model.values import Absent, Attribute, Resolved, Text, Unknown
from checker.resolve.templates.evaluation import Evaluation

_MOST = 256  # blocks that one call may make (AWS CloudFormation User Guide, "Fn::Cidr")


def blocks(scope: Evaluation, argument: Raw) -> Resolved | Absent:
    values = scope.resolve(argument)
    if isinstance(values, list) and values:
        values = [_written_out(scope, values[0]), *values[1:]]
    if not isinstance(values, list) or len(values) < 2 or any(isinstance(each, Text | Unknown) for each in values):
        return Unknown("an operand of Fn::Cidr is not known")
    try:
        block, count, bits = ipaddress.ip_network(str(values[0])), int(str(values[1])), int(str((values[2:] or [0])[0]))
        prefix = block.max_prefixlen - (bits or (8 if block.version == 4 else 64))
        return [str(each) for each in itertools.islice(block.subnets(new_prefix=prefix), min(count, _MOST))]
    except ValueError as error:
        return Unknown(f"Fn::Cidr: {error}")


def _written_out(scope: Evaluation, block: Resolved) -> Resolved:
    """A network's own block, which it sets itself: ``!GetAtt Vpc.CidrBlock`` (AWS CloudFormation Template Reference,
    AWS::EC2::VPC and AWS::EC2::Subnet: the attribute is what the property says)."""
    hole = block.only_hole if isinstance(block, Text) else None
    if isinstance(hole, Attribute) and hole.name == "CidrBlock":
        told = scope.linker.setting(hole.target, "CidrBlock")
        return told if isinstance(told, str) else block
    return block
