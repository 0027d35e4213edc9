"""Slurm from 20.11 on, by its own command line programs."""

from firecrest_gql.schedulers.slurm.dialect import Slurm

__all__ = ["Slurm"]
