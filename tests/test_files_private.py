"""Two users on a real sshd: what the modes of one's files keep from the other is kept, whichever way is asked."""

import httpx
import pytest

from firecrest_gql.errors import ErrorCode
from tests.client import Client
from tests.files import change
from tests.service import SYSTEMS
from tests.test_files_confined import OF_LINKS, READS

pytestmark = [
    *(pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc, pytest.mark.slurm),
    pytest.mark.skipif("slurm" not in SYSTEMS, reason="FIRECREST_TEST_SYSTEMS leaves it out"),
]
FILE = 'query($path: String!) { system(name: "slurm") { file(path: $path) { %s } } }'
UPLOAD = "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }"


async def test_nothing_of_one_user_is_readable_to_another_beyond_the_modes(
    user: Client, other_user: Client, remote: str
) -> None:
    folder = (await user.ask(FILE % "path", path=remote))["system"]["file"]["path"]
    for name in ("hidden1", "hidden2"):
        given = {"system": "slurm", "path": f"{folder}/{name}", "content": None, "mode": "0600"}
        assert "errors" not in await user.upload(UPLOAD, b"secret", input=given)
    told = (await user.ask(FILE % "id contentUrl", path=f"{folder}/hidden1"))["system"]["file"]
    first = (await user.ask(FILE % "entries(first: 1) { pageInfo { endCursor } }", path=folder))["system"]["file"]
    cursor = first["entries"]["pageInfo"]["endCursor"]

    unreadable = [
        field for name, field in {**READS, **OF_LINKS}.items() if name not in ("entries", "search", "diskUsage")
    ]
    for field in unreadable:
        said = (await other_user.post(FILE % field, path=f"{folder}/hidden1")).json()
        assert said["errors"][0]["extensions"]["code"] == ErrorCode.PERMISSION_DENIED, field
        assert "secret" not in str(said["data"])
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(told["contentUrl"], headers=other_user.headers)
        assert (answer.status_code, b"secret" in answer.content) == (403, False)
        assert (await http.get(told["contentUrl"])).status_code == 401

    await change(user, "changeMode", "slurm", path=folder, mode="0700")
    for field in ("path", *READS.values(), *OF_LINKS.values(), f'entries(after: "{cursor}") {{ nodes {{ name }} }}'):
        for path in (f"{folder}/hidden1", folder) if field != "path" else (f"{folder}/hidden1",):
            said = (await other_user.post(FILE % field, path=path)).json()
            assert "hidden" not in str(said["data"]), (field, said)
            assert "secret" not in str(said)
    query = "query($id: ID!) { node(id: $id) { id ... on File { content { text } } } nodes(ids: [$id]) { id } }"
    said = (await other_user.post(query, id=told["id"])).json()
    assert said["data"] == {"node": None, "nodes": [None]}
    assert {error["extensions"]["code"] for error in said["errors"]} == {ErrorCode.PERMISSION_DENIED}
