"""Bounds on what a job may be asked with; a scheduler's own limits may be lower."""

MAX_SCRIPT = 4 * 2**20
"""Bytes: Slurm's own default, `max_script_size` (https://slurm.schedmd.com/slurm.conf.html)."""

MAX_LINE = 1024
"""Bytes of a name, a partition, an account and their like."""

MAX_PATH = 4096
"""Bytes: Linux's PATH_MAX."""

MAX_ARGUMENTS = 16 * 2**10
"""Bytes of all arguments: they travel on the command line, which holds 32 KiB in all."""

MAX_OPTIONS = 4096
"""Bytes of all further options, which travel there too."""

MAX_ENVIRONMENT = 128 * 2**10
"""Bytes of all variables: the longest single one that Linux takes."""

MAX_NUMBER = 2**31 - 1
"""The largest count that a scheduler reads."""

MAX_MEMORY = 2**53
"""Bytes: the largest that JSON's readers keep exactly."""

MAX_IDS = 1000
"""Jobs that one request names."""

MAX_KEY = 255
"""Characters of an idempotency key."""
