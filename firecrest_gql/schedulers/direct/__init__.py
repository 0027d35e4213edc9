"""Jobs as detached processes with their state on disk, for a workstation without a workload manager.

The state is below `~/.firecrest/jobs`: a link named by the number of each job leads to its folder. `submit.sh` makes
that folder, `queue.sh` starts what may start, `run.sh` stands by a running job; `act.sh`, `update.sh` and `list.sh` are
what users do besides. No process has to live for the queue to go on. docs/direct.md says what it does and does not.
"""

from firecrest_gql.schedulers.direct.dialect import Direct

__all__ = ["Direct"]
