"""Jobs as detached processes with their state on disk, for a workstation without a workload manager.

The state is below `~/.firecrest/jobs`: a link named by the number of each job leads to its folder. Output goes to
`job-<id>.out` in the working directory unless said otherwise. All jobs run at once.
"""

from firecrest_gql.schedulers.direct.dialect import Direct

__all__ = ["Direct"]
