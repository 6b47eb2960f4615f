"""A template's values in a service's own spelling."""

from __future__ import annotations

from checker.lab.corrections.spelling import input_of, spelled


def test_members_are_spelled_as_the_service_does_and_keys_of_maps_stay() -> None:
    shape = input_of("ecs", "RegisterTaskDefinition")
    written = {
        "Family": "web",
        "ContainerDefinitions": [
            {
                "Name": "web",
                "MemoryReservation": "512",
                "Essential": "true",
                "DockerLabels": {"Com.Example.Team": "web"},
                "NobodyKnows": 1,
            }
        ],
    }
    assert spelled(written, shape) == {
        "family": "web",
        "containerDefinitions": [
            {
                "name": "web",
                "memoryReservation": 512,
                "essential": True,
                "dockerLabels": {"Com.Example.Team": "web"},
            }
        ],
    }


def test_what_has_that_spelling_already_stays() -> None:
    shape = input_of("ecs", "RegisterTaskDefinition")
    assert spelled({"family": "web", "cpu": "256"}, shape) == {"family": "web", "cpu": "256"}
