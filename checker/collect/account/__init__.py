"""A live account as facts: what it has, in CloudFormation's names, and what could not be read.

``read`` makes the snapshot. The describers of the services stand in ``services``; every call they make is a row of
``operations``, from which follow what a failure leaves unread, the number of calls, and the least policy.
boto3 is imported when an account is opened, not before.
"""

from checker.collect.account.needs import AUDIT, DRIFT, EVERYTHING, PREFLIGHT, Needs
from checker.collect.account.reading import Plan, Read, Reader, Reading, read, read_many
from checker.collect.account.target import Caller, Limits, Target

__all__ = [
    "AUDIT",
    "DRIFT",
    "EVERYTHING",
    "PREFLIGHT",
    "Caller",
    "Limits",
    "Needs",
    "Plan",
    "Read",
    "Reader",
    "Reading",
    "Target",
    "read",
    "read_many",
]
