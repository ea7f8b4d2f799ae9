"""The words of a study: written, edited, read back, and refused where they do not serve."""

import pytest

from mcnet.core.errors import McnetError
from mcnet.reader_study.settings import (
    CRITERIA,
    Criterion,
    StudySettings,
    read_study_settings,
    write_study_settings,
)

LABELS = ("a", "b", "c", "d", "e")


def test_words_come_back_as_they_were_written(tmp_path):
    settings = StudySettings(title="Köpfe <&>", criteria=(Criterion("ghosts", "How?", LABELS),))
    write_study_settings(tmp_path / "study.toml", settings)
    assert read_study_settings(tmp_path / "study.toml") == settings


def test_the_default_scales_run_from_the_worst_to_the_best():
    assert [criterion.name for criterion in CRITERIA] == [
        "motion artefact",
        "sharpness",
        "diagnostic usability",
    ]
    assert [(c.labels[0], c.labels[-1]) for c in CRITERIA] == [
        ("severe", "none"),
        ("very blurred", "very sharp"),
        ("unusable", "excellent"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('titel = "x"', "titel is no setting; did you mean title?"),
        ('[[criteria]]\nname = "a"\nquestion = "?"\nlabels = ["x"]', "has 1 labels; give it"),
        ("criteria = []", "the criteria are none; give one or more"),
        ("title = 3", "title is 3"),
        ("title = ", "is not a readable TOML file"),
    ],
)
def test_words_that_do_not_serve_are_refused(tmp_path, text, told):
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(McnetError, match=told.replace("?", r"\?")):
        read_study_settings(tmp_path / "study.toml")


def test_criteria_of_one_name_are_refused():
    with pytest.raises(McnetError, match="each with a name of its own"):
        StudySettings(criteria=(Criterion("a", "?", LABELS),) * 2)
