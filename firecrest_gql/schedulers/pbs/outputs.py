"""Where a job's outputs go: PBS User's Guide, "Managing Output and Error Files"."""

from firecrest_gql.schedulers.pbs.document import Attributes, text
from firecrest_gql.schedulers.pbs.identity import array_task
from firecrest_gql.schedulers.pbs.values import path

ARRAY_INDEX = "^array_index^"


def output_paths(job_id: str, attributes: Attributes) -> tuple[str | None, str | None]:
    """Of standard output and standard error: one file where they are joined, by the stream that is named first."""
    output = _file(job_id, path(text(attributes, "Output_Path")), ".OU")
    error = _file(job_id, path(text(attributes, "Error_Path")), ".ER")
    joined = {"oe": (output, output), "eo": (error, error)}
    return joined.get(text(attributes, "Join_Path") or "n", (output, error))


def _file(job_id: str, shown: str | None, ending: str) -> str | None:
    """The file behind what is shown; None of an array, which has one for each task."""
    index = array_task(job_id)
    if shown is None or (ARRAY_INDEX in shown and index is None):
        return None
    whole = f"{shown}{job_id}{ending}" if shown.endswith("/") else shown
    return whole.replace(ARRAY_INDEX, index or "")
