"""The feed in a browser, from a page of another site: a board in a frame, a badge, the documented example."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.test_accessibility import assert_accessible
from tests.conftest import ROOT


class Handler(BaseHTTPRequestHandler):
    """Answers everything with one page."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.body if self.path == "/" else b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def other_site(page: Page, filled_url: str) -> Iterator[Page]:
    """A page of another site that has a board in a frame and a badge.

    It is served from this machine: browsers keep pages from elsewhere away from it.
    """
    board = page.request.get(f"{filled_url}/feed/v1/leaderboards/overall.json").json()
    body = f"""<!doctype html><html lang="en"><title>Another site</title>
        <iframe src="{filled_url}/embed/leaderboard/overall?top=3&theme=dark" width="400" height="300"></iframe>
        <img src="{filled_url}/badge/{board["entries"][0]["model"]}.svg" alt="badge">"""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Page", (Handler,), {"body": body.encode()})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page.goto(f"http://localhost:{server.server_port}/")
        yield page
        server.shutdown()
        thread.join()


def test_board_stands_in_a_frame_of_another_site(other_site: Page, filled_url: str) -> None:
    said: list[ConsoleMessage] = []
    other_site.on("console", lambda message: said.append(message))
    other_site.reload()
    frame = other_site.frame_locator("iframe")
    expect(frame.locator("tbody tr")).to_have_count(3)
    expect(frame.get_by_role("link", name="Overall")).to_be_visible()
    expect(frame.locator("html")).to_have_css("background-color", "rgb(20, 22, 26)")
    assert other_site.evaluate("() => document.querySelector('img').naturalWidth") > 50
    assert other_site.context.cookies() == []
    assert [message.text for message in said if message.type in ("error", "warning")] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_embedded_board_is_accessible_and_narrow(browser: Browser, filled_url: str, theme: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 400}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{filled_url}/embed/leaderboard/overall?theme={theme}")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    assert_accessible(page)
    context.close()


def test_board_fills_the_width_of_its_frame(page: Page, filled_url: str) -> None:
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto(f"{filled_url}/embed/leaderboard/overall?top=3")
    assert page.evaluate("() => document.body.clientWidth") == 400


def test_script_of_another_site_reads_the_feed(other_site: Page, filled_url: str) -> None:
    """The documented example as it stands, and again with what makes a browser ask for permission first."""
    example = re.search(r"```js\n(.*?)```", (ROOT / "docs" / "feed.md").read_text("utf-8"), flags=re.DOTALL)
    assert example
    script = example[1].replace("http://localhost:8080", filled_url).replace("simulated", "overall")
    board = other_site.evaluate(f"async () => {{ {script} return board; }}")
    assert board["category"] == "overall"
    known = """async (address) => {
        const first = await fetch(address, { cache: "no-store" });
        const headers = { "If-None-Match": first.headers.get("ETag") };
        return (await fetch(address, { headers, cache: "no-store" })).status;
    }"""
    assert other_site.evaluate(known, f"{filled_url}/feed/v1/leaderboards/overall.json") == 304
