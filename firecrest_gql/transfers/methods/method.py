"""What a transfer method is: which scheduler's dialect runs a script, and as what job."""

from typing import Protocol

from firecrest_gql.model.jobs import JobSpec
from firecrest_gql.model.transfers import Terms
from firecrest_gql.schedulers.dialect import Feature
from firecrest_gql.settings import SystemSettings


class TransferMethod(Protocol):
    """Has the scripts of transfers run on a system as jobs of a scheduler; it does no I/O itself."""

    def scheduler(self, system: SystemSettings) -> str:
        """The kind of the dialect that submits, lists and cancels these jobs; `Unsupported` where none can here."""
        ...

    def spec(
        self, system: SystemSettings, features: frozenset[Feature], terms: Terms, name: str, script: str
    ) -> JobSpec:
        """The job that runs the script; `InvalidInput` or `Unsupported` for terms that can never hold here."""
        ...
