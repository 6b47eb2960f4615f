"""A live account as facts: what it has, in CloudFormation's names, and what could not be read.

``read`` makes the snapshot. The describers of the services stand in ``services``; every call they make is a row of
``operations``, from which follow what a failure leaves unread, the number of calls, and the least policy.
boto3 is imported when an account is opened, not before.

What could not be read at all is named in a snapshot's ``unread`` as a type, as ``stacks``, ``stacks/resources``,
``stacks/template``, or as ``facts/NAME``. The facts:

``asked``                all that was asked for, in the same words; the rest was not looked at
``asked_stacks``         the root stacks that were asked for; without it all of the account and region
``deployments``          per ECS service: its counts and its deployments with their roll-out states
``tasks``                per task: its definition, its states, its containers with image and digest, its commands
``images``               repository -> images: digest, tags, when pushed
``lifecycle_previews``   repository -> images that a preview names, with what would become of them
``alarms``               alarm -> state and since when
``subscriptions``        topic -> protocol, and whether it is confirmed
``missing_topics``       topics that alarms of the stacks name and that are not there
``certificates``         certificate -> status, dates, renewal, what uses it
``target_health``        target group -> targets with their states
``importers``            export of the stacks -> its stack, and the stacks that import it
``missing_stacks``       stacks that were asked for and are not there
``drift_detection``      what CloudFormation's last drift detection found, per resource of a stack; it is not started
``main_route_tables``    VPC -> the route table of the subnets that are associated with none
``nat_addresses``        NAT gateway -> its public addresses
``flow_logs``            flow log -> whether it delivers
``databases``            database instance -> its status
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
