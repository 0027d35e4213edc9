"""What every block of the settings is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$")]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")]
# What every login shell reads alike between single quotes (see firecrest_gql.envelope).
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
PlainText = Annotated[str, StringConstraints(pattern=r"^[ \"-&(-\[\]-~]*$")]


class Block(BaseModel):
    """A part of the settings: unknown keys are faults, values do not change after start."""

    model_config = ConfigDict(extra="forbid", frozen=True)
