"""No page has a serious finding of axe-core, is wider than a phone, asks for anything from outside, or has an error."""

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests_docs.browser import chromium

#: One page of each kind; the others are among the slow tests.
KINDS = ["index.html", "search.html", "docs/site/benchmark.html", "docs/site/api/scan_report.html", "docs/privacy.html"]
SETTINGS = {"a phone in the dark": (400, "dark"), "a wide screen in the light": (1280, "light")}
_RUN = "() => axe.run(document, {resultTypes: ['violations']}).then(result => JSON.stringify(result.violations))"


@pytest.fixture(scope="module", params=SETTINGS)
def tab(request) -> Iterator[Page]:
    """A tab of a browser without a network; its list `problems` has what the pages asked for or broke."""
    width, scheme = SETTINGS[request.param]
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        tab.problems = []
        tab.on("request", lambda sent: sent.url.startswith(("file:", "data:")) or tab.problems.append(sent.url))
        tab.on("pageerror", lambda error: tab.problems.append(str(error)))
        yield tab


def findings(tab: Page) -> list[str]:
    """The serious and critical findings on the open page, and what is wrong with its width."""
    tab.evaluate(AXE_SCRIPT)
    found = [
        f"{finding['id']}: {node['html'][:150]}"
        for finding in json.loads(tab.evaluate(_RUN))
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
    wider = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found + [f"{wider} pixels wider than the screen"] * (wider > 0) + tab.problems


@pytest.mark.parametrize("page", KINDS)
def test_a_page_of_each_kind_is_accessible(tab, site, page):
    tab.goto((site / page).as_uri())
    assert not findings(tab)


@pytest.mark.slow
def test_every_page_is_accessible(tab, pages):
    found = []
    for path in pages:
        tab.goto(path.as_uri())
        found += [f"{path.name}: {finding}" for finding in findings(tab)]
    assert not found, "\n".join(found)


def test_an_image_without_text_is_found(tab):
    tab.set_content(
        '<html lang="en"><title>x</title><main><h1>x</h1><img src="data:image/gif;base64,R0lGODlhAQ=="></main>'
    )
    assert [finding for finding in findings(tab) if finding.startswith("image-alt")]
