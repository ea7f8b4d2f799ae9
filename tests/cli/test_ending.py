"""What is told of an error, with --debug and without."""

import logging
import os

import pytest
from fresh_process import in_a_fresh_process

from mcnet.cli.ending import debugging
from mcnet.cli.main import main


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch):
    monkeypatch.delenv("MCNET_DEBUG", raising=False)


def failing(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_an_error_is_a_sentence_and_no_more(capsys):
    told = failing(capsys, "compare", "no.nii", "none.nii")
    assert told.startswith("mcnet: no.nii does not exist")
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("--debug", "compare", "no.nii", "none.nii"),
        ("compare", "--debug", "no.nii", "none.nii"),
        ("compare", "no.nii", "none.nii", "--debug"),
    ],
)
def test_with_debug_the_traceback_follows_the_sentence(capsys, words):
    told = failing(capsys, *words)
    assert told.startswith("mcnet: no.nii does not exist")
    assert "Traceback (most recent call last)" in told
    assert "first_checks.py" in told
    assert "BadFileError" in told


def test_what_is_logged_is_shown_with_debug_alone(capsys):
    logger = logging.getLogger("mcnet.correction.models")
    with debugging(False):
        logger.info("the model is chosen")
    assert capsys.readouterr().err == ""
    with debugging(True):
        logger.info("the model is chosen")
        assert os.environ["MCNET_DEBUG"] == "1"  # for the processes that are started meanwhile
    assert capsys.readouterr().err == "mcnet.correction.models: the model is chosen\n"
    assert "MCNET_DEBUG" not in os.environ
    logger.info("the model is chosen")
    assert capsys.readouterr().err == ""


def test_a_process_of_a_training_shows_the_traceback_if_the_command_does(
    capsys, tmp_path, monkeypatch
):
    from mcnet.cli.training import _process

    def told():
        with pytest.raises(SystemExit):
            _process(tmp_path / "none.toml", tmp_path / "run", None, 2)
        return capsys.readouterr().err

    assert "Traceback" not in told()
    monkeypatch.setenv("MCNET_DEBUG", "1")
    assert "Traceback" in told()


def test_the_help_tells_of_the_flag():
    ((status, _, loaded, printed),) = in_a_fresh_process(["--help"])
    assert status == 0
    assert "--debug" in printed
    assert not loaded.intersection({"torch", "scipy", "nibabel", "numpy"})


def test_the_record_names_the_command_without_the_flag(tmp_path, monkeypatch):
    from mcnet.core import provenance

    seen = []
    monkeypatch.setitem(
        __import__("mcnet.cli.main", fromlist=["COMMANDS"]).COMMANDS,
        "models",
        lambda: seen.append(provenance.command()),
    )
    main(["--debug", "models"])
    assert seen == ["mcnet models"]
