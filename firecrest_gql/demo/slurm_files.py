"""The configuration of a Slurm of one node on loopback, with accounting; https://slurm.schedmd.com/slurm.conf.html."""

import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from firecrest_gql.demo.slurm_folder import Folders

CLUSTER = "demo"
PORTS = ("slurmctld", "slurmd", "slurmdbd", "slurm-sshd")

# The node pretends to have 16 processors, so that small jobs run side by side on a small machine. A requeued job waits
# for as long as a credential holds (cred_expire, 120 s by default, at least 5).
SLURM_CONF = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld}
SlurmdPort={slurmd}
SlurmUser=slurm
AuthType=auth/munge
AuthInfo=socket={munge},cred_expire=15
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
StateSaveLocation={controller}
SlurmctldPidFile={controller}/slurmctld.pid
SlurmdSpoolDir={node}/spool
SlurmdPidFile={node}/slurmd.pid
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0
KillWait=5
PriorityType=priority/multifactor
MessageTimeout={message_timeout}
PrivateData=jobs
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd}
AccountingStoragePass={munge}
AccountingStoreFlags=job_comment,job_script
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=1024 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=1-00:00:00 State=UP
PartitionName=xfer Nodes=ALL MaxTime=06:00:00 State=UP
"""

# https://slurm.schedmd.com/slurmdbd.conf.html
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={munge}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={slurmdbd}
SlurmUser=slurm
PrivateData=jobs
PidFile={controller}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StorageLoc=slurm_acct_db
"""

# The name slurm is the operating system's: no password is needed, and none is kept.
DATABASE_SQL = """\
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON slurm_acct_db.* TO slurm@localhost;
"""


def write_files(folders: Folders, ports: Mapping[str, int], message_timeout: int) -> None:
    """Both configurations, munge's key where there is none, and what MariaDB is told at its start."""
    values = {
        **{name: str(ports[name]) for name in PORTS},
        "cluster": CLUSTER,
        "host": socket.gethostname().partition(".")[0],
        "munge": str(folders.munge_socket),
        "controller": str(folders.controller),
        "node": str(folders.node),
        "message_timeout": str(message_timeout),
    }
    etc = folders.configuration.parent
    _write(folders.configuration, "root", 0o644, SLURM_CONF.format(**values).encode())
    _write(etc / "slurmdbd.conf", "slurm", 0o600, SLURMDBD_CONF.format(**values).encode())
    _write(folders.database.with_suffix(".sql"), "mysql", 0o600, DATABASE_SQL.encode())
    key = folders.munge / "key"
    if not key.exists():
        _write(key, "munge", 0o400, secrets.token_bytes(1024))


def _write(path: Path, owner: str, mode: int, data: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
    shutil.chown(path, owner)
