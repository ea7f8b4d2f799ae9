"""The report of a study: whole, self-contained, the same twice, and honest when little is read."""

import json
import re

import pytest
from drawn_studies import DrawnSource, drawn_study, read_by

from mcnet.core.errors import McnetError
from mcnet.reader_study.readings import progress_of, save_reading
from mcnet.reader_study.report import write_study_report
from mcnet.reader_study.schema import opened
from mcnet.reader_study.settings import CRITERIA, StudySettings

ONE = StudySettings(criteria=CRITERIA[:1])
ANSWER = {"motion artefact": 3}


def by_version(shown):
    worst = {"corrupted": 1, "l1": 2, "reference": 4}[shown["version"]]
    return {"motion artefact": worst + (shown["case"] + shown["reader"]) % 2}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    made, _ = drawn_study(
        tmp_path_factory.mktemp("made") / "study", source=DrawnSource(n_cases=9), settings=ONE
    )
    read_by(made, by_version)
    return made


@pytest.fixture(scope="module")
def report(study):
    return write_study_report(study.folder / "report", study).parent


@pytest.mark.slow
def test_every_table_and_figure_is_there(report):
    assert {path.name for path in report.iterdir()} == {
        *("report.html", "report.json"),
        *(f"{name}.csv" for name in ("readings", "scores", "severity", "differences")),
        *("agreement.csv", "metrics.csv"),
        *(
            f"{name}.{kind}"
            for name in ("scores", "severity", "metrics")
            for kind in ("png", "svg")
        ),
    }


def test_the_page_loads_nothing_and_says_once_what_mcnet_is_not(report):
    page = (report / "report.html").read_text()
    assert page.count("research tool, not a medical device") == 1
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "<script" not in page


def test_the_page_shows_the_numbers_of_the_tables(report):
    page = (report / "report.html").read_text()
    for words in ("motion artefact, points above corrupted: l1 +1.00", "reader-2", "ICC"):
        assert words in page, words


@pytest.mark.slow
def test_the_same_readings_give_the_same_bytes(study, report, tmp_path):
    again = write_study_report(tmp_path / "again", study).parent
    for path in report.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_record_tells_readings_apart(study, report, tmp_path):
    about = json.loads((report / "report.json").read_text())
    assert len(about["readings_sha256"]) == 64
    assert set(about["inputs_sha256"]) == {"study.json", "study.toml"}
    assert about["seed"] == 1


@pytest.mark.slow
def test_a_study_that_is_just_begun_has_a_report(tmp_path):
    study, _ = drawn_study(tmp_path / "study", settings=ONE)
    with opened(study.readings) as connection:
        for _ in range(2):
            save_reading(connection, 1, progress_of(connection, 1).current.id, ANSWER)
        page = write_study_report(tmp_path / "report", study)
    assert "2 of 20" in page.read_text()
    assert "0 of 20" in page.read_text()


def test_a_choice_that_is_just_begun_has_a_report(tmp_path):
    study, _ = drawn_study(tmp_path / "study", design="choice")
    with opened(study.readings) as connection:
        save_reading(connection, 1, progress_of(connection, 1).current.id, {"choice": 1})
    assert "was preferred to" in write_study_report(tmp_path / "report", study).read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_alike", "share", "interval"), [(2, 50, "15 to 85"), (4, 100, "51 to 100")]
)
def test_four_pairs_show_no_metric_and_no_version_to_be_better(tmp_path, n_alike, share, interval):
    """Metrics prefer the second version in all of them, the reader in so many."""
    source = DrawnSource(n_cases=4, versions=("corrupted", "l1"), n_subjects=4)
    study, _ = drawn_study(
        tmp_path / "study", source=source, design="choice", n_readers=1, repeat_share=0.0
    )

    def answer_of(shown):
        prefers_second = shown["case"] < n_alike
        return {"choice": 2 if prefers_second != bool(shown["is_mirrored"]) else 1}

    read_by(study, answer_of)
    page = write_study_report(tmp_path / "report", study).read_text()
    for told in (
        f"l1 was preferred to corrupted in {share} % of 4 choices (95 % interval {interval} %, "
        "4 cases, too few readings to tell)",
        "Too few readings to tell whether any metric orders versions by choice as readers did",
        f"in {share} % of 4 pairs (95 % interval {interval} %, 4 cases)",
        "reader-1 alone has read",
    ):
        assert told in page, told
    assert "most like" not in page


@pytest.mark.slow
def test_a_study_without_references_has_a_report_without_metrics(tmp_path):
    class Unmeasured(DrawnSource):
        def images(self, chosen):
            from dataclasses import replace

            yield from (replace(images, metrics={}) for images in super().images(chosen))

    study, _ = drawn_study(tmp_path / "study", source=Unmeasured(), settings=ONE)
    read_by(study, by_version)
    page = write_study_report(tmp_path / "report", study).read_text()
    assert "Which metric" not in page


def test_nothing_read_yet_is_told(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    with pytest.raises(McnetError, match="has no readings yet; let readers read"):
        write_study_report(tmp_path / "report", study)
    assert not (tmp_path / "report").exists()


def test_what_is_no_report_is_not_replaced(study, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.json").write_text('{"kind": "of somebody"}')
    with pytest.raises(McnetError, match="holds no report of a reader study"):
        write_study_report(tmp_path / "mine", study)


@pytest.mark.slow
def test_a_report_is_replaced_by_a_new_one(tmp_path):
    study, _ = drawn_study(tmp_path / "study", design="choice")
    read_by(study, lambda _: {"choice": 1})
    page = write_study_report(tmp_path / "report", study)
    assert write_study_report(tmp_path / "report", study).is_file()
    (page.parent / "notes.txt").write_text("of somebody")
    with pytest.raises(McnetError, match="or other files beside it"):
        write_study_report(tmp_path / "report", study)
    assert (page.parent / "notes.txt").exists()
