"""Settings whose values are of another kind than is expected: a sentence, whatever stands there."""

import pytest

from mcnet.core.errors import McnetError
from mcnet.core.seeds import MAX_SEED, check_seed
from mcnet.core.settings import read_settings
from mcnet.experiments.config import Experiment
from mcnet.reader_study.settings import StudySettings
from mcnet.training.shipped.corrector import Corrector


@pytest.mark.parametrize(
    ("kind", "content", "sentence"),
    [
        (Experiment, "subjects = 3", r"subjects is 3; expected a table of settings, \[subjects\]"),
        (Experiment, "subjects = [1, 2]", "subjects is a list; expected a table of settings"),
        (Experiment, "network = 3", r"network is 3; expected a table of settings, \[network\]"),
        (Experiment, "variants = [3]", "variants is a list; expected a valid dictionary"),
        (Experiment, "variants.mine = 3", r"variants.mine is 3; expected a table of settings"),
        (Experiment, "questions = [3]", r"questions.0 is 3; expected a table of settings"),
        (Experiment, f"seed = {10**400}", "seed of more than 30 digits is impossible"),
        (Experiment, f"seed = {2**64}", "seed 18446744073709551616 is impossible"),
        (Experiment, "seed = -1", "seed -1 is impossible; give a whole number from 0 to"),
        (Corrector, f"seed = {2**63}", "seed 9223372036854775808 is impossible"),
        (Corrector, "subjects = [[1]]", r"subjects.0 is a list; expected a table of settings"),
        (StudySettings, "criteria = 3", "criteria is 3; expected a valid tuple"),
        (StudySettings, "criteria = [3]", "criteria.0 is 3; expected a table of settings"),
        (StudySettings, f"title = ['{'x' * 999}']", "title is a list; expected a valid string"),
    ],
)
def test_values_of_another_kind_are_named(tmp_path, kind, content, sentence):
    required = {
        Experiment: 'title = "t"\n',
        Corrector: 'name = "n"\npurpose = "p"\ndata = "d"\n'
        + ("subjects = []\n" if "subjects" not in content else ""),
        StudySettings: "",
    }[kind]
    path = tmp_path / "settings.toml"
    path.write_text(required + content)
    with pytest.raises(McnetError, match=sentence) as refused:
        read_settings(path, kind)
    assert len(str(refused.value)) < 300 + len(str(path))


def test_seeds_end_at_63_bits():
    check_seed(0)
    check_seed(MAX_SEED)
    for seed in (-1, MAX_SEED + 1, 10**5000):
        with pytest.raises(McnetError, match=r"^seed .{1,60} is impossible"):
            check_seed(seed)
