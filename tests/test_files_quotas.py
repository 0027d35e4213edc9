"""Quotas as the commands of sites tell them. Every recorded output names where it was published."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firecrest_gql.command import Result
from firecrest_gql.demo.run import Demo
from firecrest_gql.errors import CommandFailed, ErrorCode, FirecrestError
from firecrest_gql.files.quotas import Quotas
from firecrest_gql.model.files import Quota, QuotaKind
from firecrest_gql.settings import QuotaFormat
from tests.client import Client, fetch_token
from tests.service import SYSTEMS, another_server

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

USER, GROUP, PROJECT = QuotaKind
K, M, G, T = 2**10, 2**20, 2**30, 2**40

# NIG supercomputer, FAQ "Change Storage Capacity"; its lines are broken as shown.
LFS_USER = """Disk quotas for usr your_account (uid ****):
      Filesystem  kbytes   quota   limit   grace   files   quota limit
grace
        /lustre7 982177580       0 1000000000       - 443208230 0
0       -
uid **** is using default file quota setting
"""
# ARCHER2 course material, `lfs quota -hg t01 /work/t01/t01`.
LFS_GROUP = """Disk quotas for group t01 (gid 1001):
     Filesystem    used   quota   limit   grace   files   quota   limit   grace
           /fs3  17.24T      0k  21.95T       - 6275076       0 10000000       -
"""
# VIB training, "Bioimaging data analysis on HPC", Chapter 1: UGent's my_dodrio_quota.
LFS_PROJECTS = """Userquota:
Disk quotas for prj 2534840 (pid 2534840):
     Filesystem    used   quota   limit   grace   files   quota   limit   grace
        /dodrio  1.709G   2.85G      3G       -   24566  1048576 1048576       -

Quota for project gpr_compute_2024_300:
Disk quotas for prj 2641240 (pid 2641240):
     Filesystem    used   quota   limit   grace   files   quota   limit   grace
        /dodrio   15.4T     19T     20T       -  739564  1048576 1048576       -
"""
# A request to the operators of Eagle (PSNC), `lfs quota -h -p 10041402 /mnt/storage_5/scratch`.
LFS_WRAPPED = """Disk quotas for prj 10041402 (pid 10041402):
  Filesystem    used   quota   limit   grace   files   quota   limit   grace
/mnt/storage_5/scratch
                526.5M     0k     1T       -   13540       0       0       -
pid 10041402 is using default file quota setting
"""
# CHTC's guide "Check Disk Quota and Usage", `quota -vs`: without a grace period its column is empty.
QUOTA_UNITS = """Disk quotas for user alice (uid 20384):
     Filesystem   space   quota   limit   grace   files   quota   limit   grace
      /dev/sdb1  12690M  20480M  30720M            161k       0       0
"""
# Notes of a system administration course, `quota username`: the quota is used up.
QUOTA_FULL = """Disk quotas for user username (uid 501):
   Filesystem  blocks   quota   limit   grace   files   quota   limit   grace
     /dev/sda1    1000*   1000    1000               0       0       0
"""
# What OpenBSD's and Linux's `quota -v` say of a user without any.
QUOTA_NONE = "Disk quotas for user oliver (uid 1000): none\n"
# University of Bern, UBELIX documentation, "File System Quota".
GPFS_USER = """                         Block Limits                                    |     File Limits
Filesystem type             KB      quota      limit   in_doubt    grace |    files   quota    limit in_doubt    grace  Remarks
gpfs       USR        28292096 3221225472 4294967296          0     none |   136704 2000000  3000000        0     none
"""  # noqa: E501
GPFS_GROUP = """Disk quotas for group id (gid 1001):
                         Block Limits                                    |     File Limits
Filesystem type             TB      quota      limit   in_doubt    grace |    files   quota    limit in_doubt    grace  Remarks
gpfs       GRP               1         15         16          0     none |  2232666 10000000 12000000        0     none
"""  # noqa: E501
# Washington University RIS, "Space Management": with a column for filesets, in units.
GPFS_UNITS = """                         Block Limits                                               |     File Limits
Filesystem Fileset    type         blocks      quota      limit   in_doubt    grace |    files   quota    limit in_doubt    grace  Remarks
cache1-fs1 home1      USR           1.37G         9G        10G          0     none |     5961       0        0        0     none cache1-gpfs-cluster.ris.wustl.edu
"""  # noqa: E501
# StoRM (INFN), GPFSLsQuotaCommandTest.
GPFS_FILESET = """                         Block Limits                                    |     File Limits
Filesystem type             KB      quota      limit   in_doubt    grace |    files   quota    limit in_doubt    grace  Remarks
storage_2  FILESET  203872043440 204010946560 204010946560   39468360     none |   279103       0        0     2490     none glite-condor.mi.infn.it
"""  # noqa: E501

RECORDED: dict[str, tuple[QuotaFormat, str, list[Quota]]] = {
    "lfs, user": (
        QuotaFormat.LFS,
        LFS_USER,
        [Quota(USER, "your_account", 982177580 * K, 1000000000 * K, 443208230, None)],
    ),
    "lfs, group": (
        QuotaFormat.LFS,
        LFS_GROUP,
        [Quota(GROUP, "t01", int(17.24 * T), int(21.95 * T), 6275076, 10000000)],
    ),
    "lfs, projects": (
        QuotaFormat.LFS,
        LFS_PROJECTS,
        [
            Quota(PROJECT, "2534840", int(1.709 * G), 3 * G, 24566, 1048576),
            Quota(PROJECT, "2641240", int(15.4 * T), 20 * T, 739564, 1048576),
        ],
    ),
    "lfs, wrapped": (QuotaFormat.LFS, LFS_WRAPPED, [Quota(PROJECT, "10041402", int(526.5 * M), T, 13540, None)]),
    "quota, in units": (QuotaFormat.QUOTA, QUOTA_UNITS, [Quota(USER, "alice", 12690 * M, 30720 * M, 161000, None)]),
    "quota, full": (QuotaFormat.QUOTA, QUOTA_FULL, [Quota(USER, "username", 1000 * K, 1000 * K, 0, None)]),
    "quota, none": (QuotaFormat.QUOTA, QUOTA_NONE, []),
    "mmlsquota, user": (
        QuotaFormat.MMLSQUOTA,
        GPFS_USER,
        [Quota(USER, "fireuser", 28292096 * K, 4294967296 * K, 136704, 3000000)],
    ),
    "mmlsquota, group": (QuotaFormat.MMLSQUOTA, GPFS_GROUP, [Quota(GROUP, "id", T, 16 * T, 2232666, 12000000)]),
    "mmlsquota, in units": (
        QuotaFormat.MMLSQUOTA,
        GPFS_UNITS,
        [Quota(USER, "fireuser", int(1.37 * G), 10 * G, 5961, None)],
    ),
    "mmlsquota, fileset": (
        QuotaFormat.MMLSQUOTA,
        GPFS_FILESET,
        [Quota(PROJECT, "storage_2", 203872043440 * K, 204010946560 * K, 279103, None)],
    ),
}


def read(form: QuotaFormat, output: str, status: int = 0, errors: str = "") -> tuple[Quota, ...]:
    """The quotas in this output."""
    return Quotas(("program",), form, "fireuser").parse(Result(status, output.encode(), errors.encode()))


@pytest.mark.parametrize(("form", "output", "quotas"), RECORDED.values(), ids=RECORDED)
def test_recorded_outputs_are_read(form: QuotaFormat, output: str, quotas: list[Quota]) -> None:
    assert read(form, output) == tuple(quotas)
    assert read(form, output, status=1 if quotas else 0) == tuple(quotas), "quota(1) ends with 1 over a quota"


OPTIONAL = st.none() | st.integers(0, 2**63)


@given(st.lists(st.builds(Quota, st.sampled_from(QuotaKind), st.text(), OPTIONAL, OPTIONAL, OPTIONAL, OPTIONAL)))
def test_what_a_script_tells_is_told(quotas: list[Quota]) -> None:
    told = [
        {
            "kind": quota.kind.lower(),
            "name": quota.name,
            "bytesUsed": quota.bytes_used,
            "bytesLimit": quota.bytes_limit,
            "filesUsed": quota.files_used,
            "filesLimit": quota.files_limit,
        }
        for quota in quotas
    ]
    assert read(QuotaFormat.JSON, json.dumps(told)) == tuple(quotas)


def _numbers(quota: Quota) -> tuple[int | None, int | None, int | None, int | None]:
    return quota.bytes_used, quota.bytes_limit, quota.files_used, quota.files_limit


WORDS = st.sampled_from(
    [
        "Disk quotas for usr a (uid 1):",
        "Disk quotas for x y (z 1):",
        "Filesystem",
        "/a",
        "1",
        "2k",
        "-",
        "*",
        "|",
        "USR",
        "\n",
    ]
)


@given(st.sampled_from(QuotaFormat), st.lists(WORDS | st.text(max_size=5), max_size=40).map(" ".join))
def test_whatever_is_printed_is_read_or_refused(form: QuotaFormat, output: str) -> None:
    with suppress(CommandFailed):
        for quota in read(form, output):
            assert all(number is None or number >= 0 for number in _numbers(quota))


@pytest.mark.parametrize(
    "output",
    [
        "{}",
        "[1]",
        '[{"kind": "user"}]',
        '[{"kind": "x", "name": "a"}]',
        '[{"kind": "user", "name": "a", "bytesUsed": -1}]',
        "no",
    ],
)
def test_a_script_that_tells_nothing_of_the_kind_is_a_failed_command(output: str) -> None:
    with pytest.raises(CommandFailed, match="program told no quotas"):
        read(QuotaFormat.JSON, output)


def test_a_command_that_fails_says_why_and_one_that_is_missing_that_it_is() -> None:
    with pytest.raises(CommandFailed, match=r"status 2: Some errors happened"):
        read(QuotaFormat.LFS, "", 2, "Some errors happened when getting quota info")
    with pytest.raises(FirecrestError) as raised:
        read(QuotaFormat.LFS, "", 127)
    assert raised.value.code == ErrorCode.UNSUPPORTED


SCRIPT = """import json, os, sys
print(json.dumps([{"kind": "project", "name": "of " + os.environ["HOME"].split("/")[-1] + " " + " ".join(sys.argv[1:]),
                   "bytesUsed": 2**60, "filesLimit": 5}]))
"""


@pytest.fixture(scope="module")
async def bounded(running: Demo, demo_state: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A user of a server whose systems have a file system with quotas: programs that print what was recorded."""
    folder = Path("/var/tmp") / f"quotas-{os.getpid()}"
    folder.mkdir()
    commands: list[dict[str, Any]] = []
    for form, output, _ in RECORDED.values():
        (folder / f"{len(commands)}.txt").write_text(output)
        commands.append({"format": str(form), "command": ["cat", str(folder / f"{len(commands)}.txt")]})
    (folder / "script.py").write_text(SCRIPT)
    script = ["python3", str(folder / "script.py"), "{username}", "{path}", "$(id)"]
    commands.append({"format": "json", "command": script})
    systems = {"file_systems": [{"path": "/", "quotas": commands}, {"path": "/tmp"}]}
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    async with another_server(demo_state, "bounded", systems=systems) as described:
        yield Client(described, await fetch_token(described, "fireuser"))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


QUERY = """query($system: String!) { system(name: $system) { fileSystems { quotas {
    kind name bytesUsed bytesLimit filesUsed filesLimit } } } }"""


@pytest.mark.parametrize(
    "system",
    [
        "local",
        pytest.param(
            "slurm",
            marks=[
                pytest.mark.slurm,
                pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out"),
            ],
        ),
    ],
)
async def test_a_file_system_tells_the_quotas_of_all_its_commands(bounded: Client, system: str) -> None:
    first, second = (await bounded.ask(QUERY, system=system))["system"]["fileSystems"]
    assert second["quotas"] is None
    *recorded, told = first["quotas"]
    expected = [quota for _, _, quotas in RECORDED.values() for quota in quotas]
    assert [(quota["kind"], quota["name"], quota["bytesLimit"]) for quota in recorded] == [
        (quota.kind, quota.name, quota.bytes_limit) for quota in expected
    ]
    only: dict[str, Any] = {"kind": "PROJECT", "name": "of fireuser fireuser / $(id)", "bytesUsed": 2**60}
    assert told == only | {"bytesLimit": None, "filesUsed": None, "filesLimit": 5}
