"""Magnitude images are taken, whoever made them; other kinds are refused by name."""

from pathlib import Path

import pytest

from mcnet.core.errors import McnetError
from mcnet.io.image_kind import check_image_kind

SCAN = Path("scan.nii.gz")


@pytest.mark.parametrize(
    "image_type",
    [
        r"ORIGINAL\PRIMARY\M\ND\NORM",
        r"ORIGINAL\PRIMARY\OTHER\ND\NORM\MEAN",
        r"ORIGINAL\PRIMARY\OTHER",
        r"ORIGINAL\PRIMARY\M_FFE\M\FFE",
        r"ORIGINAL\PRIMARY\M_IR\M\IR",
        r"ORIGINAL\PRIMARY\T1\NONE",
        r"DERIVED\SECONDARY\MPR\CSA MPR\\CSAPARALLEL\M\ND\NORM",
        r"DERIVED\SECONDARY\REFORMATTED\AVERAGE",
        r"DERIVED\PRIMARY\W\W\DERIVED",
        r"DERIVED\PRIMARY\IP\IP\DERIVED",
        r"ORIGINAL\PRIMARY\M\IN_PHASE",
        r"DERIVED\SECONDARY\M\ND\MAGNITUDE",
        r"P\R",
        "",
    ],
)
def test_magnitudes_are_taken(image_type: str) -> None:
    check_image_kind(image_type.split("\\"), "MAGNITUDE", SCAN)
    check_image_kind(image_type.split("\\"), None, SCAN)


@pytest.mark.parametrize(
    ("image_type", "told"),
    [
        (r"ORIGINAL\PRIMARY\P\ND", "a phase image"),
        (r"ORIGINAL\PRIMARY\P\ND\PHASE", "a phase image"),
        (r"ORIGINAL\PRIMARY\p ", "a phase image"),
        (r"ORIGINAL\PRIMARY\PHASE MAP\P\PCA", "a phase or velocity map"),
        (r"ORIGINAL\PRIMARY\R_IR\R\IR", "a real part"),
        (r"ORIGINAL\PRIMARY\OTHER\REAL", "a real part"),
        (r"ORIGINAL\PRIMARY\I_SE\I\SE", "an imaginary part"),
        (r"ORIGINAL\PRIMARY\VELOCITY MAP\P\PCA", "a phase or velocity map"),
        (r"DERIVED\PRIMARY\T1 MAP\ND", "a computed map"),
        (r"DERIVED\PRIMARY\B0 MAP\B0\UNSPECIFIED", "a computed map"),
        (r"DERIVED\PRIMARY\DIFFUSION\ADC\ND", "a computed map"),
        (r"DERIVED\SECONDARY\PROJECTION IMAGE\MIP", "a projection"),
        (r"DERIVED\SECONDARY\SUB", "a difference of images"),
        (r"ORIGINAL\PRIMARY\LOCALIZER\NONE", "a localiser"),
        (r"DERIVED\SECONDARY\SCREEN SAVE", "a picture of a screen"),
    ],
)
def test_other_kinds_are_refused_by_name(image_type: str, told: str) -> None:
    with pytest.raises(McnetError, match=rf"^scan.nii.gz is {told} \(ImageType .*") as caught:
        check_image_kind(image_type.split("\\"), None, SCAN)
    assert str(caught.value).endswith("give the magnitude image of the same scan.")


@pytest.mark.parametrize(
    ("component", "told"),
    [
        ("PHASE", "a phase image"),
        ("real", "a real part"),
        ("IMAGINARY", "an imaginary part"),
        ("MIXED", "a mixture"),
    ],
)
def test_other_components_are_refused(component: str, told: str) -> None:
    with pytest.raises(McnetError, match=rf"is {told}.* \(ComplexImageComponent {component}\)"):
        check_image_kind(["ORIGINAL", "PRIMARY", "M"], component, SCAN)


def test_words_of_one_text_are_read_as_those_of_a_list() -> None:
    check_image_kind(r"ORIGINAL\PRIMARY\M\ND", None, SCAN)
    with pytest.raises(McnetError, match="is a phase image"):
        check_image_kind(r"ORIGINAL\PRIMARY\P\ND", None, SCAN)


@pytest.mark.parametrize("nonsense", ["P", 3, None, {"P": 1}, [1, None, 3.5], [["P"]]])
def test_what_is_no_list_of_words_tells_nothing(nonsense: object) -> None:
    check_image_kind(nonsense, nonsense if nonsense != "P" else None, SCAN)
