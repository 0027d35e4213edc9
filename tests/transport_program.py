"""A process of ours that runs one command on a real sshd, and can be killed: arguments of JSON, by position."""

import asyncio
import json
import sys

import asyncssh

from firecrest_gql.settings import SystemSettings
from firecrest_gql.ssh import Transport
from tests.openssh import Words, authority_for, caller


async def main(system: str, ca_key: str, argv: str) -> None:
    """Run the command until the end."""
    settings = SystemSettings.model_validate_json(system)
    transport = Transport(authority_for(asyncssh.import_private_key(ca_key), settings))
    await transport.run(settings, caller("firebash"), Words(tuple(json.loads(argv)), seconds=600))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
