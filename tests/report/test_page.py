"""The page of rfp report in a real browser: Debian's Chromium, headless, driven by selenium."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.report.conftest import TEST

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
pytestmark = pytest.mark.skipif(
    not (Path(BROWSER).is_file() and Path(DRIVER).is_file()),
    reason="no Chromium; install Debian's with 'apt-get install chromium chromium-driver'",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One browser with a profile of its own, gone afterwards."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium; pip install 'rfp-md[test]'")
    profile = tmp_path_factory.mktemp("profile")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def opened(browser, page):
    """The page of everything, just opened on a desktop in light colours, and its figures."""
    show(browser, page[0])
    return browser, page[1]


def show(browser, path, width=1280, scheme="light", media=""):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(Path(path).as_uri())


def requests(browser):
    """Addresses that were asked for since the page was opened."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


@contextmanager
def without_scripts(browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_console_complains_or_the_network_is_asked(opened):
    browser, _ = opened
    assert browser.title == "ethanol.rfp: report"
    assert browser.get_log("browser") == []
    asked = requests(browser)
    assert asked
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}


def test_values_on_the_page_are_not_those_of_the_json(opened):
    browser, figures = opened
    script = """
        const json = JSON.parse(document.getElementById("rfp-report").textContent);
        const rows = [...document.querySelectorAll("[data-figure]")].map(e => {
            const value = e.dataset.figure.split(".").reduce((at, key) => at[key], json);
            return [e.dataset.figure, JSON.parse(e.dataset.value), value, e.textContent];
        });
        return [json, rows];
    """
    json_of_page, rows = browser.execute_script(script)
    assert json_of_page == figures
    assert len(rows) > 100
    for place, exact, value, text in rows:
        assert exact == value, place
        if isinstance(value, float):
            assert float(text.replace("−", "-")) == pytest.approx(value, rel=6e-3), place


@pytest.mark.parametrize("width", [1280, 375])
def test_a_picture_has_no_size_or_does_not_load(browser, page, width):
    show(browser, page[0], width)
    sizes = browser.execute_script("""
        return [...document.querySelectorAll("svg[role=img]")].map(e => {
            const box = e.getBoundingClientRect();
            return [e.getAttribute("aria-label"), box.width, box.height, box.right];
        });
    """)
    assert len(sizes) == 4 + 2 + 2 + 1 + 2 + 3 + 1 + 3 + 1 + 6
    for label, wide, high, right in sizes:
        assert label
        assert min(wide, high) > 100, label
        assert right <= width, label
    images = browser.execute_async_script("""
        const done = arguments[arguments.length - 1];
        Promise.all([...document.querySelectorAll("svg image")].map(e => {
            const image = new Image();
            image.src = e.href.baseVal;
            return image.decode().then(() => image.naturalWidth, () => 0);
        })).then(done);
    """)
    assert len(images) >= 10
    assert min(images) > 100


@pytest.mark.parametrize("width", [320, 375, 768])
def test_a_phone_scrolls_sideways(browser, page, width):
    show(browser, page[0], width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    outside = browser.execute_script("""
        return [...document.querySelectorAll("body *")].filter(e =>
            e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre, svg")).map(e => e.outerHTML);
    """)
    assert outside == []


def test_a_verdict_is_hidden_on_a_phone(browser, page):
    show(browser, page[0], 375)
    rights = browser.execute_script(
        "return [...document.querySelectorAll('td.verdict .badge')].map(e => e.getBoundingClientRect().right)"
    )
    assert len(rights) > 8
    assert max(rights) <= 375


def contrasts(browser):
    """The smallest contrast (WCAG) of the texts on the page with what is behind them, and where it is."""
    return browser.execute_script("""
        const rgb = text => text.match(/[\\d.]+/g).map(Number);
        const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const light = c => c.slice(0, 3).map(v => linear(v / 255))
            .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
        const behind = e => {
            for (; e; e = e.parentElement) {
                const c = rgb(getComputedStyle(e).backgroundColor);
                if (c.length < 4 || c[3] > 0) return c;
            }
            return [255, 255, 255];
        };
        let worst = [99, ""];
        for (const e of document.querySelectorAll("body *:not(script):not(.atom):not(title)")) {
            if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            const style = getComputedStyle(e);
            const front = rgb(e.closest("svg") ? (style.fill === "none" ? style.color : style.fill) : style.color);
            const [a, b] = [light(front), light(behind(e))].sort((x, y) => y - x);
            const ratio = (a + 0.05) / (b + 0.05);
            if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 200)];
        }
        return worst;
    """)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_cannot_be_read(browser, page, scheme):
    show(browser, page[0], scheme=scheme)
    back = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") == (scheme == "light")
    ratio, where = contrasts(browser)
    assert ratio >= 4.5, where  # WCAG AA


def test_a_dark_screen_prints_dark_pages(browser, page):
    show(browser, page[0], scheme="dark", media="print")
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    hidden = "return [...document.querySelectorAll('nav, button')].every(e => getComputedStyle(e).display === 'none')"
    assert browser.execute_script(hidden)
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert len(pdf) > 50_000


def test_a_snippet_cannot_be_copied(opened):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser, figures = opened
    buttons = browser.find_elements(By.CSS_SELECTOR, "button.copy")
    assert len(buttons) == 5
    for wanted, clipboard in (("Copied", True), ("Copied", False)):
        if not clipboard:
            browser.execute_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", buttons[0])
        buttons[0].click()
        WebDriverWait(browser, 5).until(lambda _, wanted=wanted: buttons[0].text.startswith(wanted))
        WebDriverWait(browser, 5).until(lambda _: buttons[0].text == "Copy")
    assert browser.execute_script("return getSelection().toString()").strip() == figures["run"]["ipi"].strip()
    assert browser.get_log("browser") == []


def test_the_page_needs_its_script(browser, page):
    with without_scripts(browser):
        show(browser, page[0])
        from selenium.webdriver.common.by import By

        assert not browser.find_elements(By.CSS_SELECTOR, "button")
        assert len(browser.find_elements(By.CSS_SELECTOR, "pre.copy")) == 5
        assert "Validation: pass" in browser.find_element(By.ID, "verdict").text


def test_a_link_leads_nowhere(opened):
    browser, _ = opened
    lost = browser.execute_script("""
        return [...document.querySelectorAll("nav a")].filter(a => !document.querySelector(a.getAttribute("href")))
            .map(a => a.textContent);
    """)
    assert lost == []


def test_a_page_of_little_breaks(browser, model, tmp_path):
    from rfp_md.report import report

    report(model, tmp_path / "new.html")
    show(browser, tmp_path / "new.html", 375)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 375
    assert "never validated" in browser.execute_script("return document.getElementById('verdict').textContent")


def test_a_page_of_a_failure_breaks(browser, potential, tmp_path):
    from rfp_md.artifact import save
    from rfp_md.report import report
    from rfp_md.validation import record
    from tests.report import records

    path = tmp_path / "a_name_that_is_long_enough_to_leave_a_phone_on_the_right_hand_side_if_it_may.rfp"
    save(potential, path)
    record.add(path, {"nve": records.nve(5.0), "stability": records.stability(potential.reference, broken=True)})
    report(path, tmp_path / "bad.html", data=TEST)
    for scheme in ("light", "dark"):
        show(browser, tmp_path / "bad.html", 375, scheme)
        assert browser.get_log("browser") == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 375
        ratio, where = contrasts(browser)
        assert ratio >= 4.5, where
