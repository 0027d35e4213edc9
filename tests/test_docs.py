"""The documents are true: their queries run and answer what they show, their links and targets exist."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema as parse_schema
from graphql import parse, validate

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
