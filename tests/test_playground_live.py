"""The playground against the real server, in Chromium: sign in, a query, a subscription; no violation of its policy."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(demo: dict[str, Any]) -> AsyncIterator[Page]:
    """The playground, signed in as fireuser; a violation of the policy or a script's error fails the test."""
    faults: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = await browser.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(demo["playground_url"])
        await page.get_by_role("button", name="fireuser", exact=False).first.click()
        yield page
        await browser.close()
    assert faults == []


async def run(page: Page, tab: str) -> None:
    """Open the tab and press play."""
    await page.get_by_role("tab", name=tab).click()
    await page.locator("button.graphiql-execute-button").click()


async def test_a_query_shows_systems_and_files(page: Page) -> None:
    await run(page, "SystemsAndFiles")
    await page.locator(".result-window .view-lines").get_by_text("HEALTHY").first.wait_for()


async def test_a_job_is_submitted_and_its_task_watched(page: Page) -> None:
    await run(page, "SubmitJob")
    await (
        page.locator(".result-window .view-lines")
        .get_by_text("QUEUED")
        .or_(page.locator(".result-window .view-lines").get_by_text("RUNNING"))
        .first.wait_for()
    )
    await run(page, "WatchTask")
    await page.locator(".result-window .view-lines").get_by_text("SUCCEEDED").first.wait_for()
