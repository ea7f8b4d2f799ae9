"""The pictures of docs/how-to/reader-study.md: python docs/how-to/reader-study/screenshots.py RUN.

RUN is a folder that `mcnet demo` wrote. Two studies are drawn from it, looked at in Chromium, and
read by simulated readers, for a report whose numbers mean nothing.
"""

import json
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from mcnet.reader_study.creating import create_study
from mcnet.reader_study.drawing import Drawing
from mcnet.reader_study.from_run import RunSource, run_source
from mcnet.reader_study.report import write_study_report
from mcnet.reader_study.schema import opened
from mcnet.reader_study.serving import listening, serve
from mcnet.reader_study.settings import Design
from mcnet.reader_study.study import Study, open_study

HERE = Path(__file__).parent
QUALITY = {"corrupted": 2.0, "registered": 2.1, "l1": 2.6, "l1+tv-ft": 2.7, "reference": 4.4}
"""What a simulated reader sees in a version on average."""


def main(run: Path) -> None:
    """Write every picture beside this file."""
    source = run_source(run)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for design in ("scores", "choice"):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            _looked_at(Path(folder) / design, source, design, page)
        study = open_study(Path(folder) / "scores")
        _read(study)
        page = browser.new_page(viewport={"width": 1180, "height": 1000})
        page.goto(write_study_report(Path(folder) / "report", study).as_uri())
        page.screenshot(path=HERE / "report.png")
        browser.close()


def _looked_at(folder: Path, source: RunSource, design: Design, page: Page) -> None:
    """Draw a study, and take a picture of its page after a few keys."""
    drawing = Drawing(design, n_cases=16, repeat_share=0.15)
    codes = create_study(folder, source, drawing)
    study, server = open_study(folder), listening("127.0.0.1", 0)
    threading.Thread(target=serve, args=(study, server), daemon=True).start()
    page.goto(f"http://127.0.0.1:{server.getsockname()[1]}")
    page.locator("#code").wait_for()
    if design == "scores":
        page.screenshot(path=HERE / "sign-in.png")
    page.locator("#code").fill(codes["reader-1"])
    page.keyboard.press("Enter")
    page.locator("#reading").wait_for()
    for keys in ("234", "345", "22") if design == "scores" else ("1", "2", "1"):
        page.keyboard.type(keys)
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
    page.screenshot(path=HERE / f"{design}.png")


def _read(study: Study) -> None:
    """Readings of simulated readers, who differ in how strict they are, in place of any there."""
    rng = np.random.default_rng(1)
    with opened(study.readings) as connection:
        connection.execute("DELETE FROM readings")
        shown = connection.execute(
            "SELECT showings.id, reader, place, item, version FROM showings "
            "JOIN items ON items.number = item JOIN images ON images.number = first"
        ).fetchall()
        of_item = dict(enumerate(rng.normal(scale=0.5, size=1 + max(row["item"] for row in shown))))
        for row in shown:
            seen = QUALITY[row["version"]] + of_item[row["item"]] - 0.3 * (row["reader"] - 1)
            connection.execute(
                "INSERT INTO readings VALUES (?, ?, ?, ?, '2026-01-01')",
                (row["id"], row["reader"], row["place"], json.dumps(_answer(study, seen, rng))),
            )


def _answer(study: Study, seen: float, rng: np.random.Generator) -> dict[str, Any]:
    return {
        criterion.name: int(np.clip(round(seen + rng.normal(scale=0.4)), 1, 5))
        for criterion in study.settings.criteria
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
