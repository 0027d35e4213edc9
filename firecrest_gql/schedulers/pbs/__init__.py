"""OpenPBS and PBS Professional from 19 on, by their own command line programs."""

from firecrest_gql.schedulers.pbs.dialect import Pbs

__all__ = ["Pbs"]
