"""The viewer's account on a system, and what its jobs are charged to."""

import strawberry

from firecrest_gql.model import cluster, files
from resolvers import jobs
from schema.fields import REMOTE, Info, attribute, field
from schema.scalars import BigInt


@strawberry.type(description="A group of a system.")
class Group:
    """A group of a system."""

    gid: BigInt = attribute("Its number.")
    name: str = attribute("Its name.")


@strawberry.type(description="An account that jobs are charged to.")
class Project:
    """An account that jobs are charged to."""

    name: str = attribute("Its name in a job's account.")
    default: bool = attribute("Whether jobs that name none are charged to it.")
    fair_share: float | None = attribute("From 0, over-used, to 1; null where the scheduler reckons none.")


@strawberry.type(description="The viewer's account on a system, as the system tells it.")
class UserAccount:
    """The viewer's account on a system."""

    username: str = attribute("The login name.")
    uid: BigInt = attribute("Its number.")
    gid: BigInt = attribute("The number of its first group.")
    groups: list[Group] = attribute("All its groups.")
    home: str = attribute("The home directory: ~ in every path.")
    shell: str | None = attribute("The login shell.")

    @field(list[Project] | None, cost=REMOTE)
    async def projects(self: files.UserAccount, info: Info) -> list[cluster.Project]:
        """What the viewer's jobs can be charged to."""
        return await jobs.projects(info.context, self.system)
