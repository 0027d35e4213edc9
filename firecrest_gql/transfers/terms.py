"""Refuses terms that can never hold anywhere, naming the argument."""

import re

from firecrest_gql.errors import InvalidInput
from firecrest_gql.model.transfers import Terms

ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:+-]{0,127}")
JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+\[\]-]{0,63}")
MAX_SECONDS = 2**31 - 1


def check_terms(terms: Terms) -> None:
    """Raise `InvalidInput` for the first that is no account, time or job's id at all."""
    if terms.account is not None and not ACCOUNT.fullmatch(terms.account):
        raise InvalidInput(f"account: {terms.account[:80]!r} is no name of an account")
    if terms.time_limit_seconds is not None and not 1 <= terms.time_limit_seconds <= MAX_SECONDS:
        raise InvalidInput(f"timeLimitSeconds: from 1 to {MAX_SECONDS}, is {terms.time_limit_seconds}")
    if terms.after_job is not None and not JOB_ID.fullmatch(terms.after_job):
        raise InvalidInput(f"afterJob: {terms.after_job[:80]!r} is no job id")
