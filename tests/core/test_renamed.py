"""Names of earlier versions: refused in settings with the new name, translated in what is read."""

from dataclasses import dataclass

import pytest

from mcnet.core.errors import McnetError
from mcnet.core.renamed import all_with_new_names, new_name, new_names, with_new_names
from mcnet.core.settings import read_settings


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("person", "subject"),
        ("n_persons", "n_subjects"),
        ("persons_smallest_p", "subjects_smallest_p"),
        ("people_split", "subjects_split"),
        ("aside", "held_out"),
        ("ssim_head_registered_closed", "ssim_head_registered_recovered"),
        ("share_of_distance_closed", "share_of_ssim_deficit_recovered"),
        ("before_judged_still", "before_estimated_still"),
        ("moved_1_mm_judged_still", "moved_1_mm_estimated_still"),
        ("turn_deg", "rotation_deg"),
        ("sees_undone", "search_difference"),
        ("usual_below", "in_distribution_below"),
        ("trace", "trace"),
        ("is_closed", "is_closed"),
        ("personal", "personal"),
    ],
)
def test_a_name_of_before_has_a_new_one_and_others_stay(old, new):
    assert new_name(old) == new
    assert new_names([old]) == {old: new}


def test_only_keys_are_translated_and_their_order_stays():
    assert list(with_new_names({"z": "person", "people": {"person": 1}}).items()) == [
        ("z", "person"),
        ("subjects", {"person": 1}),
    ]
    assert all_with_new_names({"people": [{"person": "aside"}]}) == {
        "subjects": [{"subject": "aside"}]
    }


@dataclass(frozen=True)
class Settings:
    """Some with a name that has changed."""

    subjects: int = 0


def test_an_old_key_of_settings_is_refused_with_its_new_name(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("people = 3\n")
    with pytest.raises(McnetError, match="people is now called subjects; rename it"):
        read_settings(path, Settings)
