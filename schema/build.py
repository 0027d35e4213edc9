"""Puts the schema together."""

import strawberry
from strawberry.extensions import ValidationCache

from firecrest_gql.settings import LimitSettings
from schema.cost import CostLimiter
from schema.enums import SERVED_ENUMS
from schema.errors import CodedSchema, PartialAnswers
from schema.events import sharing_executor
from schema.files import File
from schema.jobs import Job
from schema.mutation import Mutation
from schema.operations import BoundedDocument, KnownDocuments, LastingSubscriptions, NamedOperation, OwnErrors
from schema.query import Query
from schema.scalars import config
from schema.subscription import Subscription
from schema.systems import System
from schema.tasks import CommandOutput, JobList, JobResults, Task
from schema.transfers import Transfer


def build_schema(limits: LimitSettings) -> strawberry.Schema:
    """The schema, which refuses documents over these limits."""
    return CodedSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[System, Job, File, Task, JobResults, CommandOutput, JobList, Transfer, *SERVED_ENUMS],
        config=config(),
        execution_context_class=sharing_executor(),
        extensions=[
            lambda: BoundedDocument(limits.max_query_tokens),
            KnownDocuments,
            ValidationCache,
            OwnErrors,
            NamedOperation,
            PartialAnswers,
            LastingSubscriptions,
            lambda: CostLimiter(limits),
        ],
    )
