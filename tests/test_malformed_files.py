"""Whatever a file holds, a command tells in a sentence what is wrong, or does its work."""

import os
from pathlib import Path

import pytest
from malformed import failures
from malformed_inputs import write_inputs

N_TRIALS = int(os.environ.get("MCNET_MALFORMED", "300"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_inputs(tmp_path_factory.mktemp("whole") / "inputs")


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_no_file_ends_in_a_traceback_a_signal_or_a_wait(whole: Path) -> None:
    assert list(failures(N_TRIALS, 0, whole)) == []
