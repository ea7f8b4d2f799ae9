from pathlib import Path

import pytest

from mcnet.core.errors import McnetError
from mcnet.experiments.config import experiment_toml, read_experiment

SMALL = """
title = "small"
[subjects]
n_template = 3
[motion]
n_generated = 4
"""

CROSSED = (
    SMALL
    + """n_test = 2
[variants.even]
training = { shared_traces = "even" }
[variants.odd]
training = { shared_traces = "odd" }
[[questions]]
ask = "?"
model = "even"
against = "odd"
crossed = true
"""
)


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "experiment.toml"
        path.write_text(text)
        return path

    return write


def test_what_the_file_leaves_out_is_the_papers(written):
    experiment = read_experiment(written(SMALL))
    assert experiment.acquisition.matrix == (128, 128, 128)
    assert experiment.acquisition.n_lines == 128
    assert experiment.motion.scale == 8
    assert (experiment.motion.within_mm, experiment.motion.within_deg) == (2, 2)
    assert (experiment.pairs.n_slices, experiment.pairs.spacing_mm) == (10, 5)
    assert experiment.pairs.modes == ("rotation", "rotation+translation")
    assert experiment.training.epochs == 100
    assert (experiment.loss.tv_target, experiment.loss.reduction) == ("residual", "mean")
    assert experiment.training.motion == "fixed"
    assert not experiment.equal_total
    assert set(experiment.recipes) == {"l1", "l1+tv", "l1+tv-ft", "l1-long", "mcnet"}


def test_writing_and_reading_gives_the_same_experiment(written, tmp_path):
    experiment = read_experiment(written(SMALL + "within_mm = 1.5\n[network]\nwidth = 6\n"))
    again = tmp_path / "again.toml"
    again.write_text(experiment_toml(experiment, tmp_path))
    assert read_experiment(again) == experiment
    assert experiment.network.width == 6


def test_relative_folders_start_at_the_file(written, tmp_path):
    text = 'title = "t"\n[subjects]\nfolders = ["heads", "/abs"]\n[motion]\nfolder = "traces"\n'
    experiment = read_experiment(written(text))
    assert [Path(folder) for folder in experiment.subjects.folders] == [
        tmp_path / "heads",
        Path("/abs"),
    ]
    assert Path(experiment.motion.folder) == tmp_path / "traces"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            SMALL + "[training]\nepoch = 3\n",
            r"training\.epoch is no setting; .* training\.epochs\?",
        ),
        (SMALL + "[trainin]\nepochs = 3\n", r"trainin is no setting"),
        (SMALL + "[training]\nepochs = 0\n", "epochs 0 is impossible"),
        (SMALL + '[training]\nepochs = "many"\n', r"training\.epochs is 'many'"),
        (SMALL + "[training]\nlearning_rate = -1.0\n", "learning_rate -1.0 is impossible"),
        (SMALL + '[acquisition]\norder = "zigzag"\n', "acquisition.order is 'zigzag'"),
        (SMALL + "[acquisition]\nmatrix = [128, 128]\n", r"acquisition\.matrix"),
        (SMALL + "[network]\nlevels = 0\n", "levels"),
        ('recipes = ["l2"]\n' + SMALL, "recipes .*l2.* cannot be trained"),
        ("recipes = []\n" + SMALL, "cannot be trained"),
        ('title = "t"\n', "both or neither of subjects"),
        (SMALL + 'folder = "also"\n', "both or neither of motion"),
        ("seed = 1\n" + SMALL.replace('title = "small"', ""), "title"),
        ("title = ", "not a readable TOML file"),
        (SMALL + "[pairs]\nmodes = []\n", "modes"),
        (SMALL + '[variants.mine]\nlike = "l2"\n', "'l2' is neither a recipe nor a variant"),
        (SMALL + "[variants.mine]\nlikes = 1\n", r"variants.*likes"),
        (SMALL + "[variants.mine.training]\nepoch = 3\n", r"did you mean epochs\?"),
        (SMALL + "[variants.registered]\n", "'registered' cannot be called so"),
        (SMALL + '[variants."a/b"]\n', "'a/b' cannot be called so"),
        (SMALL + "[training]\naverage = 1.0\n", "average 1.0 is no decay"),
        (SMALL + "[training]\nslices_per_epoch = -1\n", "slices_per_epoch -1 is impossible"),
        (SMALL + "[training]\ncurriculum_epochs = 1\n", "needs motion that is drawn anew"),
        (
            SMALL + '[[questions]]\nask = "?"\nmodel = "mine"\nagainst = "l1"\n',
            "'mine', which is neither trained",
        ),
        (SMALL + '[training]\nshared_traces = "some"\n', "shared_traces"),
        (SMALL + "[training]\nn_traces = -1\n", "n_traces -1 is impossible"),
        (
            SMALL + '[training]\nmotion = "generated"\nn_traces = 3\n',
            "generated motion has none",
        ),
        (
            CROSSED.replace('shared_traces = "odd"', 'shared_traces = "all"'),
            "share even and all test traces",
        ),
        (CROSSED.replace('against = "odd"', 'against = "registered"'), "share even and none"),
        (CROSSED.replace("n_test = 2", "n_test = 3"), "motion.n_test = 3"),
        (CROSSED.replace("n_test = 2", "shared = true\nn_test = 2"), "motion.shared = true"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(written, text, sentence):
    with pytest.raises(McnetError, match=sentence) as refused:
        read_experiment(written(text))
    assert "experiment.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_variants_and_questions_are_read_and_written_back(written, tmp_path):
    text = SMALL.replace("[subjects]", 'recipes = ["l1"]\nequal_total = true\n[subjects]', 1)
    text += """
[variants.wide]
like = "mcnet"
network = { width = 9 }

[[questions]]
ask = "Is wider better?"
model = "wide"
against = "l1"
"""
    experiment = read_experiment(written(text))
    assert experiment.models == ("l1", "wide")
    assert experiment.settings_of("wide").network.width == 9
    assert [planned.name for planned in experiment.stages.stages] == ["l1-x2", "wide--l1-x2"]
    (tmp_path / "again.toml").write_text(experiment_toml(experiment, tmp_path))
    assert read_experiment(tmp_path / "again.toml") == experiment


def test_a_crossed_question_is_read(written):
    experiment = read_experiment(written(CROSSED))
    assert [question.crossed for question in experiment.questions] == [True]
    assert experiment.settings_of("odd").training.shared_traces == "odd"


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(McnetError, match="does not exist"):
        read_experiment(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[1].glob("**/experiments/*.toml")))
def test_the_experiments_of_the_repository_are_valid(path):
    assert read_experiment(path).title
