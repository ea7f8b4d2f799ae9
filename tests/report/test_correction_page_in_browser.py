"""The page of a correction, used in headless Chromium: by mouse, by keys, in every width."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from corrected_scans import PROVENANCE, corrected_scan, left_scan

from mcnet.correction.outcome import CorrectedScan
from mcnet.report.correction_page import write_correction_page

pytestmark = pytest.mark.slow

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class Visit:
    """An open page and what it did besides."""

    page: Any
    address: str
    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield launched
        launched.close()


def visit(browser: Any, path: Path, result: CorrectedScan, **context: Any) -> Visit:
    source = f"/data/{'a-very-long-name' * 12}.nii.gz"
    write_correction_page(path, result, source=source, output=source, provenance=PROVENANCE)
    page = browser.new_page(viewport={"width": 1200, "height": 900}, **context)
    opened = Visit(page, path.as_uri())
    page.on("console", lambda message: opened.troubles.append(message.text))
    page.on("pageerror", lambda error: opened.troubles.append(str(error)))
    page.on("request", lambda request: opened.requests.append(request.url))
    page.goto(opened.address)
    return opened


@pytest.fixture
def opened(browser, tmp_path) -> Iterator[Visit]:
    found = visit(browser, tmp_path / "page.html", corrected_scan())
    yield found
    loaded = [url for url in found.requests if not url.startswith("data:")]
    found.page.close()
    assert found.troubles == []
    assert loaded == [found.address]


def split_of(page: Any, plane: str) -> float:
    """Percent of the picture's width that is before, as it is drawn."""
    clip = page.locator(f"#{plane} .layer.after").evaluate("e => getComputedStyle(e).clipPath")
    return float(clip.removesuffix(")").split()[-1].removesuffix("%"))


def test_dragging_parts_before_from_after_in_one_picture(opened):
    page = opened.page
    assert split_of(page, "coronal") == 50
    box = page.locator("#coronal .swipe").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 40)
    assert split_of(page, "coronal") == pytest.approx(20, abs=1)
    page.mouse.up()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 40)
    assert split_of(page, "coronal") == pytest.approx(20, abs=1)
    assert split_of(page, "axial") == 50


def test_keys_part_before_from_after(opened):
    page = opened.page
    split = page.get_by_label("axial: how much of the picture")
    split.focus()
    page.keyboard.press("ArrowRight")
    assert split_of(page, "axial") == 51
    page.keyboard.press("Home")
    assert split_of(page, "axial") == 0
    page.keyboard.press("End")
    assert split_of(page, "axial") == 100
    assert split.get_attribute("aria-valuetext") == "100 percent before"
    ring = page.locator("#axial .swipe").evaluate("e => getComputedStyle(e).outlineStyle")
    assert ring == "solid"


def test_every_control_is_reached_by_tab_in_the_order_of_the_page(opened):
    page, reached = opened.page, []
    for _ in range(9):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        reached.append(focused.get_attribute("aria-label") or focused.evaluate("e => e.tagName"))
    assert reached[0] == "INPUT"  # larger pictures
    for k, plane in enumerate(("sagittal", "coronal", "axial")):
        assert reached[1 + 2 * k] == f"{plane} slice"
        assert reached[2 + 2 * k].startswith(f"{plane}: how much of the picture")
    assert reached[7:] == ["SUMMARY", "SUMMARY"]


def test_the_slice_slider_changes_all_pictures_of_its_plane(opened):
    page = opened.page
    shown = page.locator("#sagittal .stage img:visible")
    assert shown.count() == 4  # before, after, difference, uncertainty
    first = [image.get_attribute("src") for image in shown.all()]
    others = page.locator("#axial .stage img:visible").first.get_attribute("src")
    label = page.locator("#sagittal output").inner_text()
    page.get_by_label("sagittal slice").focus()
    page.keyboard.press("ArrowRight")
    second = [image.get_attribute("src") for image in shown.all()]
    assert len(second) == 4
    assert not set(first) & set(second)
    moved = page.locator("#sagittal output").inner_text()
    assert moved != label
    assert all(f"slice at {moved}" in image.get_attribute("alt") for image in shown.all())
    assert page.locator("#axial .stage img:visible").first.get_attribute("src") == others


def test_pictures_have_the_proportions_of_the_head(opened):
    before = corrected_scan().before
    size = [n * mm for n, mm in zip(before.values.shape, before.voxel_size_mm, strict=True)]
    expected = {"sagittal": size[1] / size[2], "coronal": size[0] / size[2]}
    for larger in (False, True):
        opened.page.set_checked("#larger", larger)
        for plane, proportion in expected.items():
            box = opened.page.locator(f"#{plane} .stage").first.bounding_box()
            assert box["width"] / box["height"] == pytest.approx(proportion, rel=0.01)
    sagittal, coronal = (
        opened.page.locator(f"#{plane} .swipe").bounding_box() for plane in expected
    )
    assert sagittal["y"] + sagittal["height"] < coronal["y"]  # larger: below one another


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(browser, tmp_path, scheme):
    found = visit(browser, tmp_path / "page.html", corrected_scan(warnings=("Thick.",)),
                  color_scheme=scheme)  # fmt: skip
    pairs = (("body", "body"), (".soft", "body"), (".warnings h2", ".warnings"), ("dt", "body"))
    for text, ground in pairs:
        ink = luminance(found.page, text, "color")
        paper = luminance(found.page, ground, "backgroundColor")
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, (text, scheme)
    assert (luminance(found.page, "body", "backgroundColor") < 0.5) == (scheme == "dark")
    found.page.close()


def luminance(page: Any, selector: str, name: str) -> float:
    """Relative luminance of a computed colour, as WCAG defines it."""
    colour = page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{name}")
    parts = [float(part) / 255 for part in colour[4:-1].split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("width", [320, 760, 1600])
def test_nothing_overflows_sideways(opened, width):
    opened.page.set_viewport_size({"width": width, "height": 800})
    for summary in opened.page.locator("summary").all():
        summary.click()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert opened.page.evaluate(overflow) <= 0


def test_a_scan_left_as_it_was_has_slices_and_no_swipe(browser, tmp_path):
    found = visit(browser, tmp_path / "page.html", left_scan())
    assert found.page.locator(".swipe").count() == 0
    shown = found.page.locator("#coronal .stage img:visible")
    first = shown.get_attribute("src")
    found.page.get_by_label("coronal slice").focus()
    found.page.keyboard.press("Home")
    assert shown.get_attribute("src") != first
    assert found.troubles == []
    found.page.close()
