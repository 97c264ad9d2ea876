"""The pages in a real browser, from the first look to a decision; skipped where there is none."""

import re
import shutil
import threading
import time
from importlib.resources import files

import pytest
import uvicorn

from lepton_platform.serve.app import create
from lepton_platform.serve.settings import Settings

CREDIT = "finance.credit-risk"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOOKS = ((390, "dark"), (1280, "light"))

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server without a run."""
    settings = Settings(tmp_path_factory.mktemp("empty") / "runs", (CREDIT,))
    server = uvicorn.Server(uvicorn.Config(create(settings), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """A page at the server's address; what its console complains of is an error."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints = []
    page.on("console", lambda told: told.type in ("error", "warning") and complaints.append(told.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def faults(page):
    """Return what axe finds against the accessibility guidelines, and whatever is too wide for a phone."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8") + "\n;0")
    found = []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        told = page.evaluate("axe.run({iframes: false})")["violations"]
        found += [(one["id"], one["impact"], [node["target"] for node in one["nodes"]]) for one in told]
        if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append(("too wide", width, needed))
    return found


def start(page, file, **options):
    """Start a run by its form, and wait until it is over."""
    page.goto(f"/apps/{CREDIT}/start")
    assert faults(page) == []
    page.get_by_label("A file of past cases").set_input_files(file)
    page.get_by_label("target").fill("default")
    page.locator("summary", has_text="Models, time and seed").click()
    for name, value in {"models": "logistic", **options}.items():
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/runs/*", timeout=60_000)
    page.get_by_role("status").get_by_text("✓ done").wait_for(timeout=60_000)
    page.get_by_role("heading", name="What it measured").wait_for()
    return page.url.rpartition("/")[2]


def test_from_the_first_look_to_a_decision_a_what_if_and_a_comparison(page, loans, tmp_path):
    page.goto("/")
    assert faults(page) == []
    page.get_by_role("link", name=CREDIT).click()
    assert faults(page) == []
    loans(200, 2).to_csv(tmp_path / "loans.csv", index=False)
    first, second = (start(page, tmp_path / "loans.csv", seed=seed) for seed in ("0", "1"))

    page.goto(f"/apps/{CREDIT}")
    assert faults(page) == []
    page.get_by_role("link", name=second).last.click()
    assert faults(page) == []
    page.locator("iframe").scroll_into_view_if_needed()
    report = page.frame_locator("iframe").get_by_role("heading", name="Verdict")
    report.wait_for(timeout=10_000)
    page.get_by_label("With run").select_option(first)
    page.get_by_role("button", name="Compare").click()
    assert page.get_by_role("row", name=re.compile("^seed 1 0")).count() == 1
    assert faults(page) == []

    page.goto(f"/apps/{CREDIT}/decide")
    page.get_by_label("debt").fill("0.97")
    page.get_by_label("home").select_option("rent")
    page.get_by_role("button", name="Decide", exact=True).click()
    page.get_by_text("debt is 0.97").wait_for()
    assert page.locator(".decision").text_content() == "decline"
    page.get_by_label("debt").fill("0.01")
    page.get_by_text("debt were 0.01 instead of 0.97").wait_for()
    before, after = page.locator(".decision").all_text_contents()
    assert before == "decline" and after != "decline"
    assert page.get_by_label("debt").evaluate("field => field === document.activeElement")
    assert faults(page) == []

    loans(5, 3).drop(columns="default").to_csv(tmp_path / "new.csv", index=False)
    page.get_by_label("A file of cases").set_input_files(tmp_path / "new.csv")
    with page.expect_download() as download:
        page.get_by_role("button", name="Decide and download").click()
    assert len(download.value.path().read_text().splitlines()) == 6


def test_runs_are_found_while_one_types(page):
    page.goto("/runs")
    assert faults(page) == []
    page.get_by_label("Search").press_sequentially("nowhere")
    page.get_by_text("0 runs for").wait_for()
    assert page.url.endswith("/runs?q=nowhere")


def test_the_doctor_examines_while_one_waits(page):
    page.goto("/doctor")
    page.get_by_role("heading", name="Installed").wait_for(timeout=60_000)
    assert faults(page) == []


@pytest.mark.parametrize("url", ["/watch", "/login"])
def test_the_other_pages_are_accessible(page, url):
    page.goto(url)
    assert faults(page) == []


def test_the_keyboard_leads_past_the_menu_to_the_content(page):
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == CREDIT
