"""The page as a real browser shows it: nothing is fetched or refused, it filters and links, it is accessible.

A Chromium that is on the machine is used (``CHECKER_BROWSER`` names another); without one these tests are skipped, and
say so. Pictures of the page are kept in ``.checker/screenshots``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace

from checker.collect.browser import find_browser, printed
from checker.compare import compare
from checker.errors import UsageError
from checker.model.verdicts import Outcome
from checker.reports import render
from tests.reports.html.test_html import BEFORE, HISTORY
from tests.reports.sample import DRIFT, EMPTY, RUN, verdict

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT: Final = Path(__file__).parents[3]
SCREENSHOTS: Final = ROOT / ".checker" / "screenshots"
AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SIZES: Final = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
# As little as a sandbox of a test machine allows; the page is our own, and its policy is what is tested.
_ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = find_browser(os.environ)
    if found is None:
        pytest.skip("NO BROWSER: the HTML report was not looked at. Install chromium, or name one in CHECKER_BROWSER")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    closed = [
        verdict("P11", Outcome.PASS, "Balancer", 1, sub="internet→443", severity=RUN.findings["C7"].severity),
        verdict("P11", Outcome.FAIL, "Api", 2, sub="listener→api", severity=RUN.findings["C7"].severity),
    ]
    run = replace(RUN, verdicts=(*RUN.verdicts, *closed), drift=DRIFT)
    path = tmp_path_factory.mktemp("page") / "run.html"
    path.write_text(render(run, "html", since=compare(BEFORE, run), history=HISTORY), encoding="utf-8")
    return path.as_uri()


class _Heard:
    """What a page asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))


def test_nothing_is_fetched_and_nothing_is_refused(browser: Browser, file: str) -> None:
    page = browser.new_page()
    heard = _Heard(page)
    page.goto(file)
    assert heard.requests == [file]
    assert heard.complaints == []
    # What is quoted has a script in it; had it run, or been let in, it would be an element.
    assert page.locator("script").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_every_size_and_scheme(browser: Browser, file: str, size: str, scheme: Any) -> None:
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(file)
    _keep(page, f"{size}-{scheme}", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # The answer stands on the first screen, the three questions too where there is room.
    assert page.locator("h1").bounding_box()["y"] < height / 3  # type: ignore[index]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is (scheme == "light")


def test_on_paper_there_is_no_filter_and_no_dark(browser: Browser, file: str) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(file)
    page.emulate_media(media="print")
    assert not page.locator("#filter").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    _keep(page, "paper", full_page=True)
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    (SCREENSHOTS / "paper.pdf").write_bytes(pdf)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("what", ["full", "empty"])
def test_axe_finds_no_violation(browser: Browser, file: str, what: str, scheme: Any, tmp_path: Path) -> None:
    assert AXE.is_file(), "npm ci installs axe-core"
    if what == "empty":
        (tmp_path / "empty.html").write_text(render(EMPTY, "html"), encoding="utf-8")
        file = (tmp_path / "empty.html").as_uri()
    # axe is let in past the page's policy; the page's own script and style are under it in the tests above.
    page = browser.new_context(color_scheme=scheme, bypass_csp=True).new_page()
    page.goto(file)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert found["passes"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []


def test_the_filter_hides_what_does_not_match_and_says_how_much(browser: Browser, file: str) -> None:
    page = browser.new_page()
    page.goto(file)
    articles = page.locator("article[data-words]")
    every = articles.count()
    page.get_by_role("searchbox").fill("retentionindays p12")
    assert page.locator("article[data-words]:visible").count() == 1
    assert page.locator("#shown").inner_text() == f"1 of {every} shown"
    page.get_by_role("searchbox").fill("")
    page.get_by_role("checkbox", name="warning").uncheck()
    assert page.locator('article[data-kind="warning"]:visible').count() == 0
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelectorAll('article[data-words][hidden]').length === 0")


def test_a_link_leads_to_one_finding_and_opens_what_is_folded(browser: Browser, file: str) -> None:
    page = browser.new_page()
    page.goto(file)
    link = page.locator("article h4 a").first
    target = link.get_attribute("href") or ""
    page.goto("about:blank")
    page.goto(file + target)
    assert page.evaluate("document.activeElement.id") == target.removeprefix("#")
    page.goto("about:blank")
    page.goto(f"{file}#S6")
    assert page.locator("#S6").get_attribute("open") is not None
    # A filter must not hide what a link names.
    page.get_by_role("searchbox").fill("nothing has these words")
    page.evaluate(f"location.hash = '{target}'")
    page.wait_for_function(f"!document.getElementById('{target.removeprefix('#')}').hidden")


def test_the_keyboard_reaches_the_findings_at_once_and_everything_that_scrolls(browser: Browser, file: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the findings"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    unreachable = page.evaluate(
        "[...document.querySelectorAll('*')].filter((each) => each.scrollWidth > each.clientWidth + 1"
        " && ['auto', 'scroll'].includes(getComputedStyle(each).overflowX) && each.tabIndex < 0).length"
    )
    assert unreachable == 0


def test_without_scripts_everything_is_there(browser: Browser, file: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(file)
    assert not page.locator("#filter").is_visible()
    assert page.locator("article[data-words]:visible").count() == page.locator("article[data-words]").count()


def test_the_pdf_is_the_same_for_the_same_page(browser: Browser) -> None:
    first, second = (printed(render(RUN, "html"), os.environ) for _ in range(2))
    assert first.startswith(b"%PDF")
    assert first == second


def test_a_browser_that_is_named_and_not_there_is_told() -> None:
    with pytest.raises(UsageError, match="no such program"):
        find_browser({"CHECKER_BROWSER": "no-such-browser", "PATH": os.environ["PATH"]})
    assert find_browser({"PATH": "/nonexistent"}) is None


def _keep(page: Page, name: str, **options: Any) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", **options)


def test_no_word_of_a_picture_is_cut_off(browser: Browser, tmp_path: Path) -> None:
    """Neither the last environment's name, which is longer than its columns, nor the long id of a scanner's result."""
    more = [
        verdict("NAG:AwsSolutions-RDS10", Outcome.FAIL, "Store", 1, severity=RUN.findings["C7"].severity),
        replace(verdict("C7", Outcome.PASS, "Cache", 2), environment=""),
    ]
    file = tmp_path / "run.html"
    waiver = replace(RUN.waivers[0], finding="NAG:AwsSolutions-IAM5[Resource::arn:aws:*/*]")
    run = replace(RUN, verdicts=(*RUN.verdicts, *more), waivers=(*RUN.waivers, waiver), drift=DRIFT)
    file.write_text(render(run, "html", history=HISTORY), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    cut = """() => [...document.querySelectorAll("svg.picture")].flatMap(picture => {
        const frame = picture.getBoundingClientRect();
        return [...picture.querySelectorAll("text")].filter(word => {
            const box = word.getBoundingClientRect();
            return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1);
        }).map(word => word.textContent);
    })"""
    assert page.evaluate(cut) == []
    page.close()
