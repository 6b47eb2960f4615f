"""Security groups and CIDR arithmetic, against a slow reading of the same rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.collect.documents import parse_yaml
from checker.model.answers import NO, YES, Open
from checker.model.environments import Environment, EnvironmentKind
from checker.model.resources import Stack
from checker.model.values import ABSENT, Known, Parameter, ResourceKey, Text
from checker.model.verdicts import Surface
from checker.model.worlds import World
from checker.reason.names.physical import literal_names
from checker.reason.network.openness import openness
from checker.reason.network.routes import Exit, endpoints, is_private, table_of, way_out
from checker.reason.network.security_groups import (
    EVERYWHERE,
    SECURITY_GROUP,
    Direction,
    Network,
    Peer,
    Permission,
    Side,
    admits,
    covers,
    group_ids,
    parse_network,
    same_group,
    side_of,
)
from checker.resolve.templates.project import build_project
from tests.answers import said
from tests.work import lines_run


def environment(template: str) -> Environment:
    document = parse_yaml(template, "t.yaml")
    stack = Stack("t", "t", "test", document.data, document, region="us-west-2")
    return build_project([stack], {"test": EnvironmentKind.OTHER}, World(), find_names=literal_names).environments[0]


def net(text: str) -> Network:
    found = parse_network(text)
    assert found is not None
    return found


def rule(cidr: str, first: int = 0, last: int = 65535, protocol: str = "tcp") -> Permission:
    return Permission(protocol, first, last, (net(cidr),))


# Networks inside of a small block, so that every address of it can be tried.
small = st.builds(lambda host, bits: net(f"10.0.0.{host}/{bits}"), st.integers(0, 255), st.integers(24, 32))


@given(st.lists(small, max_size=6), small)
def test_covers_says_what_trying_every_address_says(networks: list[Network], wanted: Network) -> None:
    expected = all(any(address in each for each in networks) for address in wanted)
    assert covers(networks, [wanted]) is expected


ports = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)


@given(st.lists(st.tuples(ports, st.integers(0, 3)), max_size=6))
def test_openness_counts_each_port_and_address_once(drawn: list[tuple[list[int], int]]) -> None:
    # Ports in steps of 1600 and quarters of the address space: 41 by 4 cells that can be counted.
    quarters = [f"{start}.0.0.0/2" for start in (0, 64, 128, 192)]
    permissions = [
        rule(quarters[quarter], first * 1600, min(last * 1600 + 1599, 65535)) for (first, last), quarter in drawn
    ]
    cells = {(port, quarter) for (first, last), quarter in drawn for port in range(first, last + 1)}
    expected = sum(min(1600, 65536 - port * 1600) for port, _ in cells if port * 1600 < 65536) / 65536 / 4
    measured = openness(Side(tuple(permissions)), at_most=False)
    # Below a quarter the sum of the rules is answer enough: an upper bound.
    assert measured == pytest.approx(expected) if measured >= 0.25 else measured >= expected - 1e-9


def test_openness_of_what_is_not_known() -> None:
    side = Side((Permission("tcp", 0, 65535, EVERYWHERE, certain=False),))
    assert openness(side, at_most=False) == 0
    assert openness(side, at_most=True) == 1


def test_openness_counts_no_more_than_all_addresses() -> None:
    side = Side((rule("::/0", 0, 16383), rule("::/0", 32768, 49151), rule("fd00::/8")))
    assert openness(side, at_most=False) == pytest.approx(0.5)


def test_openness_of_thousands_of_rules_looks_at_no_pairs_of_them() -> None:
    side = Side(tuple(rule(f"10.{index % 250}.0.0/16", index, index + 30000) for index in range(5000)))
    assert lines_run(lambda: openness(side, at_most=True), limit=2_000_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5/8", "10.0.0.0/8"),
        (" 10.0.0.0/16 ", "10.0.0.0/16"),
        ("::/0", "::/0"),
        ("10.0.0.0/33", None),
        ("anywhere", None),
        ("", None),
    ],
)
def test_parse_network(text: str, expected: str | None) -> None:
    found = parse_network(text)
    assert (None if found is None else str(found)) == expected


def test_same_group() -> None:
    one, other = ResourceKey("s", "A"), ResourceKey("s", "B")
    parameter = Text((Parameter("Group", "one"),))
    assert same_group(one, one) is YES
    assert same_group(one, other) is NO
    assert isinstance(same_group(one, parameter), Open)
    assert same_group(parameter, parameter) is YES
    assert same_group("sg-1", one) is NO


def test_admits_by_group_by_address_and_not_at_all() -> None:
    group, other = ResourceKey("s", "A"), ResourceKey("s", "B")
    side = Side((Permission("tcp", 3001, 3001, groups=(group,)), rule("10.0.0.0/24", 5432, 5432)))
    assert admits(side, 3001, [Peer((group,))]) is YES
    assert admits(side, 3001, [Peer((other,))]) is NO
    assert admits(side, 3002, [Peer((group,))]) is NO
    assert admits(side, 5432, [Peer((other,), (net("10.0.0.128/25"),))]) is YES
    assert admits(side, 5432, [Peer((other,), (net("10.0.1.0/24"),))]) is NO
    assert isinstance(admits(side, 5432, [Peer((other,))]), Open), "its addresses are not known"
    assert admits(Side((), why="open"), 5432, [Peer()]) == Open("open")


@pytest.mark.parametrize(
    ("source", "certain"),
    [("!GetAtt Net.CidrBlock", True), ("!GetAtt Part.CidrBlock", True), ("!GetAtt Leased.CidrBlock", False)],
)
def test_the_range_of_a_network_is_what_its_template_says(source: str, certain: bool) -> None:
    found = environment(f"""
        Parameters: {{Range: {{Type: String}}}}
        Resources:
          Net: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.0.0.0/16}}}}
          Part: {{Type: AWS::EC2::Subnet, Properties: {{VpcId: !Ref Net, CidrBlock: 10.0.0.0/24}}}}
          Leased: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: !Ref Range}}}}
          Group:
            Type: AWS::EC2::SecurityGroup
            Properties:
              SecurityGroupIngress: [{{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: {source}}}]
    """)
    side = side_of(found, next(found.resources(SECURITY_GROUP)), Direction.IN)
    inside = admits(side, 80, [Peer((), (net("10.0.0.16/28"),))])
    assert inside is YES if certain else isinstance(inside, Open)
    assert (admits(side, 80, [Peer((), (net("192.168.0.0/24"),))]) is NO) is certain


def test_udp_is_not_tcp() -> None:
    side = Side((rule("0.0.0.0/0", protocol="udp"),))
    assert admits(side, 443, [Peer()]) is NO


GROUPS = """
Parameters: {Port: {Type: Number}}
Resources:
  Db: {Type: AWS::RDS::DBInstance, Properties: {Engine: aurora-postgresql}}
  Default: {Type: AWS::EC2::SecurityGroup}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      SecurityGroupIngress:
        - {IpProtocol: 6, FromPort: !GetAtt Db.Endpoint.Port, ToPort: !GetAtt Db.Endpoint.Port, CidrIp: 10.0.0.0/8}
        - {IpProtocol: tcp, FromPort: !Ref Port, ToPort: !Ref Port, SourceSecurityGroupId: !Ref Default}
        - {IpProtocol: tcp, FromPort: -1, ToPort: -1, CidrIpv6: "::/0"}
        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: "::/0"}
"""


def test_rules_as_they_are_written() -> None:
    project = environment(GROUPS)
    default, group = project.resources("AWS::EC2::SecurityGroup")
    assert side_of(project, default, Direction.OUT).by_default
    assert side_of(project, default, Direction.IN).permissions == ()
    database, by_parameter, all_ports, malformed = side_of(project, group, Direction.IN).permissions
    assert (database.protocol, database.first, database.last, database.certain) == ("tcp", 5432, 5432, True)
    assert (by_parameter.groups, by_parameter.certain) == ((ResourceKey("t", "Default"),), False)
    assert (all_ports.first, all_ports.last, all_ports.certain) == (0, 65535, True)
    assert not malformed.certain, "an IPv6 network under CidrIp is refused by the service"


ROUTES = """
Resources:
  Vpc: {Type: AWS::EC2::VPC}
  Igw: {Type: AWS::EC2::InternetGateway}
  Main: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc}}
  Halves: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc}}
  Half: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc}}
  Transit: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc}}
  T1: {Type: AWS::EC2::RouteTable}
  T2: {Type: AWS::EC2::RouteTable}
  T3: {Type: AWS::EC2::RouteTable}
  A1: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Halves, RouteTableId: !Ref T1}}
  A2: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Half, RouteTableId: !Ref T2}}
  A3: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Transit, RouteTableId: !Ref T3}}
  Low:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref T1, DestinationCidrBlock: 0.0.0.0/1, GatewayId: !Ref Igw}
  High:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref T1, DestinationCidrBlock: 128.0.0.0/1, GatewayId: !Ref Igw}
  Some:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref T2, DestinationCidrBlock: 203.0.113.0/24, GatewayId: igw-1}
  Away:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref T3, DestinationCidrBlock: 0.0.0.0/0, TransitGatewayId: tgw-1}
"""


def test_ways_out_of_subnets() -> None:
    project = environment(ROUTES)
    subnets = {each.logical_id: each for each in project.resources("AWS::EC2::Subnet")}
    ways = {name: way_out(project, subnet)[0] for name, subnet in subnets.items()}
    assert ways == {"Main": Exit.NOWHERE, "Halves": Exit.INTERNET, "Half": Exit.NOWHERE, "Transit": Exit.OTHER}
    private = {name: said(is_private(project, subnet)) for name, subnet in subnets.items()}
    assert private == {"Main": True, "Halves": False, "Half": False, "Transit": True}
    assert table_of(project, subnets["Main"]).resource is None


def test_a_live_subnet_whose_route_table_was_not_read_is_not_known_to_be_private() -> None:
    project = environment(
        "Resources: {Net: {Type: AWS::EC2::VPC}, Alone: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Net}}}"
    )
    (subnet,) = project.resources("AWS::EC2::Subnet")
    assert is_private(project, subnet) is YES
    subnet.surface = Surface.ACCOUNT
    assert isinstance(is_private(project, subnet), Open)


def test_rules_that_a_condition_makes_leave_the_default_of_egress_alone() -> None:
    made = environment("""
Parameters: {Open: {Type: String}}
Conditions: {Opened: !Equals [!Ref Open, "yes"]}
Resources:
  Group: {Type: AWS::EC2::SecurityGroup}
  In:
    Type: AWS::EC2::SecurityGroupIngress
    Condition: Opened
    Properties: {GroupId: !Ref Group, IpProtocol: "-1", CidrIp: 10.0.0.0/8}
  Out:
    Type: AWS::EC2::SecurityGroupEgress
    Condition: Opened
    Properties: {GroupId: !Ref Group, IpProtocol: "-1", CidrIp: 10.0.0.0/8}
""")
    (group,) = made.resources(SECURITY_GROUP)
    sides = {direction: side_of(made, group, direction) for direction in Direction}
    assert [len(side.permissions) for side in sides.values()] == [1, 1]
    # No other rule lets anything in. What else goes out depends on whether the rule is there.
    assert [bool(side.why) for side in sides.values()] == [False, True]


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("com.amazonaws.us-west-2.s3", "s3"),
        ("cn.com.amazonaws.cn-north-1.ecr.dkr", "ecr.dkr"),
        ('!Sub "com.amazonaws.${AWS::Region}.ecr.api"', "ecr.api"),
        ('!Join ["", ["com.amazonaws.", !Ref AWS::Region, ".s3"]]', "s3"),
        ('!Join [".", [com.amazonaws, !Ref Region, s3]]', "s3"),
        ("!Ref Region", None),
    ],
)
def test_endpoint_services(name: str, service: str | None) -> None:
    template = f"""
Parameters: {{Region: {{Type: String}}}}
Resources:
  Endpoint: {{Type: AWS::EC2::VPCEndpoint, Properties: {{ServiceName: {name}}}}}
"""
    found = [each.service for each in endpoints(environment(template))]
    assert found == ([] if service is None else [service])


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        (ABSENT, []),
        (None, []),
        (Known(None), []),
        ([None, "sg-1"], ["sg-1"]),
        (Known(["sg-1", ["sg-2"]]), ["sg-1", "sg-2"]),
        ({"a": "sg-1"}, None),
        (["sg-1", 7], None),
    ],
    ids=str,
)
def test_a_list_of_groups_that_is_null_names_none(value: Any, groups: list[str] | None) -> None:
    assert group_ids(environment("Resources: {Topic: {Type: AWS::SNS::Topic}}"), value) == groups
