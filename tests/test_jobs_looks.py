"""What a system tells of its nodes, its reservations and a job's script, through GraphQL on a real Slurm."""

import pytest

from firecrest_gql.command import Result
from firecrest_gql.demo.run import Demo
from firecrest_gql.demo.slurm_daemons import run
from firecrest_gql.schedulers.slurm.inventory import Reservations
from firecrest_gql.schedulers.slurm.values import gpus
from tests.client import Client

pytestmark = pytest.mark.redis

SUBMIT = """mutation($input: SubmitJobInput!) {
  submitJob(input: $input, waitSeconds: 30) { task { result { ... on Job { jobId script } } } }
}"""
NODES = """query($system: String!) { system(name: $system) {
  computeNodes { name states partitions cpuCount memory memoryAllocated features gres }
} }"""
PARTITIONS = '{ system(name: "slurm") { partitions { name } all: partitions(showHidden: true) { name } } }'
RESERVATIONS = "query($system: String!) { system(name: $system) { reservations { name users } } }"


@pytest.mark.slurm
async def test_each_node_is_told_once_with_all_its_partitions(user: Client) -> None:
    [node] = (await user.ask(NODES, system="slurm"))["system"]["computeNodes"]
    assert set(node["partitions"]) == {"debug", "xfer"}
    assert (node["cpuCount"], node["memory"], node["features"], node["gres"]) == (16, 2**30, [], None)
    assert node["states"][0] in {"IDLE", "MIXED", "ALLOCATED"}
    assert (await user.ask(RESERVATIONS, system="slurm"))["system"]["reservations"] == []


@pytest.mark.slurm
async def test_a_hidden_partition_is_told_where_it_is_asked_for(running: Demo, user: Client) -> None:
    assert running.slurm is not None
    name = "PartitionName=unseen"
    await run(("scontrol", "create", name, "Nodes=ALL", "Hidden=YES"), running.slurm.environment)
    try:
        told = (await user.ask(PARTITIONS))["system"]
    finally:
        await run(("scontrol", "delete", name), running.slurm.environment)
    assert [each["name"] for each in told["partitions"]] == ["debug", "xfer"]
    assert [each["name"] for each in told["all"]] == ["debug", "xfer", "unseen"]


@pytest.mark.parametrize("system", ["local", pytest.param("slurm", marks=pytest.mark.slurm)])
async def test_a_script_comes_back_as_it_was_submitted(user: Client, system: str) -> None:
    script = "#!/bin/sh\n# 日本 'a' \"b\" $(id) \\n\ntrue\n"
    said = await user.ask(SUBMIT, input={"system": system, "script": script})
    assert said["submitJob"]["task"]["result"]["script"] == script


async def test_direct_tells_of_no_nodes_and_no_reservations(user: Client) -> None:
    for query in (NODES, RESERVATIONS):
        error = await user.error(query, system="local")
        assert (error["extensions"]["code"], "direct" in error["message"]) == ("UNSUPPORTED", True)


def test_a_reservation_is_read_as_slurm_22_05_prints_it() -> None:
    line = (
        b"ReservationName=r1 StartTime=1795373292 EndTime=1795376892 Duration=01:00:00 Nodes=vm NodeCnt=1 "
        b"Features=(null) PartitionName=(null) Flags=IGNORE_JOBS,SPEC_NODES,ALL_NODES TRES=cpu=16 "
        b"Users=fireuser,fireuser2 Groups=(null) Accounts=(null) Licenses=(null) State=ACTIVE\n"
    )
    [found] = Reservations().parse(Result(0, line, b""))
    assert (found.name, found.state, found.node_list) == ("r1", "ACTIVE", "vm")
    assert (found.users, found.accounts) == (("fireuser", "fireuser2"), ())
    assert found.starts_at is not None
    assert found.ends_at is not None
    assert (found.ends_at - found.starts_at).total_seconds() == 3600
    assert Reservations().parse(Result(0, b"No reservations in the system\n", b"")) == []


@pytest.mark.parametrize(
    ("tres", "count"), [("cpu=1,gres/gpu=2,node=1", 2), ("cpu=1,gres/gpu:a100=2,gres/gpu=3", 3), ("cpu=1", None)]
)
def test_gpus_are_counted_over_all_types(tres: str, count: int | None) -> None:
    assert gpus(tres) == count
