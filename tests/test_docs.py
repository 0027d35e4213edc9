"""The documents are true: their queries run and answer what they show, their links and targets exist."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import build_schema as parse_schema
from graphql import parse, validate

from firecrest_gql.command import Result
from firecrest_gql.files.road import FileCommand
from firecrest_gql.model.files import File, FileType
from firecrest_gql.settings import LimitSettings
from schema import build_schema
from schema.fields import field
from tests.client import Client

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
SUBMIT = """mutation { submitJob(
  input: {system: "local", name: "hello", script: "#!/bin/sh\\necho hello; echo done\\n"},
  waitSeconds: 20) { task { status result { ... on Job { jobId } } } } }"""
JOB = 'subscription($id: String!) { jobUpdated(system: "local", jobIds: [$id]) { job { state } } }'


def blocks(document: Path, language: str) -> list[str]:
    """The document's code blocks in this language."""
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)


def shape(value: Any) -> Any:
    """What stays the same whoever asks: the keys and the kinds of values; of a list, the first item."""
    if isinstance(value, dict):
        return {key: shape(below) for key, below in value.items()}
    return [shape(below) for below in value[:1]] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_query_in_a_document_is_valid(document: Path) -> None:
    schema = parse_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))
    for query in blocks(document, "graphql"):
        assert validate(schema, parse(query)) == []


async def test_the_readmes_query_answers_what_the_readme_shows(user: Client) -> None:
    job = (await user.ask(SUBMIT))["submitJob"]["task"]["result"]["jobId"]
    async for _ in user.events(JOB, id=job):
        pass
    [query], [answer] = blocks(ROOT / "README.md", "graphql"), blocks(ROOT / "README.md", "json")
    assert shape({"data": await user.ask(query)}) == shape(json.loads(answer))


async def test_the_operation_that_the_document_adds_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("documented")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = vars(module)
    for block in blocks(ROOT / "docs" / "files.md", "python"):
        exec(block, names)
    (tmp_path / "new\nline").write_text("one\ntwo\n")

    async def ask(_system: object, _caller: object, command: FileCommand[Any]) -> Any:
        for argv in (command.argv, command.confined([str(tmp_path)])):
            run = await asyncio.to_thread(subprocess.run, argv, capture_output=True, check=False)
            told = command.parse(Result(run.returncode, run.stdout, run.stderr))
        return told

    @strawberry.type
    class Query:
        @field(strawberry.type(type("Counted", (), {"line_count": names["line_count"]})))
        def file(self) -> File:
            """A file that counts its lines."""
            return File(system="x", location=str(tmp_path / "new\nline"), type=FileType.REGULAR)

    settings = SimpleNamespace(system=lambda _: SimpleNamespace(admits=lambda *_: True))
    services = SimpleNamespace(settings=settings, files=SimpleNamespace(ask=ask))
    context = SimpleNamespace(services=services, caller=None, principal=SimpleNamespace(username="", scopes=()))
    schema = strawberry.Schema(query=Query, config=build_schema(LimitSettings()).config)
    said = await schema.execute("{ file { lineCount } }", context_value=context)
    assert (said.errors, said.data) == (None, {"file": {"lineCount": 2}})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_path_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:firecrest_gql|schema|resolvers|tests|examples)/[\w/.]*)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_make_help_lists_every_target_that_the_documents_name() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {line.split()[0] for line in listed.splitlines() if line.startswith("  ")}
    texts = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    named = set(re.findall(r"(?:^|[`\s])make ([a-z-]+)", texts))
    assert named <= targets
