"""What every refusal of a DICOM series is held to."""

from pathlib import Path

import pytest

from mcnet.core.errors import McnetError
from mcnet.io.dicom.series import read_series


def expect_refused(folder: Path, sentence: str) -> None:
    """The series is refused in one sentence that begins with its folder."""
    with pytest.raises(McnetError, match=sentence) as caught:
        read_series(folder)
    assert str(caught.value).startswith(str(folder))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
