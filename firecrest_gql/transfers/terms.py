"""The terms of a transfer's job; those that can never hold anywhere are refused, naming the argument."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from firecrest_gql.errors import InvalidInput
from firecrest_gql.model.transfers import Terms, Transfer

ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:+-]{0,127}")
JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+\[\]-]{0,63}")
MAX_SECONDS = 2**31 - 1


def terms_for(asked: Mapping[str, Any], transfer: Transfer) -> Terms:
    """The terms that a task keeps, for a job that moves this transfer's bytes, as far as their number is known.

    The estimate of what is not there yet is the most that can be staged, for which no job is given time.
    """
    known = transfer.size if transfer.size is None or transfer.estimate is None else transfer.estimate
    return replace(Terms(**asked), size=known if transfer.staged_size is None else transfer.staged_size)


def check_terms(terms: Terms) -> None:
    """Raise `InvalidInput` for the first that is no account, time or job's id at all."""
    if terms.account is not None and not ACCOUNT.fullmatch(terms.account):
        raise InvalidInput(f"account: {terms.account[:80]!r} is no name of an account")
    if terms.time_limit_seconds is not None and not 1 <= terms.time_limit_seconds <= MAX_SECONDS:
        raise InvalidInput(f"timeLimitSeconds: from 1 to {MAX_SECONDS}, is {terms.time_limit_seconds}")
    if terms.after_job is not None and not JOB_ID.fullmatch(terms.after_job):
        raise InvalidInput(f"afterJob: {terms.after_job[:80]!r} is no job id")
