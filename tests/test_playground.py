"""The playground as a browser gets it: only our own files, a policy that holds, and a sign-in for the demo's users."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from graphql import build_schema, parse, validate
from playwright.async_api import Page, async_playwright
from starlette.applications import Starlette

from firecrest_gql.demo.identity import IdentityProvider, make_identity_provider
from firecrest_gql.demo.ports import remembered_ports
from firecrest_gql.gateway.playground import Playground
from firecrest_gql.settings import ServerSettings
from tests.parts import on_path
from tests.waiting import until

PLAYGROUND = Path(__file__).parents[1] / "playground"
EXAMPLES = sorted((PLAYGROUND / "examples").glob("*.graphql"))
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
LISTEN = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass(frozen=True)
class Served:
    """The playground's address and the provider that it signs users in at."""

    url: str
    provider: IdentityProvider


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid_in_the_contract(example: Path) -> None:
    contract = build_schema(Path(__file__).with_name("contract.graphql").read_text())
    assert validate(contract, parse(example.read_text())) == []


def test_every_example_is_a_tab() -> None:
    tabs = (PLAYGROUND / "src" / "examples.js").read_text()
    assert [path.name for path in EXAMPLES if path.name not in tabs] == []


def test_the_lock_files_carry_hashes_and_no_address() -> None:
    provider = PLAYGROUND.parent / "firecrest_gql" / "demo" / "identity_provider"
    for lock in (PLAYGROUND / "package-lock.json", provider / "package-lock.json"):
        packages = json.loads(lock.read_text())["packages"]
        locked = {name: package for name, package in packages.items() if name and not package.get("inBundle")}
        assert [name for name, package in locked.items() if "resolved" in package] == []
        assert [name for name, package in locked.items() if "integrity" not in package] == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The built playground behind our own routes, which knows one secret and not the other."""
    if not (PLAYGROUND / "dist").is_dir():
        message = "the playground is not built: make setup"
        (pytest.fail if os.environ.get("FIRECREST_REQUIRE_REAL") == "1" else pytest.skip)(message)
    state = tmp_path_factory.mktemp("playground")
    port = remembered_ports(state / "ports.json", ["server"])["server"]
    url = f"http://127.0.0.1:{port}"
    provider = make_identity_provider(state, [url])
    clients = [{"client_id": client.client_id, "username": client.username} for client in provider.clients]
    clients[0]["client_secret"] = provider.clients[0].client_secret
    file = state / "clients.json"
    file.write_text(json.dumps({"token_url": provider.token_url, "clients": clients}))
    routes = Playground(ServerSettings(playground_clients_file=file), PLAYGROUND / "dist").routes()
    async with provider.process, serving(Starlette(routes=routes), port):
        yield Served(url, provider)


@asynccontextmanager
async def serving(app: Starlette, port: int) -> AsyncIterator[None]:
    """The application on this port of loopback."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield
        server.should_exit = True


@pytest.fixture
def asked() -> list[str]:
    """The addresses that the page has asked for."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def page(served: Served, asked: list[str]) -> AsyncIterator[Page]:
    """A fresh browser on the playground, once its editor is there."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=on_path("chromium"), args=CHROMIUM)
        page = await browser.new_page()
        await page.add_init_script(LISTEN)
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(served.url)
        await page.locator(".graphiql-query-editor .view-line").first.wait_for()
        yield page
        await browser.close()


@pytest.mark.browser
@pytest.mark.oidc
async def test_the_page_loads_nothing_from_elsewhere_and_keeps_its_policy(
    page: Page, served: Served, asked: list[str]
) -> None:
    await page.get_by_role("button", name="Sign in as fireuser", exact=True).click()
    await page.get_by_text("Signed in as fireuser", exact=True).wait_for()
    await page.get_by_role("button", name="Prettify").first.click()
    ours = (f"{served.url}/", f"{served.provider.issuer}/", "data:", "blob:")
    assert [url for url in asked if not url.startswith(ours)] == []
    assert await page.evaluate("window.violations") == []


@pytest.mark.browser
@pytest.mark.oidc
async def test_a_script_put_into_the_page_does_not_run(page: Page) -> None:
    await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    await until(lambda: page.evaluate("window.violations.length > 0"))  # wait_for_function would use `eval` itself
    assert await page.evaluate("window.violations") == ["script-src-attr inline"]
    assert await page.evaluate("window.ran") is None


@pytest.mark.browser
@pytest.mark.oidc
async def test_a_demo_user_signs_in_with_one_click_and_the_token_is_not_stored(page: Page) -> None:
    await page.get_by_role("button", name="Sign in as fireuser", exact=True).click()
    await page.get_by_text("Signed in as fireuser", exact=True).wait_for()
    stored = "JSON.stringify([Object.values(localStorage), Object.values(sessionStorage), document.cookie])"
    assert "eyJ" not in await page.evaluate(stored)  # every JWT begins so


@pytest.mark.browser
@pytest.mark.oidc
async def test_a_user_whose_secret_the_page_has_not_pastes_it(page: Page, served: Served) -> None:
    await page.get_by_role("button", name="Sign in as fireuser2").click()
    await page.get_by_label("Client secret of demo-fireuser2").fill("wrong")
    await page.get_by_role("button", name="Use it").click()
    await page.get_by_role("alert").get_by_text("Signing in failed").wait_for()
    await page.get_by_label("Client secret of demo-fireuser2").fill(served.provider.clients[1].client_secret)
    await page.get_by_role("button", name="Use it").click()
    await page.get_by_text("Signed in as fireuser2", exact=True).wait_for()


@pytest.mark.browser
@pytest.mark.oidc
async def test_the_tabs_are_the_examples(page: Page) -> None:
    tabs = await page.get_by_role("tab").all_inner_texts()
    assert sorted(name for tab in tabs if (name := tab.strip())) == [path.stem for path in EXAMPLES]
