"""What a scan says of itself, in names and in values."""

from pathlib import Path

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.correction.suited import check_modality, check_not_ct, contrast_warnings
from mcnet.io.volume import Volume


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sub-01_T2w", "T2w"),
        ("sub-01_FLAIR", "FLAIR"),
        ("t2_space_sag_p2", "t2"),
        ("AX T2* GRE", "T2"),
        ("sub-01_T2starw", "T2starw"),
        ("ep2d_bold_moco", "bold"),
        ("sub-01_PDw", "PDw"),
        ("sub-01_dwi", "dwi"),
        # T1, or nothing that tells
        ("sub-01_T1w", None),
        ("T1 FLAIR", None),
        ("WIPmocoMEMPRAGE 1mm FOV 220 RMS", None),
        ("MPRAGE_T2prep", None),
        ("PD_012", None),  # a subject with Parkinson's disease
        ("EPI007", None),  # one with epilepsy
        ("boldini", None),
        ("scan", None),
        ("", None),
    ],
)
def test_another_contrast_is_told_by_its_name(name: str, told: str | None) -> None:
    warnings = contrast_warnings([name], "T1w")
    assert len(warnings) == (told is not None)
    assert told is None or f"('{name}') this is not a T1-weighted scan but {told};" in warnings[0]


def test_the_first_name_that_tells_is_told() -> None:
    assert "flair" in contrast_warnings(["scan", "flair", "dwi"], "T1w")[0]


@pytest.mark.parametrize(
    ("contrast", "name", "told"),
    [
        ("T2w", "sub-01_T1w", "not a T2-weighted scan but T1w; the model was trained on T2-w"),
        ("T2w", "ax_mprage", "not a T2-weighted scan but mprage"),
        ("T2w", "sub-01_T2w", None),
        ("T2w", "sub-01_T2starw", "not a T2-weighted scan but T2starw"),
        ("FLAIR", "sub-01_FLAIR", None),
        ("FLAIR", "T2 FLAIR", None),
        ("FLAIR", "sub-01_T2w", "not a FLAIR scan but T2w"),
        ("MTw", "sub-01_MTw", None),
        ("MTw", "sub-01_T1w", "not a MTw scan but T1w"),
    ],
)
def test_the_contrast_of_the_model_is_what_its_card_says(
    contrast: str, name: str, told: str | None
) -> None:
    warnings = contrast_warnings([name], contrast)
    assert len(warnings) == (told is not None)
    assert told is None or told in warnings[0]


@pytest.mark.parametrize("modality", ["MR", "mr", "MRI", ""])
def test_mr_and_what_does_not_say_pass(modality: str) -> None:
    assert check_modality(Path("a"), modality) is None


def volume(air: float, share: float) -> Volume:
    values = np.linspace(0, 900, 1000, dtype=np.float32).reshape(10, 10, 10)
    values.reshape(-1)[: int(share * 1000)] = air
    return Volume(values, np.eye(4), "scan")


@pytest.mark.parametrize(("air", "share"), [(-1000, 0.3), (-1024, 0.06), (-3024, 0.5)])
def test_much_air_in_hounsfield_units_is_ct(air: float, share: float) -> None:
    with pytest.raises(McnetError, match=f"looks like CT: {share:.0%} of its voxels"):
        check_not_ct(Path("a"), volume(air, share))


@pytest.mark.parametrize(("air", "share"), [(0, 0.5), (-1000, 0.03), (-4, 0.5), (-500, 0.5)])
def test_few_or_moderate_negative_values_are_not_ct(air: float, share: float) -> None:
    assert check_not_ct(Path("a"), volume(air, share)) is None
