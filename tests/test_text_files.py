"""Text is written in one way: in UTF-8, whatever names stand in it."""

import ast
from pathlib import Path

import pytest

import mcnet
from mcnet.core.writing import printable, read_json, write_json, write_text

NAME = "caf\udce9 ü"
SOURCES = sorted(Path(mcnet.__file__).parent.rglob("*.py"))


def test_a_text_with_a_name_that_is_no_utf8_is_written_as_utf8(tmp_path):
    write_text(tmp_path / "a.txt", NAME)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == r"caf\udce9 ü" == printable(NAME)


def test_json_gives_such_a_name_back(tmp_path):
    write_json(tmp_path / "a.json", {NAME: [NAME]})
    (tmp_path / "a.json").read_bytes().decode("ascii")
    assert read_json(tmp_path / "a.json") == {NAME: [NAME]}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_texts_are_opened_with_an_encoding_and_tables_written_by_write_text(source):
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = {keyword.arg for keyword in node.keywords}
        place = f"{source}:{node.lineno}"
        if node.func.attr in ("read_text", "write_text"):
            assert "encoding" in named, place
        if node.func.attr == "to_csv":
            assert not node.args, f"{place}: give the text to write_text"
        if node.func.attr == "open" and not node.args:
            assert "encoding" in named, place
