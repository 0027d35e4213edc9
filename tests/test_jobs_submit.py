"""Submitting through GraphQL: every way to give a script, further options, estimates, keys, and values of any kind."""

import base64
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from firecrest_gql.demo.run import Demo
from tests.client import Client
from tests.test_docs import ROOT, blocks
from tests.waiting import until

pytestmark = [pytest.mark.redis, pytest.mark.s3, pytest.mark.oidc]

SUBMIT = """mutation($input: SubmitJobInput!) { submitJob(input: $input, waitSeconds: 30) { task {
  id status error { code message } result { __typename
    ... on Job { jobId name comment state stdoutPath workingDirectory arrayJobId }
    ... on SubmitEstimate { estimatedStartAt partition nodeCount cpuCount nodeList message } } } } }"""
JOB = """query($system: String!, $id: String!) { system(name: $system) { job(jobId: $id) {
  name comment final state exitCode stdoutPath stderrPath workingDirectory } } }"""
OUTPUT = """query($system: String!, $id: String!) { system(name: $system) { job(jobId: $id) {
  stdout { content { base64 } } } } }"""
NAMED = """query($system: String!, $name: String!) {
  system(name: $system) { jobs(filter: {name: $name}) { nodes { jobId name } } } }"""
HELLO = "#!/bin/sh\necho hello\n"

BOTH = pytest.mark.parametrize("system", ["local", pytest.param("slurm", marks=pytest.mark.slurm)])


def raw(path: bytes) -> str:
    """The path as it is given where it is not UTF-8."""
    return "base64:" + base64.b64encode(path).decode()


async def submitted(user: Client, **job: Any) -> dict[str, Any]:
    """The result of the task that submitted the job."""
    task = (await user.ask(SUBMIT, input=job))["submitJob"]["task"]
    assert task["status"] == "SUCCEEDED", task
    return dict(task["result"])


async def refused(user: Client, **job: Any) -> tuple[str, str]:
    """The code and the words of a refusal that comes before any task."""
    error = await user.error(SUBMIT, input=job)
    return error["extensions"]["code"], error["message"]


async def ended(user: Client, system: str, job_id: str) -> dict[str, Any]:
    """The job once it has ended."""
    job: dict[str, Any] = {}

    async def so() -> bool:
        nonlocal job
        job = (await user.ask(JOB, system=system, id=job_id))["system"]["job"]
        return bool(job["final"])

    await until(so, what=f"job {job_id} of {system} ends")
    return job


async def output(user: Client, system: str, job_id: str) -> bytes:
    """What the job has printed once it has ended."""
    await ended(user, system, job_id)
    job = (await user.ask(OUTPUT, system=system, id=job_id))["system"]["job"]
    return base64.b64decode(job["stdout"]["content"]["base64"])


@BOTH
async def test_a_script_comes_as_text_as_an_upload_or_from_the_system(
    user: Client, demo: dict[str, Any], system: str
) -> None:
    home = next(there["home"]["fireuser"] for there in demo["systems"] if there["name"] == system)
    path = f"{home}/script-{uuid4().hex}"
    text = await submitted(user, system=system, script=HELLO)
    job = {"system": system, "scriptFile": None}
    said = await user.upload(SUBMIT, b"#!/bin/sh\nprintf 'h\xff'\n", path="variables.input.scriptFile", input=job)
    upload = said["data"]["submitJob"]["task"]["result"]
    assert await output(user, system, text["jobId"]) == b"hello\n"
    assert await output(user, system, upload["jobId"]) == b"h\xff"
    await user.upload(
        "mutation($input: UploadFileInput!) { uploadFile(input: $input) { path } }",
        b"#!/bin/sh\necho from a file: $1\n",
        input={"system": system, "path": path, "content": None},
    )
    there = await submitted(user, system=system, scriptPath=path, arguments=["a b"])
    assert await output(user, system, there["jobId"]) == b"from a file: a b\n"


async def test_exactly_one_script_is_given(user: Client) -> None:
    assert (await refused(user, system="local"))[0] == "INVALID_INPUT"
    assert (await refused(user, system="local", script=HELLO, scriptPath="/x"))[0] == "INVALID_INPUT"
    for other in ({"script": HELLO}, {"scriptPath": "/x"}):
        job = {"system": "local", "scriptFile": None, **other}
        said = await user.upload(SUBMIT, HELLO.encode(), path="variables.input.scriptFile", input=job)
        assert said["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
        assert "exactly one" in said["errors"][0]["message"]
    code, words = await refused(user, system="local", scriptFile="not a file")
    assert (code, words.split(":")[0]) == ("INVALID_INPUT", "scriptFile")
    for data in (b"", b"#!/bin/sh\n\0", b"x" * (4 * 2**20 + 1)):
        job = {"system": "local", "scriptFile": None}
        said = await user.upload(SUBMIT, data, path="variables.input.scriptFile", input=job)
        assert said["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
        assert said["errors"][0]["message"].startswith("scriptFile: ")


@pytest.mark.slurm
async def test_the_sites_options_reach_the_scheduler_and_no_others(user: Client) -> None:
    held = await submitted(user, system="slurm", script=HELLO, options=["--hold", "--comment=my words", "--nice=5"])
    assert (held["state"], held["comment"]) == ("HELD", "my words")
    for option in (
        "--mail-user=x@example.org",
        "--licenses=other",
        "--export=NONE",
        "--comment",
        "hold",
        "--partition=x",
    ):
        code, words = await refused(user, system="slurm", script=HELLO, options=[option])
        assert code == "INVALID_INPUT"
        assert words.startswith("options: ")
        assert option in words
    assert (await refused(user, system="local", script=HELLO, options=["--hold"]))[0] == "UNSUPPORTED"


@BOTH
async def test_an_array_is_one_submission_of_many_tasks(user: Client, system: str) -> None:
    script = "#!/bin/sh\necho task ${SLURM_ARRAY_TASK_ID:-$FIRECREST_ARRAY_TASK_ID}\n"
    array = await submitted(user, system=system, script=script, array="3,5-7:2%1", name=f"array-{uuid4().hex}")
    for task in (3, 5, 7):
        printed = await output(user, system, f"{array['jobId'].partition('_')[0]}_{task}")
        assert printed == f"task {task}\n".encode()


@pytest.mark.slurm
async def test_a_job_that_is_only_checked_is_estimated_and_not_submitted(user: Client) -> None:
    name = f"only-checked-{uuid4().hex}"
    job = {"system": "slurm", "script": HELLO, "name": name, "validateOnly": True}
    estimate = await submitted(user, **job, taskCount=2, arguments=["x"])
    assert estimate.pop("estimatedStartAt").endswith("+00:00")
    assert len(estimate.pop("nodeList")) > 0
    assert estimate == {
        "__typename": "SubmitEstimate",
        "partition": "debug",
        "nodeCount": 1,
        "cpuCount": 2,
        "message": None,
    }
    task = (await user.ask(SUBMIT, input={**job, "partition": "nosuch"}))["submitJob"]["task"]
    assert (task["status"], task["error"]["code"]) == ("FAILED", "SCHEDULER_REJECTED")
    assert "invalid partition specified: nosuch" in task["error"]["message"]
    task = (await user.ask(SUBMIT, input={**job, "nodeCount": 99}))["submitJob"]["task"]
    assert "Requested node configuration is not available" in task["error"]["message"]
    assert (await user.ask(NAMED, system="slurm", name=name))["system"]["jobs"]["nodes"] == []


async def test_direct_makes_all_checks_of_a_job_that_is_only_checked(user: Client) -> None:
    name = f"only-checked-{uuid4().hex}"
    job = {"system": "local", "script": HELLO, "name": name, "validateOnly": True}
    estimate = await submitted(user, **job)
    assert estimate["estimatedStartAt"].endswith("+00:00")
    assert (estimate["partition"], estimate["nodeCount"]) == ("local", 1)
    task = (await user.ask(SUBMIT, input={**job, "workingDirectory": "/no/such"}))["submitJob"]["task"]
    assert (task["error"]["code"], "/no/such" in task["error"]["message"]) == ("SCHEDULER_REJECTED", True)
    assert (await user.ask(NAMED, system="local", name=name))["system"]["jobs"]["nodes"] == []


@pytest.mark.slurm
async def test_the_comment_in_a_script_survives_whichever_way_it_comes(
    running: Demo, user: Client, demo: dict[str, Any]
) -> None:
    assert running.slurm is not None
    script = '#!/bin/sh\n#SBATCH --comment="it is R&D (1)#2|日本"\n'
    path = Path(running.slurm.homes["fireuser"]) / f"commented-{uuid4().hex}"
    path.write_text(script)
    path.chmod(0o644)
    text = await submitted(user, system="slurm", script=script)
    there = await submitted(user, system="slurm", scriptPath=str(path))
    assert [job["comment"] for job in (text, there)] == ["it is R&D (1)#2|日本"] * 2
    over = await submitted(user, system="slurm", script=script, options=["--comment=said later"])
    assert over["comment"] == "said later"


@BOTH
async def test_a_key_makes_one_job_per_system_and_never_another_one(user: Client, system: str) -> None:
    key, name = uuid4().hex, uuid4().hex
    job = {"system": system, "script": HELLO, "name": name, "idempotencyKey": key}
    first, again = [(await user.ask(SUBMIT, input=job))["submitJob"]["task"] for _ in range(2)]
    assert first["id"] == again["id"]
    assert len((await user.ask(NAMED, system=system, name=name))["system"]["jobs"]["nodes"]) == 1
    for other in ({"script": "#!/bin/sh\n"}, {"name": "other"}):
        assert (await refused(user, **{**job, **other}))[0] == "CONFLICT"


@pytest.mark.slurm
async def test_the_same_key_on_another_system_is_another_key(user: Client) -> None:
    key = uuid4().hex
    ids = [
        (await user.ask(SUBMIT, input={"system": system, "script": HELLO, "idempotencyKey": key}))["submitJob"]["task"]
        for system in ("local", "slurm")
    ]
    assert len({task["id"] for task in ids}) == 2
    job = {"system": "slurm", "script": HELLO, "idempotencyKey": key, "validateOnly": True}
    assert (await refused(user, **job))[0] == "CONFLICT"


@pytest.mark.slurm
async def test_the_documents_examples_do_what_the_document_says(user: Client) -> None:
    submit, check, options, checks = blocks(ROOT / "docs" / "jobs.md", "graphql")
    task = (await user.ask(submit))["submitJob"]["task"]
    assert (task["result"]["name"], task["result"]["comment"]) == ("it's R&D (1)#2", "run of today")
    assert await output(user, "slurm", task["result"]["jobId"]) == b'a b\nhello, "world"=1\n'
    assert (await user.ask(submit))["submitJob"]["task"]["id"] == task["id"]
    assert (await user.ask(check))["submitJob"]["task"]["result"]["partition"] == "debug"
    held = (await user.ask(options))["submitJob"]["task"]["result"]
    assert (held["state"], held["comment"]) == ("HELD", "in my words")

    async def accounting() -> bool:
        found = (await user.ask(checks))["system"]["checks"]
        return ("accounting", "HEALTHY") in [(check["name"], check["status"]) for check in found]

    await until(accounting, what="the health check tells that accounting keeps comments")


@BOTH
async def test_values_reach_the_job_byte_for_byte_and_make_no_other_variable(
    user: Client, demo: dict[str, Any], system: str
) -> None:
    home = next(there["home"]["fireuser"] for there in demo["systems"] if there["name"] == system)
    values = {
        "COMMA": "1,INJECTED=/evil",
        "QUOTES": "'\"`$(id) \\",
        "LINES": "one\ntwo\n",
        "WORLD": "日本 🚀",
        "EMPTY": "",
        "EQUALS": "a=b;c",
    }
    shown = " ".join(f'"${name}"' for name in values)
    folder = f"{home}/odd {uuid4().hex}".encode() + b" \xff'|,"
    script = f"""#!/bin/sh
printf '<%s>' "$@" {shown} "${{INJECTED-none}}" "$PWD"
"""
    create = "mutation($input: CreateDirectoryInput!) { createDirectory(input: $input) { path } }"
    await user.ask(create, input={"system": system, "path": raw(folder)})
    arguments = ["a b", "-x", "", "c\nd", "日"]
    job = await submitted(
        user,
        system=system,
        script=script,
        arguments=arguments,
        workingDirectory=raw(folder),
        stdoutPath=raw(folder + b"/\xfe out"),
        environment=[{"name": name, "value": value} for name, value in values.items()],
    )
    printed = await output(user, system, job["jobId"])
    words = [word.encode() for word in (*arguments, *values.values(), "none")]
    assert printed == b"".join(b"<%s>" % word for word in (*words, folder))
    assert (await ended(user, system, job["jobId"]))["stdoutPath"] == raw(folder + b"/\xfe out")


@pytest.mark.parametrize("argument", ["scriptPath", "workingDirectory", "stdinPath", "stdoutPath", "stderrPath"])
@pytest.mark.parametrize(
    "path", ["base64:!", "base64:" + "cmVs", raw(b"/two\nlines"), raw(b"/nul\0"), "relative", "/\udcff"]
)
async def test_a_path_that_cannot_be_carried_is_refused_naming_its_argument(
    user: Client, argument: str, path: str
) -> None:
    job = {"system": "local", argument: path} | ({} if argument == "scriptPath" else {"script": HELLO})
    code, words = await refused(user, **job)
    assert (code, words.split(":")[0]) == ("INVALID_INPUT", argument)


NAMES = ["a|b", "it's R&D (1)#2", "日本", "`quoted` \\n $(id) 🚀", " blanks  inside ", "%j;,=", "--wrap=id"]


@BOTH
@pytest.mark.parametrize("name", NAMES)
async def test_a_name_comes_back_byte_for_byte_from_queue_and_accounting(user: Client, system: str, name: str) -> None:
    job = await submitted(user, system=system, script=HELLO, name=name)
    assert job["name"] == name
    assert (await ended(user, system, job["jobId"]))["name"] == name
    nodes = (await user.ask(NAMED, system=system, name=name))["system"]["jobs"]["nodes"]
    assert job["jobId"] in [node["jobId"] for node in nodes]


@pytest.mark.slurm
async def test_a_name_that_accounting_would_change_is_refused(user: Client) -> None:
    code, words = await refused(user, system="slurm", script=HELLO, name='say "x"')
    assert (code, words.split(":")[0]) == ("INVALID_INPUT", "name")


@BOTH
@pytest.mark.parametrize("name", ["two\nlines", "a\ttab", "\x7f", "", "\udcff", "x" * 1025])
async def test_a_name_that_cannot_be_carried_is_refused(user: Client, system: str, name: str) -> None:
    code, words = await refused(user, system=system, script=HELLO, name=name)
    assert (code, words.split(":")[0]) == ("INVALID_INPUT", "name")
