"""Bytes are moved by supervised processes of the login node, where a system has no queue for that."""

from firecrest_gql.errors import InvalidInput, Unsupported
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.model.transfers import Terms
from firecrest_gql.schedulers.dialect import Feature
from firecrest_gql.settings import SystemSettings

NOWHERE = "/dev/null"


class Process:
    """Detached processes of the direct dialect, whatever the system's own scheduler is."""

    def scheduler(self, system: SystemSettings) -> str:
        """The direct dialect, where it is one login node that runs and knows the processes."""
        if len(system.login_nodes) > 1:
            raise Unsupported(f"transfers: {system.name} has several login nodes and no transfer queue")
        return "direct"

    def spec(
        self, system: SystemSettings, features: frozenset[Feature], terms: Terms, name: str, script: str
    ) -> JobSpec:
        """A job of nobody's account; it waits for another where that is a detached process, too."""
        if terms.account is not None:
            raise Unsupported(f"account: {system.name} has no transfer queue that could charge it: leave it out")
        if terms.after_job is not None and system.scheduler.kind != self.scheduler(system):
            raise Unsupported(f"afterJob: on {system.name} no job of its scheduler is waited for by transfers")
        if terms.time_limit_seconds is not None and terms.time_limit_seconds < 1:
            raise InvalidInput(f"timeLimitSeconds: at least 1, is {terms.time_limit_seconds}")
        return JobSpec(
            script=script,
            name=name,
            time_limit_seconds=terms.time_limit_seconds,
            dependency=None if terms.after_job is None else f"afterok:{terms.after_job}",
            stdout_path=NOWHERE,
            stderr_path=NOWHERE,
        )
