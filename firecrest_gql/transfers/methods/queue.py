"""Bytes are moved by jobs in the system's transfer queue."""

from firecrest_gql.errors import InvalidInput, Unsupported
from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.model.transfers import Terms
from firecrest_gql.schedulers.dialect import Feature
from firecrest_gql.settings import SystemSettings, TransferQueueSettings

ASSUMED_RATE = 50 * 2**20  # bytes a second that a job moves at least, for the time limit of one that names none
NOWHERE = "/dev/null"  # a script keeps its own log; what a scheduler puts into paths it does not


class Queue:
    """Jobs of the system's own workload manager."""

    def scheduler(self, system: SystemSettings) -> str:
        """The system's own."""
        return system.scheduler.kind

    def spec(
        self, system: SystemSettings, features: frozenset[Feature], terms: Terms, name: str, script: str
    ) -> JobSpec:
        """A job of the queue that the settings name."""
        queue = system.transfers.queue or TransferQueueSettings()
        account = terms.account or queue.account
        if account is None and queue.account_required:
            raise InvalidInput(f"account: is needed for transfers on {system.name}")
        if terms.after_job is not None and Feature.DEPENDENCIES not in features:
            raise Unsupported(f"afterJob: the scheduler of {system.name} does not support {Feature.DEPENDENCIES}")
        return JobSpec(
            script=script,
            name=name,
            partition=queue.partition,
            qos=queue.qos,
            account=account,
            time_limit_seconds=_time_limit(queue, terms),
            dependency=None if terms.after_job is None else f"afterok:{terms.after_job}",
            stdout_path=NOWHERE,
            stderr_path=NOWHERE,
        )


def _time_limit(queue: TransferQueueSettings, terms: Terms) -> int:
    wanted = terms.time_limit_seconds
    if wanted is not None and not 1 <= wanted <= queue.max_time_limit_seconds:
        raise InvalidInput(f"timeLimitSeconds: from 1 to {queue.max_time_limit_seconds}, is {wanted}")
    needed = (terms.size or 0) // ASSUMED_RATE
    return wanted or max(queue.time_limit_seconds, min(needed, queue.max_time_limit_seconds))
