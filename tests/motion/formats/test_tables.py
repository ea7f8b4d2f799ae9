"""Text tables of numbers: how lines are told apart, and how faults are told."""

from pathlib import Path

import pytest

from mcnet.core.errors import McnetError
from mcnet.motion.formats.tables import read_text_table


@pytest.mark.parametrize("separator", ["\t", ",", ";", "  "])
def test_fields_are_split_and_lines_keep_their_numbers(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "table.txt"
    path.write_text(f"# a comment\na{separator}b\n\n1{separator}-2.5\n")
    table = read_text_table(path)
    assert table.header == ("a", "b")
    assert table.line_numbers == (2, 4)
    assert table.without_header().numbers([1, 0], ["b", "a"]).tolist() == [[-2.5, 1]]


def test_an_endless_field_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n1," + "7" * 140_000 + "\n")
    with pytest.raises(McnetError, match="line 3 is no row of a table .*field larger"):
        read_text_table(path)


def test_what_is_no_number_is_shown_in_part(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("1 2\n" + "7" * 20_000 + " 2\n")
    with pytest.raises(McnetError, match="line 2: '7{40}' found for a, where"):
        read_text_table(path).numbers([0], ["a"])


def test_lines_of_another_length_than_the_first_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("1 2 3\n1 2 3\n\n1 2 3 4\n")
    with pytest.raises(McnetError, match="line 4: 4 columns found, where the first line has 3"):
        read_text_table(path).check_even()
    path.write_text("1 2 3\n1 2 3\n")
    read_text_table(path).check_even()


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", forbidden)
    with pytest.raises(McnetError, match=r"a.csv cannot be read \(permission denied\)"):
        read_text_table(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("1,5 -,25 3\n", [1.5, -0.25, 3]),  # decimal commas
        ("1.5 -.25\t 3\t\n", [1.5, -0.25, 3]),  # stray tabs
        ("1,5;-0,25;3e-1\n", [1.5, -0.25, 0.3]),
        ("1, 5, 3\n", [1, 5, 3]),  # commas between fields
        ("1,5,3\n", [1, 5, 3]),
    ],
)
def test_numbers_without_a_header_are_told_apart(
    tmp_path: Path, text: str, fields: list[float]
) -> None:
    path = tmp_path / "table.txt"
    path.write_text(text)
    assert read_text_table(path).numbers([0, 1, 2], "abc").tolist() == [fields]


def test_an_empty_field_between_tabs_under_a_header_stays_a_field(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text("a\tb\tc\n1\t\t3\n")
    with pytest.raises(McnetError, match="line 2: '' found for b"):
        read_text_table(path).without_header().numbers([0, 1], ["a", "b"])


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,a,c,c\n1,2,3,4,5\n")
    with pytest.raises(McnetError, match="has 2 columns named a; one was expected"):
        read_text_table(path).check_named_once(["b", "a"])
    read_text_table(path).check_named_once(["b", "d"])
