"""Files that are absent, unreadable or damaged end in one sentence, whatever their format."""

import pytest

from mcnet.core.errors import McnetError
from mcnet.io.damage import check_is_file, damage_as_error


def test_a_folder_and_nothing_at_all_are_refused(tmp_path):
    with pytest.raises(McnetError, match=r"is a folder; give a scan in it \(or convert it\)\.$"):
        check_is_file(tmp_path, "a scan", hint=" (or convert it)")
    with pytest.raises(McnetError, match=r"absent.nii does not exist; give the path of a scan\.$"):
        check_is_file(tmp_path / "absent.nii", "a scan")
    (tmp_path / "scan.nii").touch()
    check_is_file(tmp_path / "scan.nii", "a scan")


@pytest.mark.parametrize("sentence", ["is damaged; copy it.", lambda: "is damaged; copy it."])
def test_the_errors_of_a_library_become_a_sentence(tmp_path, sentence):
    path = tmp_path / "scan.nii"
    with (
        pytest.raises(McnetError, match=r"scan.nii is damaged; copy it\.$") as caught,
        damage_as_error(path, (ValueError, EOFError), sentence),
    ):
        raise EOFError
    assert isinstance(caught.value.__cause__, EOFError)
    with (
        pytest.raises(McnetError, match=r"scan.nii cannot be read \(no\)"),
        damage_as_error(path, (OSError,), sentence),
    ):
        raise PermissionError(13, "No")


def test_other_errors_pass_unchanged(tmp_path):
    # McnetError is a ValueError: that of a reader is not taken for damage
    for error in (McnetError("the reader's own."), ZeroDivisionError("a bug")):
        with (
            pytest.raises(type(error), match=str(error)),
            damage_as_error(tmp_path, (ValueError,), "is damaged."),
        ):
            raise error
