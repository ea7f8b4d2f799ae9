"""What the browser gets of an image."""

import numpy as np

from mcnet.reader_study.pixels import WHITE, packed, samples_of, unpacked


def test_the_grey_scale_is_the_images_own(rng):
    frames = rng.random((2, 31, 47)).astype(np.float32)
    one, other = samples_of(frames), samples_of(frames * 900)
    assert np.abs(one.astype(int) - other).max() <= 1
    assert np.percentile(one, 99.9) == np.float64(WHITE).round() or np.isclose(
        np.percentile(one, 99.9), WHITE, rtol=1e-3
    )


def test_brighter_than_white_and_darker_than_zero_are_kept(rng):
    frames = rng.random((1, 50, 70)).astype(np.float32)
    frames[0, 0, 0] = 1.5
    frames[0, 3] = -0.5
    samples = samples_of(frames)
    assert samples[0, 0, 0] > WHITE
    assert samples[0, 3].max() < samples[0, 4].min()


def test_an_empty_image_is_black():
    assert not samples_of(np.zeros((1, 9, 7), dtype=np.float32)).any()


def test_samples_are_sent_little_endian_row_by_row_frame_by_frame():
    samples = np.arange(2 * 3 * 5, dtype=np.uint16).reshape(2, 3, 5) * 1000
    assert unpacked(packed(samples)) == b"".join(
        int(value).to_bytes(2, "little") for value in samples.ravel()
    )


def test_as_many_bytes_for_noise_as_for_nothing(rng):
    noise = rng.integers(0, 65536, (3, 9, 7)).astype(np.uint16)
    assert len(packed(noise)) != len(packed(0 * noise))
    assert len(unpacked(packed(noise))) == len(unpacked(packed(0 * noise))) == 3 * 9 * 7 * 2
