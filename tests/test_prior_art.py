"""The prior-art page: its modules exist, and its citations and references belong together."""

import re
import unicodedata

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "prior-art.md"
TEXT = PAGE.read_text(encoding="utf-8")
BODY, LISTED = TEXT.split("\n## References\n")
KEYS = re.findall(r"^- \*\*(.+?)\*\*: ", LISTED, re.MULTILINE)
NAME = r"[A-Z][\w-]+"


def plain(key: str) -> str:
    """Small letters without accents, by which references are ordered."""
    return unicodedata.normalize("NFD", key.lower()).encode("ascii", "ignore").decode()


def table_rows() -> list[list[str]]:
    """Cells of the table, without its heading."""
    lines = [line for line in BODY.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_row_has_four_cells():
    assert len(table_rows()) > 20
    assert {len(row) for row in table_rows()} == {4}


@pytest.mark.parametrize("path", sorted({row[0].split("`")[1] for row in table_rows()}))
def test_the_modules_of_the_table_are_there(path):
    assert (ROOT / "src" / "mcnet" / path).exists()


def test_modules_named_in_the_text_are_there():
    source = ROOT / "src" / "mcnet"
    for path in re.findall(r"`([\w/]+\.py)`", BODY):
        assert (source / path).exists() or list(source.glob(f"*/{path}")), path


def test_each_citation_has_its_reference():
    cited = set(re.findall(rf"\b({NAME} (?:19|20)\d\d)\b", " ".join(BODY.split())))
    assert cited - set(KEYS) == set()


def test_each_reference_is_cited_and_listed_once_in_order():
    text = " ".join(BODY.split())
    assert [key for key in KEYS if key not in text] == []
    assert sorted(set(KEYS), key=plain) == KEYS


def test_references_end_without_a_stop_so_that_identifiers_can_be_copied():
    for item in re.split(r"^- ", LISTED.strip(), flags=re.MULTILINE)[1:]:
        assert not item.strip().endswith("."), item


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
