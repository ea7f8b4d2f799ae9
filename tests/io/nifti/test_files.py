"""NIfTI files in and out: nothing of a scan's place, scale or type is lost."""

import gzip
import hashlib
import json
import logging
import re
from contextlib import suppress
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.io.nifti.files import read_volume, write_volume
from mcnet.io.volume import Volume, resampled_affine
from mcnet.motion.poses import rotation_matrix

SHAPE = (9, 12, 10)
SIGNED_PERMUTATIONS = [
    np.eye(3)[list(order)] * signs
    for order in permutations(range(3))
    for signs in product([1, -1], repeat=3)
]


def stored_values(dtype: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    values = np.random.default_rng(5).integers(0, 200, size=shape)
    values[2, 3, 1] = 251  # the marked voxel: no other is as bright
    return values.astype(dtype)


def save(path: Path, values: np.ndarray, affine: np.ndarray | None = None, **header: Any) -> Path:
    """Write a scan with nibabel, and then what nibabel would not let be written."""
    image = nib.Nifti1Image(values, np.diag([-2.0, 1.5, 3.0, 1.0]) if affine is None else affine)
    if "slope" in header:
        image.header.set_slope_inter(header.pop("slope"), header.pop("inter"))
    for field, value in header.items():
        image.header[field] = value
    nib.save(image, path)
    return path


@st.composite
def geometries(draw: st.DrawFn) -> np.ndarray:
    """Affines: any axis order and flip, oblique, anisotropic, anywhere."""
    angles = [draw(st.floats(-30, 30)) for _ in range(3)]
    sizes = [draw(st.floats(0.4, 5)) for _ in range(3)]
    affine = np.eye(4)
    oblique = rotation_matrix(np.array(angles))
    affine[:3, :3] = oblique @ draw(st.sampled_from(SIGNED_PERMUTATIONS)) @ np.diag(sizes)
    affine[:3, 3] = [draw(st.floats(-150, 150)) for _ in range(3)]
    return affine


def brightest_world_position(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    index = np.unravel_index(values.argmax(), values.shape)
    return np.asarray(affine @ [*index, 1])[:3]


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    affine=geometries(),
    dtype=st.sampled_from(["int16", ">i2", "uint8", "uint16", "int32", "float32", "float64"]),
    scaling=st.sampled_from([(1.0, 0.0), (0.37, -12.0), (25.0, 3.0)]),
    ending=st.sampled_from([".nii", ".nii.gz"]),
)
def test_type_scale_place_and_axes_survive_reading_and_writing(
    affine: np.ndarray,
    dtype: str,
    scaling: tuple[float, float],
    ending: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    slope, inter = scaling
    header = {"slope": slope, "inter": inter, "xyzt_units": 10}
    path = save(folder / f"in{ending}", stored_values(dtype), affine, **header)
    volume = read_volume(path)
    write_volume(folder / f"out{ending}", volume, like=path)

    before, after = nib.load(path), nib.load(folder / f"out{ending}")
    assert nib.aff2axcodes(volume.affine) == ("R", "A", "S")
    assert volume.values.max() == pytest.approx(251 * slope + inter, rel=1e-6)
    np.testing.assert_allclose(
        brightest_world_position(volume.values, volume.affine),
        brightest_world_position(before.get_fdata(), before.affine),
        atol=1e-3,
    )
    assert after.get_data_dtype() == before.get_data_dtype()
    assert (after.dataobj.slope, after.dataobj.inter) == (
        before.dataobj.slope,
        before.dataobj.inter,
    )
    assert nib.aff2axcodes(after.affine) == nib.aff2axcodes(before.affine)
    assert after.header.get_zooms() == before.header.get_zooms()
    assert after.header.get_xyzt_units() == before.header.get_xyzt_units() == ("mm", "sec")
    np.testing.assert_array_equal(after.affine, before.affine)
    tolerance = 1e-4 if np.dtype(dtype).kind == "f" else 0.0
    np.testing.assert_allclose(
        after.dataobj.get_unscaled(), before.dataobj.get_unscaled(), atol=tolerance
    )


@settings(deadline=None, max_examples=25)
@given(affine=geometries())
def test_volume_equals_nibabels_nearest_canonical_image(
    affine: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = save(tmp_path_factory.mktemp("oracle") / "scan.nii", stored_values("int16"), affine)
    volume, canonical = read_volume(path), nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(volume.values, canonical.get_fdata())
    np.testing.assert_allclose(volume.affine, canonical.affine, atol=1e-9)


@settings(deadline=None, max_examples=25)
@given(affine=geometries(), codes=st.sampled_from([(1, 1), (0, 2), (3, 0), (1, 4), (0, 0)]))
def test_another_grid_is_written_in_the_axes_of_the_old_file_and_in_its_place(
    affine: np.ndarray, codes: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("other-grid")
    like = folder / "like.nii"
    image = nib.Nifti1Image(stored_values("int16"), affine)
    image.set_qform(affine, code=codes[0])
    image.set_sform(affine, code=codes[1])
    nib.save(image, like)
    scan = read_volume(like)
    matrix = (8, 15, 11)
    values = np.zeros(matrix, dtype=np.float32)
    values[4, 7, 5] = 100  # the origin, which is voxel n // 2 of the old grid too
    smaller = Volume(values, resampled_affine(scan, matrix, (1.1, 2.0, 0.7)), "smaller")
    write_volume(folder / "out.nii", smaller, like=like)

    before, after = nib.load(like), nib.load(folder / "out.nii")
    assert nib.aff2axcodes(after.affine) == nib.aff2axcodes(before.affine)
    np.testing.assert_allclose(
        brightest_world_position(after.get_fdata(), after.affine),
        scan.affine[:3] @ [*(n // 2 for n in scan.values.shape), 1],
        atol=1e-3,
    )
    written = read_volume(folder / "out.nii")
    np.testing.assert_allclose(written.affine, smaller.affine, atol=1e-3)
    np.testing.assert_array_equal(written.values, values)
    if codes != (0, 0):
        header = after.header
        assert (int(header["qform_code"]), int(header["sform_code"])) == codes
        assert header.get_zooms() == pytest.approx(written_zooms(after), rel=1e-5)


def written_zooms(image: nib.Nifti1Image) -> tuple[float, ...]:
    return tuple(np.linalg.norm(image.affine[:3, :3], axis=0))


def test_another_grid_moves_a_qform_that_differs_from_the_sform(tmp_path: Path) -> None:
    image = nib.Nifti1Image(stored_values("int16"), np.eye(4))
    image.set_sform(np.diag([2.0, 2.0, 2.0, 1.0]), code=4)
    scanner = np.diag([2.0, 2.0, 2.0, 1.0])
    scanner[:3, 3] = (10, 20, 30)
    image.set_qform(scanner, code=1)
    nib.save(image, tmp_path / "like.nii")
    scan = read_volume(tmp_path / "like.nii")
    cropped = Volume(scan.values[1:, 2:], scan.affine.copy(), "cropped")
    cropped.affine[:3, 3] += (2, 4, 0)
    write_volume(tmp_path / "out.nii", cropped, like=tmp_path / "like.nii")
    qform, code = nib.load(tmp_path / "out.nii").get_qform(coded=True)
    assert code == 1
    np.testing.assert_allclose(qform[:3, 3], (12, 24, 30), atol=1e-5)


def test_integers_are_rounded_and_clipped_to_what_the_type_holds(tmp_path: Path) -> None:
    like = save(tmp_path / "like.nii", stored_values("uint8"))
    scan = read_volume(like)
    values = scan.values.copy()
    values[0, 0, :4] = (-7.0, 300.0, 41.6, 41.4)
    write_volume(tmp_path / "out.nii", replace(scan, values=values), like=like)
    written = read_volume(tmp_path / "out.nii").values
    np.testing.assert_array_equal(written[0, 0, :4], (0, 255, 42, 41))


def test_description_names_mcnet_after_what_stood_there(tmp_path: Path) -> None:
    like = save(tmp_path / "like.nii", stored_values("int16"), descrip=b"FSL5.0")
    write_volume(tmp_path / "out.nii", read_volume(like), like=like)
    text = nib.load(tmp_path / "out.nii").header["descrip"].item().decode()
    assert text == f"FSL5.0; mcnet {__version__}"


def test_description_beyond_ascii_survives(tmp_path: Path) -> None:
    like = save(
        tmp_path / "like.nii", stored_values("int16"), descrip="Universität".encode("latin-1")
    )
    write_volume(tmp_path / "out.nii", read_volume(like), like=like)
    text = nib.load(tmp_path / "out.nii").header["descrip"].item().decode("latin-1")
    assert text == f"Universität; mcnet {__version__}"


def test_nifti2_stays_nifti2(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(stored_values("int16"), np.eye(4)), tmp_path / "like.nii")
    scan = read_volume(tmp_path / "like.nii")
    write_volume(tmp_path / "out.nii", scan, like=tmp_path / "like.nii")
    assert isinstance(nib.load(tmp_path / "out.nii"), nib.Nifti2Image)


def test_pair_of_header_and_image_is_read_and_written_as_one_file(tmp_path: Path) -> None:
    affine = np.diag([-2.0, 1.5, 3.0, 1.0])
    nib.save(nib.Nifti1Pair(stored_values("int16"), affine), tmp_path / "like.img")
    scan = read_volume(tmp_path / "like.img")
    write_volume(tmp_path / "out.nii", scan, like=tmp_path / "like.img")
    written = nib.load(tmp_path / "out.nii")
    assert written.get_data_dtype() == np.int16
    np.testing.assert_allclose(written.affine, affine)
    np.testing.assert_array_equal(written.get_fdata(), stored_values("int16"))


def test_without_a_model_the_output_is_float32_in_ras(tmp_path: Path) -> None:
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    volume = Volume(stored_values("float32") / np.float32(7), affine, "made")
    write_volume(tmp_path / "out.nii.gz", volume)
    image = nib.load(tmp_path / "out.nii.gz")
    assert image.get_data_dtype() == np.float32
    assert (int(image.header["qform_code"]), int(image.header["sform_code"])) == (1, 1)
    written = read_volume(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(written.values, volume.values)
    np.testing.assert_array_equal(written.affine, affine)


def test_provenance_lies_beside_the_scan_and_knows_an_input_that_was_replaced(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scan.nii.gz"
    write_volume(path, read_volume(save(tmp_path / "other.nii.gz", stored_values("int16"))))
    (tmp_path / "other.nii.gz").unlink()
    scan = read_volume(path)
    old = path.read_bytes()
    moved = replace(scan, values=scan.values + 1)
    write_volume(path, moved, like=path, seed=7, inputs={"scan": path}, notes={"scale": 8})
    record = json.loads((tmp_path / "scan.json").read_text())
    assert record["inputs_sha256"] == {"scan": hashlib.sha256(old).hexdigest()}
    assert (record["seed"], record["scale"], record["version"]) == (7, 8, __version__)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scan.json", "scan.nii.gz"]


def test_a_scan_of_somebody_is_not_replaced(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii.gz", stored_values("int16"))
    old = path.read_bytes()
    with pytest.raises(McnetError, match="was not written by mcnet, or was changed since"):
        write_volume(path, read_volume(path))
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    scan = read_volume(save(tmp_path / "scan.nii", stored_values("int16")))
    write_volume(tmp_path / "a.nii.gz", scan)
    write_volume(tmp_path / "b.nii.gz", scan)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_trailing_dimension_of_one_is_a_3d_scan_and_stays(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16")[..., None])
    scan = read_volume(path)
    assert scan.values.shape == SHAPE
    write_volume(tmp_path / "out.nii", scan, like=path)
    assert nib.load(tmp_path / "out.nii").shape == (*SHAPE, 1)


HEAD_MM = np.array([[-2.0, 0, 0, 90], [0, 0.1, 9.0, -80], [0, 10.0, -0.2, -70], [0, 0, 0, 1]])
"""Of voxels of 2 x 10 x 9 mm, oblique."""


def scan_in_unit(path: Path, code: int, mm_per_unit: float) -> Path:
    affine = np.diag([1 / mm_per_unit] * 3 + [1.0]) @ HEAD_MM
    return save(path, stored_values("int16"), affine, xyzt_units=code | 8)


@pytest.mark.parametrize(
    ("code", "mm_per_unit"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001), (5, 1.0)]
)
def test_lengths_are_in_the_unit_of_the_header(
    tmp_path: Path, code: int, mm_per_unit: float
) -> None:
    path = scan_in_unit(tmp_path / "scan.nii.gz", code, mm_per_unit)
    volume, in_mm = read_volume(path), read_volume(scan_in_unit(tmp_path / "mm.nii", 2, 1.0))
    np.testing.assert_array_equal(volume.values, in_mm.values)
    np.testing.assert_allclose(volume.affine, in_mm.affine, rtol=1e-5, atol=1e-4)
    assert volume.voxel_size_mm == pytest.approx((2, 9, 10), rel=1e-3)


@pytest.mark.parametrize(("code", "mm_per_unit"), [(1, 1000.0), (3, 0.001)])
def test_the_unit_of_the_header_survives(tmp_path: Path, code: int, mm_per_unit: float) -> None:
    path = scan_in_unit(tmp_path / "scan.nii", code, mm_per_unit)
    scan = read_volume(path)
    write_volume(tmp_path / "same.nii", scan, like=path)
    before, same = nib.load(path), nib.load(tmp_path / "same.nii")
    np.testing.assert_array_equal(same.affine, before.affine)
    cropped = Volume(scan.values[1:, 2:], scan.affine.copy(), "cropped")
    cropped.affine[:3, 3] += scan.affine[:3, :3] @ (1, 2, 0)
    write_volume(tmp_path / "cropped.nii", cropped, like=path)
    for name in ("same", "cropped"):
        assert int(nib.load(tmp_path / f"{name}.nii").header["xyzt_units"]) == code | 8
    written = read_volume(tmp_path / "cropped.nii")
    np.testing.assert_allclose(written.affine, cropped.affine, rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(written.values, cropped.values)


@pytest.mark.parametrize(
    ("factor", "code", "told"),
    [
        (1e-2, 2, "(millimetres)"),
        (10, 2, "(millimetres)"),
        (1e-3, 0, "(none given, millimetres assumed)"),
        (1, 1, "(metres)"),
        (1, 3, "(micrometres)"),
    ],
)
def test_a_scan_that_no_head_can_be_is_refused(
    tmp_path: Path, factor: float, code: int, told: str
) -> None:
    affine = np.diag([factor] * 3 + [1.0]) @ HEAD_MM
    path = save(tmp_path / "scan.nii", stored_values("int16"), affine, xyzt_units=code)
    expect_refused(
        path,
        r"measures .* mm \(voxels of .* mm\), which no head can; expected 60 to 600 mm: check "
        rf"pixdim, sform and qform in its header and their unit {re.escape(told)}",
    )


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.NII.GZ", "scan.NII", "scan.gz"])
@pytest.mark.parametrize("is_packed", [True, False])
def test_compression_goes_by_the_content_and_not_by_the_name(
    tmp_path: Path, name: str, is_packed: bool
) -> None:
    plain = save(tmp_path / "source.nii", stored_values("int16")).read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(plain) if is_packed else plain)
    np.testing.assert_array_equal(
        read_volume(path).values, read_volume(tmp_path / "source.nii").values
    )


@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.NII.GZ", "scan.nii"])
def test_a_wrong_checksum_is_refused_whatever_the_name(tmp_path: Path, name: str) -> None:
    plain = save(tmp_path / "source.nii", stored_values("int16")).read_bytes()
    content = bytearray(gzip.compress(plain))
    content[-8] ^= 1  # the checksum stands in the last eight bytes
    (tmp_path / name).write_bytes(content)
    expect_refused(tmp_path / name, "voxels are read, or is damaged")


def packed_pair(folder: Path, ending: str) -> None:
    """A pair of which the named files, and no others, are compressed."""
    nib.save(nib.Nifti1Pair(stored_values("int16"), np.diag([-2, 1.5, 3, 1])), folder / "scan.img")
    for part in ("hdr", "img"):
        if part in ending:
            plain = folder / f"scan.{part}"
            (folder / f"scan.{part}.gz").write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()


@pytest.mark.parametrize("packed", ["", "img", "hdr", "hdr and img"])
@pytest.mark.parametrize("given", ["hdr", "img"])
def test_pairs_are_read_by_either_name_compressed_or_not(
    tmp_path: Path, packed: str, given: str
) -> None:
    packed_pair(tmp_path, packed)
    path = next(tmp_path.glob(f"scan.{given}*"))
    expected = save(tmp_path / "one.nii", stored_values("int16"), np.diag([-2, 1.5, 3, 1]))
    np.testing.assert_array_equal(read_volume(path).values, read_volume(expected).values)


@pytest.mark.parametrize("given", ["hdr", "img"])
@pytest.mark.parametrize("broken", ["hdr", "img"])
def test_the_checksums_of_both_files_of_a_pair_are_verified(
    tmp_path: Path, given: str, broken: str
) -> None:
    packed_pair(tmp_path, "hdr and img")
    content = bytearray((tmp_path / f"scan.{broken}.gz").read_bytes())
    content[-8] ^= 1
    (tmp_path / f"scan.{broken}.gz").write_bytes(content)
    expect_refused(tmp_path / f"scan.{given}.gz", "is damaged")


def test_half_of_a_pair_is_refused(tmp_path: Path) -> None:
    packed_pair(tmp_path, "")
    (tmp_path / "scan.hdr").unlink()
    expect_refused(tmp_path / "scan.img", "is one of the two files of a scan, and scan.hdr is not")


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "is a phase image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "R_IR", "R", "IR"]}, "is a real part"),
        ({"ComplexImageComponent": "IMAGINARY"}, "is an imaginary part"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"]}, None),
    ],
)
def test_the_kind_is_told_by_the_json_file_beside_the_scan(
    tmp_path: Path, about: dict[str, Any], told: str | None
) -> None:
    path = save(tmp_path / "scan.nii.gz", stored_values("int16"))
    (tmp_path / "scan.json").write_text(json.dumps(about))
    if told is None:
        assert read_volume(path).values.shape == SHAPE
    else:
        expect_refused(path, f"{told} .*; a magnitude image of a head is needed")


# What is refused, and how.


def expect_refused(path: Path, sentence: str) -> None:
    with pytest.raises(McnetError, match=sentence) as caught:
        read_volume(path)
    assert str(caught.value).endswith(".")
    assert str(caught.value).startswith(str(path))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    expect_refused(tmp_path / "none.nii.gz", "does not exist; give the path")


def test_folder_is_refused(tmp_path: Path) -> None:
    expect_refused(tmp_path, "is a folder; give a .nii or .nii.gz file")


@pytest.mark.parametrize("name", ["notes.txt", "scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("content", [b"", b"these are notes, and no scan at all\n" * 40])
def test_text_and_empty_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    expect_refused(path, "is not a NIfTI scan or its header is damaged")


def test_wrong_magic_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"))
    content = bytearray(path.read_bytes())
    content[0:4] = b"\x07\x07\x07\x07"
    content[344:348] = b"nope"
    path.write_bytes(content)
    expect_refused(path, "is not a NIfTI scan|not NIfTI")


def test_other_image_format_is_refused_by_its_name(tmp_path: Path) -> None:
    nib.save(nib.MGHImage(stored_values("int16"), np.eye(4)), tmp_path / "scan.mgz")
    expect_refused(tmp_path / "scan.mgz", "file of type MGH, not NIfTI; convert it")


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_scan_is_refused(tmp_path: Path, name: str, share: float) -> None:
    path = save(tmp_path / name, stored_values("int16", (16, 17, 18)))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    expect_refused(path, "ends before all of its 16 x 17 x 18 voxels are read, or is damaged")


def test_scan_cut_within_its_header_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"))
    path.write_bytes(path.read_bytes()[:200])
    expect_refused(path, "is not a NIfTI scan or its header is damaged")


def test_damaged_compression_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii.gz", stored_values("int16", (16, 17, 18)))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    expect_refused(path, "voxels are read, or is damaged")


def test_impossibly_large_scan_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"))
    content = bytearray(path.read_bytes())
    content[42:48] = np.array([32000, 32000, 32000], dtype="<i2").tobytes()
    for start in (280, 300, 320):  # a hundredth of a millimetre, by the sform
        content[start : start + 4] = np.float32(0.01).tobytes()
    for name, written in (("a.nii", bytes(content)), ("b.nii.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(written)
        expect_refused(tmp_path / name, "ends before all of its 32000 x 32000 x 32000 voxels")


@pytest.mark.parametrize("seed", range(5))
def test_damaged_headers_are_read_or_refused_in_a_sentence(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng([12, seed])
    content = save(tmp_path / "source.nii", stored_values("int16")).read_bytes()
    path = tmp_path / "scan.nii"
    for number in range(40):
        changed = bytearray(content)
        start = rng.integers(352)
        changed[start : start + 4] = rng.bytes(4)
        path.write_bytes(gzip.compress(changed) if number % 2 else changed)
        with suppress(McnetError):  # anything else is a traceback
            assert np.isfinite(read_volume(path).values).all()


def test_single_image_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", np.ones((30, 40), dtype=np.int16))
    expect_refused(path, r"has 2 dimensions \(30 x 40\); a 3D scan is needed")


def test_series_of_volumes_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", np.ones((9, 10, 11, 3), dtype=np.int16))
    expect_refused(path, "holds 3 volumes .*fslroi")


def test_slab_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", np.ones((30, 40, 3), dtype=np.int16))
    expect_refused(path, "measures 30 x 40 x 3 voxels; a 3D scan needs 8 or more")


def test_colour_is_refused(tmp_path: Path) -> None:
    rgb = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    expect_refused(save(tmp_path / "scan.nii", rgb), "holds colours; one real intensity")


def test_complex_values_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", stored_values("complex64"))
    expect_refused(path, "holds complex numbers; .* magnitude")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_counted_and_refused(tmp_path: Path, bad: float) -> None:
    values = stored_values("float32")
    values[1, 2:5, 3] = bad
    expect_refused(save(tmp_path / "scan.nii", values), "has 3 voxels of NaN or infinite.*fslmaths")


def test_values_beyond_single_precision_are_refused(tmp_path: Path) -> None:
    values = stored_values("float64")
    values[0, 0, 0] = 1e300
    expect_refused(save(tmp_path / "scan.nii", values), "has 1 voxels of NaN or infinite value")


def test_constant_scan_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", np.full(SHAPE, 4, dtype=np.int16))
    expect_refused(path, "has the value 4 in every voxel")


@pytest.mark.parametrize(
    ("size", "told"), [(0.0, "1.5 x 0 x 3"), (-2.0, "1.5 x -2 x 3"), (np.nan, "1.5 x nan x 3")]
)
def test_impossible_voxel_size_is_refused(tmp_path: Path, size: float, told: str) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"), np.diag([1.5, 2.0, 3.0, 1.0]))
    content = bytearray(path.read_bytes())
    content[84:88] = np.float32(size).tobytes()  # pixdim[2]
    path.write_bytes(content)
    expect_refused(path, f"says its voxels measure {told} mm; every size must be above zero")


@pytest.mark.parametrize("offset", [1e30, np.inf, np.nan])
def test_data_that_begin_nowhere_are_refused(tmp_path: Path, offset: float) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"))
    content = bytearray(path.read_bytes())
    content[108:112] = np.float32(offset).tobytes()  # vox_offset
    path.write_bytes(content)
    expect_refused(path, "is not a NIfTI scan or its header is damaged|is damaged; copy")


def test_nibabel_does_not_print_beside_the_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"))
    content = bytearray(path.read_bytes())
    content[84:88] = np.float32(0).tobytes()  # pixdim[2]
    path.write_bytes(content)
    logger = logging.getLogger("nibabel.global")
    before = logger.level
    # as outside of the tests: nobody listens but Python's last resort, which prints
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [])
    expect_refused(path, "every size must be above zero")
    assert capfd.readouterr().err == ""
    assert logger.level == before


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"))

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", forbidden)
        expect_refused(path, r"cannot be read \(permission denied\)")
    monkeypatch.setattr(Path, "is_dir", forbidden)
    expect_refused(path, r"cannot be read \(permission denied\)")


@pytest.mark.parametrize("rows", [[0, 0, 0, 5], [1.5, 0, 0, 0], [np.nan, 1, 0, 0]])
def test_singular_affine_is_refused(tmp_path: Path, rows: list[float]) -> None:
    path = save(tmp_path / "scan.nii", stored_values("int16"), np.diag([1.5, 2.0, 3.0, 1.0]))
    content = bytearray(path.read_bytes())
    content[296:312] = np.array(rows, dtype="<f4").tobytes()  # srow_y
    path.write_bytes(content)
    expect_refused(path, "has an affine that is singular or not finite")


def test_output_of_another_ending_is_refused(tmp_path: Path) -> None:
    scan = read_volume(save(tmp_path / "scan.nii", stored_values("int16")))
    with pytest.raises(McnetError, match=r"does not end in .nii.gz or .nii.*out.nii.gz"):
        write_volume(tmp_path / "out.img", scan)
    assert not (tmp_path / "out.img").exists()


def test_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    scan = read_volume(save(tmp_path / "scan.nii", stored_values("int16")))
    with pytest.raises(McnetError, match="cannot be written"):
        write_volume(tmp_path / "scan.nii" / "out.nii", scan)


@pytest.mark.parametrize("content", ['{"RepetitionTime": 2.3}', "no JSON", '["mcnet"]'])
def test_a_sidecar_of_another_program_is_not_overwritten(tmp_path: Path, content: str) -> None:
    scan = read_volume(save(tmp_path / "scan.nii", stored_values("int16")))
    (tmp_path / "out.json").write_text(content)
    with pytest.raises(McnetError, match=r"out.json was not written by mcnet"):
        write_volume(tmp_path / "out.nii.gz", scan)
    assert not (tmp_path / "out.nii.gz").exists()
    assert (tmp_path / "out.json").read_text() == content


def test_mcnets_own_output_is_written_again(tmp_path: Path) -> None:
    scan = read_volume(save(tmp_path / "scan.nii", stored_values("int16")))
    for number in (1, 2):
        write_volume(tmp_path / "out.nii.gz", scan, notes={"number": number})
    assert json.loads((tmp_path / "out.json").read_text())["number"] == 2


@pytest.mark.slow
def test_real_heads_keep_their_place(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "heads" / "sub-12" / "anat" / "sub-12_T1w.nii.gz"
    scan = read_volume(path)
    write_volume(tmp_path / "out.nii", scan, like=path)
    before, after = nib.load(path), nib.load(tmp_path / "out.nii")
    np.testing.assert_array_equal(after.dataobj.get_unscaled(), before.dataobj.get_unscaled())
    np.testing.assert_array_equal(after.affine, before.affine)
