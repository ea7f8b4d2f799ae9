"""A head that moves in six degrees of freedom: 160 x 256 x 256 at 1 mm to 128^3 at 2 mm."""

import contest
import page
import peers
from scans import Scan, trace, volume_scan
from timing import take_turns

from mcnet.physics.acquisition import Acquisition

N_ROUNDS = 5
_SLOW, _SLOWEST = 2, 1
SOURCE = (160, 256, 256)


def run() -> page.Section:
    """Speed and error of every side."""
    scan = volume_scan(SOURCE, 1.0)
    sides = [
        peers.ours(scan),
        peers.bare_finufft(scan),
        peers.bare_finufft(scan, upsampling=None, rounds=_SLOW),
        peers.torchio_motion(scan, rounds=_SLOW),
        peers.mri_nufft(scan, rounds=_SLOW),
        peers.mri_nufft_tuned(scan),
        peers.torchkbnufft(scan, rounds=_SLOWEST),
    ]
    outcomes, truth = contest.contest(scan, sides, N_ROUNDS)
    bare = 1 / contest.ratio(outcomes, "finufft, our settings")
    torchio = contest.ratio(outcomes, "TorchIO")
    return page.Section(
        "Six degrees of freedom",
        [
            "The built-in head, 160 x 256 x 256 at 1 mm, to a complex image of 128 x 128 x 128 at "
            "2 mm; one generated trace of 128 poses in six degrees of freedom, times 8.",
            contest.as_table(outcomes, memory=True),
            "Columns as in the section before; *memory* is the most that a new trace held beyond "
            "what was there before it, the volume among that. " + truth,
            "**TorchIO makes something else.** Its `RandomMotion` turns the volume in the image "
            "domain, by linear interpolation, into 8 random poses, and pieces one k-space together "
            "from theirs, on the volume's own grid: 8 poses to our 128, but five times the voxels. "
            + _on_own_grid(scan),
        ],
        [
            page.Target("at most 1.3 times the bare finufft call's time", bare, bare <= 1.3),
            page.Target("faster than TorchIO's RandomMotion(8)", torchio, torchio > 1),
        ],
    )


def _on_own_grid(scan: Scan) -> str:
    """Sentence on ours beside TorchIO on the grid that TorchIO works on."""
    fov_mm = (float(SOURCE[0]), float(SOURCE[1]), float(SOURCE[2]))
    acquisition = Acquisition(matrix=SOURCE, fov_mm=fov_mm)
    motion = trace(acquisition.n_lines, "six-dof")
    full = Scan(scan.images, scan.voxel_size_mm, motion, acquisition)
    times = take_turns(
        {
            "ours": peers.ours(full).new_trace,
            "TorchIO": peers.torchio_motion(full).new_trace,
        },
        _SLOW,
        {"ours": _SLOW, "TorchIO": _SLOW},
    )
    return (
        f"On that grid, with 256 poses, ours takes {times['ours']} and TorchIO "
        f"{times['TorchIO']}: {times['TorchIO'].median / times['ours'].median:.2f} times ours."
    )


if __name__ == "__main__":
    page.show(run())
