"""A whole study in headless Chromium: two readers at once, tabs closed, the server killed."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from drawn_studies import DrawnSource, Server, drawn_study, served, started

pytestmark = pytest.mark.slow

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
CURRENT = "document.body.dataset.showing"
LATENCIES = "performance.getEntriesByName('case shown').map((entry) => entry.duration)"
SOON_MS = 200


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield launched
        launched.close()


@dataclass
class Desk:
    """A reader's browser profile, its open page, and what went wrong or elsewhere in it."""

    context: Any
    address: str
    page: Any = None
    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self) -> Any:
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.address)
        return self.page

    def sign_in(self, code: str) -> Any:
        self.open()
        self.page.wait_for_selector("#sign-in:not([hidden])")
        self.page.keyboard.type(code)
        self.page.keyboard.press("Enter")
        return self.reading()

    def reading(self) -> Any:
        self.page.wait_for_selector("#reading:not([hidden])")
        return self.page

    def read(self, keys: str = "345") -> None:
        """One image, by keys alone."""
        before = self.page.evaluate(CURRENT)
        self.page.keyboard.type(keys)
        self.page.keyboard.press("Enter")
        self.page.wait_for_function(
            f"before => {CURRENT} !== before || !document.querySelector('#finished').hidden",
            arg=before,
        )


@pytest.fixture
def desk_of(browser):
    """A desk of its own for every address; at the end nothing may have gone wrong there."""
    desks = []

    def make(server, **context) -> Desk:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **context)
        desks.append(Desk(context, server.address))
        return desks[-1]

    yield make
    for desk in desks:
        desk.context.close()
        assert desk.troubles == []
        hosts = {urlsplit(url).netloc for url in desk.requests}
        assert hosts == {urlsplit(desk.address).netloc}


def readings(study):
    with closing(sqlite3.connect(study.readings)) as connection:
        return connection.execute("SELECT reader, place, answer FROM readings").fetchall()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers, none of which outlives the test."""
    servers = []

    def make(*args, **kwargs) -> Server:
        servers.append(started(*args, **kwargs))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


def pixels(page, side=0):
    """What is drawn, at an eighth of its size: grey levels of a canvas."""
    script = """side => {
      const canvas = document.querySelectorAll('canvas')[side];
      const small = new OffscreenCanvas(canvas.width >> 3, canvas.height >> 3);
      const context = small.getContext('2d');
      context.drawImage(canvas, 0, 0, small.width, small.height);
      const data = context.getImageData(0, 0, small.width, small.height).data;
      return [small.width, small.height, Array.from(data.filter((_, k) => k % 4 === 0))];
    }"""
    width, height, greys = page.evaluate(script, side)
    return np.array(greys, dtype=float).reshape(height, width)


def test_two_readers_read_a_study_with_closed_tabs_and_a_killed_server(desk_of, start, tmp_path):
    """Every reading is there, once, whatever happened between."""
    study, codes = drawn_study(tmp_path / "study", source=DrawnSource(n_cases=3))
    server = start(study.folder)
    desks = [desk_of(server) for _ in codes]
    for desk, code in zip(desks, codes, strict=True):
        desk.sign_in(code)
    n_all = 10  # 3 cases, 3 versions, 1 repeat
    for k in range(n_all):
        for desk, keys in zip(desks, ("345", "512"), strict=True):
            if k == 3:  # a tab is closed in the middle of an answer, which is there in the next
                desk.page.keyboard.type(keys[0])
                desk.page.close()
                desk.open()
                desk.reading()
                assert desk.page.locator("fieldset :checked").count() == 1
            desk.read(keys)
        if k == 5:  # killed while both are about to answer; both press on without it
            server.kill()
            for desk, keys in zip(desks, ("345", "512"), strict=True):
                desk.page.keyboard.type(keys)
                desk.page.keyboard.press("Enter")
                desk.page.wait_for_function(
                    "() => document.querySelector('#status').textContent.includes('not answer')"
                )
            before = [desk.page.evaluate(CURRENT) for desk in desks]
            server = start(study.folder, port=urlsplit(desks[0].address).port)
            for desk, showing in zip(desks, before, strict=True):
                desk.page.wait_for_function(f"before => {CURRENT} !== before", arg=showing)
        if k + 1 + (k >= 5) == n_all:
            break
    for desk in desks:
        desk.page.wait_for_selector("#finished:not([hidden])")
    server.kill()
    assert sorted((reader, place) for reader, place, _ in readings(study)) == [
        (reader, place) for reader in (1, 2) for place in range(n_all)
    ]
    answers = {(reader, answer) for reader, _, answer in readings(study)}
    assert answers == {
        (1, '{"diagnostic usability": 5, "motion artefact": 3, "sharpness": 4}'),
        (2, '{"diagnostic usability": 2, "motion artefact": 5, "sharpness": 1}'),
    }


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """A served study of volumes for many readers, a code for each test."""
    folder = tmp_path_factory.mktemp("volumes") / "study"
    source = DrawnSource(n_cases=8, shape=(9, 61, 47))
    study, codes = drawn_study(folder, source=source, n_readers=9, repeat_share=0.0)
    with served(folder) as server:
        yield study, iter(codes), server


@pytest.fixture
def desk(desk_of, volumes):
    _, codes, server = volumes
    found = desk_of(server)
    found.sign_in(next(codes))
    return found


def test_each_image_shows_soon_after_the_key(desk):
    for _ in range(12):
        desk.read()
    latencies = desk.page.evaluate(LATENCIES)[1:]  # the first one was not fetched ahead
    assert len(latencies) == 12
    assert np.median(latencies) < SOON_MS
    assert np.sort(latencies)[-2] < 2 * SOON_MS  # other tests run beside this one


def test_two_tabs_of_one_reader_save_each_image_once(desk, volumes):
    first = desk.page
    second = desk.open()
    desk.reading()
    shown = second.evaluate(CURRENT)
    assert first.evaluate(CURRENT) == shown
    for page in (first, second):
        page.keyboard.type("345" if page is first else "111")
    n_before = len(readings(volumes[0]))
    first.keyboard.press("Enter")
    first.wait_for_function(f"before => {CURRENT} !== before", arg=shown)
    second.keyboard.press("Enter")
    second.wait_for_function(f"before => {CURRENT} !== before", arg=shown)
    assert "another tab" in second.locator("#status").inner_text()
    assert second.evaluate(CURRENT) == first.evaluate(CURRENT)
    saved = readings(volumes[0])[n_before:]
    assert len(saved) == 1
    assert '"sharpness": 4' in saved[0][2]


def test_a_key_pressed_twice_is_one_answer(desk, volumes):
    n_before = len(readings(volumes[0]))
    desk.page.keyboard.type("345")
    for _ in range(3):
        desk.page.keyboard.press("Enter")
    desk.page.wait_for_function("() => document.querySelector('#count').textContent === '1 of 24'")
    desk.page.wait_for_timeout(200)
    assert desk.page.locator("#count").inner_text() == "1 of 24"
    assert len(readings(volumes[0])) == n_before + 1


def test_trouble_is_told_and_nothing_but_the_answer_is_saved(desk, volumes):
    n_before, shown = len(readings(volumes[0])), desk.page.evaluate(CURRENT)
    # both at once: a browser that just stopped to intercept may let a request through
    desk.page.route("**/api/undo", lambda route: route.fulfill(status=404, json={}))
    desk.page.route("**/api/readings", lambda route: route.fulfill(status=500))
    desk.page.keyboard.type("345")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_function(
        "() => document.querySelector('#status').textContent.includes('in trouble; trying again')"
    )
    desk.page.unroute("**/api/readings")
    desk.page.wait_for_function(f"shown => {CURRENT} !== shown", arg=shown)
    assert desk.page.locator("#status").inner_text() == ""
    assert len(readings(volumes[0])) == n_before + 1

    # as when somebody else has signed in with this browser
    desk.page.keyboard.press("u")
    desk.page.wait_for_function(
        "() => document.querySelector('#status').textContent.includes('Nothing was undone')"
    )
    assert desk.page.locator("#reading").is_visible()


def test_undo_brings_back_the_last_image_with_its_answer(desk, volumes):
    n_before = len(readings(volumes[0]))
    first = desk.page.evaluate(CURRENT)
    desk.read("345")
    desk.page.keyboard.press("u")
    desk.page.wait_for_function(f"first => {CURRENT} === first", arg=first)
    chosen = desk.page.locator("fieldset :checked").evaluate_all("all => all.map(e => e.value)")
    assert chosen == ["3", "4", "5"]
    assert len(readings(volumes[0])) == n_before
    desk.page.keyboard.press("2")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_function(f"first => {CURRENT} !== first", arg=first)
    assert '"motion artefact": 2' in readings(volumes[0])[-1][2]


def test_arrows_choose_question_and_score(desk):
    page = desk.page
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")  # begins in the middle
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("1")
    chosen = page.locator("fieldset :checked").evaluate_all("all => all.map(e => e.value)")
    assert chosen == ["1", "4"]
    assert page.locator("fieldset.active legend").inner_text().startswith("How sharp")
    assert page.locator("#save").is_disabled()


def test_keys_window_zoom_move_and_scroll_as_the_mouse_does(desk):
    page = desk.page
    first = pixels(page)
    assert page.locator("#frame").inner_text() == "slice 5 of 9"

    page.keyboard.press("w")
    assert pixels(page).mean() > first.mean() + 2
    page.keyboard.press("r")
    assert np.array_equal(pixels(page), first)
    page.keyboard.press("a")
    assert 0 < pixels(page)[first > 0].std() < first[first > 0].std()
    page.keyboard.press("r")
    page.keyboard.press("+")
    assert (pixels(page) > 60).sum() > 1.2 * (first > 60).sum()
    page.keyboard.press("r")
    page.keyboard.press("Shift+ArrowRight")
    assert centre(pixels(page))[1] > centre(first)[1] + 3
    page.keyboard.press("r")
    page.keyboard.press("PageDown")
    assert page.locator("#frame").inner_text() == "slice 6 of 9"
    assert not np.array_equal(pixels(page), first)
    page.keyboard.press("PageUp")

    box = page.locator("canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, 100)
    assert page.locator("#frame").inner_text() == "slice 6 of 9"
    page.mouse.wheel(0, -100)
    page.mouse.down()
    page.mouse.move(x, y - 60, steps=3)
    page.mouse.up()
    assert pixels(page).mean() > first.mean() + 2
    page.mouse.dblclick(x, y)
    assert np.array_equal(pixels(page), first)
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(x + 80, y, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert centre(pixels(page))[1] > centre(first)[1] + 3


def centre(image):
    """Row and column of the middle of what is bright."""
    rows, columns = np.nonzero(image > 60)
    return rows.mean(), columns.mean()


def test_pixels_have_their_true_proportions(desk):
    rows, columns = np.nonzero(pixels(desk.page) > 60)
    height, width = np.ptp(rows), np.ptp(columns)
    # 54 pixels of 1.5 mm by 40 of 1.25 mm: the head that is drawn
    assert height / width == pytest.approx(54 * 1.5 / (40 * 1.25), rel=0.05)


def test_help_opens_and_keys_do_nothing_behind_it(desk):
    page = desk.page
    page.keyboard.press("h")
    assert page.locator("#help").is_visible()
    page.keyboard.press("3")
    assert page.locator("fieldset :checked").count() == 0
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_nothing_overflows_sideways_and_text_stands_out(desk_of, volumes):
    page = desk_of(volumes[2]).open()
    page.wait_for_selector("#sign-in:not([hidden])")
    page.evaluate("document.querySelector('#reading').hidden = false")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (360, 900, 1600):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate(overflow) <= 0, width
    for text, ground in ((".soft", ".card"), ("#instructions", "#answers"), ("#count", "header")):
        ink = luminance(page, text, "color")
        paper = luminance(page, ground, "backgroundColor")
        assert (ink + 0.05) / (paper + 0.05) >= 4.5, text
        assert paper < 0.05  # dark


def luminance(page, selector, name):
    """Relative luminance of a computed colour, as WCAG defines it."""
    colour = page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{name}")
    parts = [float(part) / 255 for part in colour[4:-1].split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_server_that_does_not_answer_and_a_wrong_code_are_told(desk_of, volumes):
    page = desk_of(volumes[2]).open()
    page.route("**/api/sign-in", lambda route: route.abort())
    page.fill("#code", "AAAA-AAAA-AAAA-AAAA")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sign-in .status:has-text('does not answer')")
    page.unroute("**/api/sign-in")
    page.wait_for_function(
        "() => document.querySelector('#sign-in-trouble').textContent.includes('wrong or was used')"
    )
    assert page.locator("#sign-in").is_visible()
    assert page.locator("#reading").is_hidden()


def test_a_choice_is_made_by_arrows_and_both_images_move_together(desk_of, tmp_path):
    study, codes = drawn_study(tmp_path / "choice", design="choice", source=DrawnSource(n_cases=2))
    with served(study.folder) as server:
        desk = desk_of(server)
        page = desk.sign_in(codes[0])
        before = [pixels(page, side) for side in (0, 1)]
        assert not np.array_equal(*before)
        page.keyboard.press("+")
        assert all(not np.array_equal(pixels(page, side), before[side]) for side in (0, 1))
        for key, choice in (("ArrowLeft", 1), ("ArrowRight", 2)):
            shown = page.evaluate(CURRENT)
            page.keyboard.press(key)
            assert page.locator(".pane.chosen").get_attribute("data-side") == str(choice - 1)
            page.keyboard.press("Enter")
            page.wait_for_function(f"before => {CURRENT} !== before", arg=shown)
    assert [answer for _, _, answer in readings(study)] == ['{"choice": 1}', '{"choice": 2}']
