"""The groups that services make by themselves, in a stack of which nothing is told."""

from __future__ import annotations

from checker.collect.documents import Document
from checker.model.resources import Stack
from checker.model.values import Known, Text, Unknown
from checker.model.worlds import World
from checker.reason.names.implicit_groups import IMPLICIT
from checker.reason.names.physical import literal_names, settled
from checker.resolve.templates.project import build_project


def test_a_topic_of_a_region_and_account_that_are_not_told() -> None:
    topic = {"TopicName": "orders", "DeliveryStatusLogging": [{"Protocol": "sqs"}]}
    group = {"LogGroupName": {"Fn::Sub": "sns/${AWS::Region}/${AWS::AccountId}/orders"}}
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": topic},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": group},
    }
    stack = Stack("a", "a", "a", {"Resources": resources}, Document("a.json", {"Resources": resources}, ""))
    project = build_project([stack], {}, World(), find_names=literal_names)
    made = IMPLICIT["AWS::SNS::Topic"][1](next(project.resources("AWS::SNS::Topic")), project)
    declared = next(project.resources("AWS::Logs::LogGroup")).get("LogGroupName")
    assert not isinstance(made, Unknown)
    assert isinstance(declared, Known)
    assert isinstance(declared.value, str | Text)
    assert list(made) == [settled(declared.value, project)]
