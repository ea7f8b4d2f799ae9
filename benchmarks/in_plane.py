"""Ten sagittal slices that move within their plane: 256 x 256 at 1 mm to 128 x 128 at 2 mm."""

import contest
import page
import peers
from scans import slices_scan

N_ROUNDS = 15


def run() -> page.Section:
    """Speed and error of every side."""
    scan = slices_scan()
    sides = [
        peers.ours(scan),
        peers.ours_once(scan),
        peers.making_ready(scan),
        peers.bare_finufft(scan),
        peers.bare_finufft(scan, upsampling=None),
        peers.torchkbnufft(scan),
        peers.mri_nufft(scan),
        peers.mri_nufft_tuned(scan),
    ]
    outcomes, truth = contest.contest(scan, sides, N_ROUNDS)
    kbnufft = contest.ratio(outcomes, "torchkbnufft")
    mri_nufft = contest.ratio(outcomes, "mri-nufft (finufft)")
    alone = contest.ratio(outcomes, "mcnet, one trace alone")
    bare = 1 / contest.ratio(outcomes, "finufft, our settings")
    return page.Section(
        "Motion within the slices",
        [
            "Ten slices of the built-in head, 256 x 256 at 1 mm, to complex images of 128 x 128 "
            "at 2 mm; one generated trace of 128 poses, rotation and translation, times 8. Points "
            "and phases are given to the others ready-made; ours makes them from the poses within "
            "its time.",
            contest.as_table(outcomes),
            contest.COLUMNS,
            "mcnet's first row is what each trace costs when a subject's slices move by many, as "
            "in a set of pairs or in training: what no trace changes was made ready once, in the "
            "time of the third row, and is outside the clock as torchkbnufft's object is. The "
            f"second row makes nothing ready: there ours is {kbnufft / alone:.1f} times as fast as "
            f"torchkbnufft and {mri_nufft / alone:.1f} times as fast as mri-nufft.",
            f"{truth} torchkbnufft's object does not depend on the points and is made beforehand. "
            "The tuned mri-nufft is what an expert gets by giving it mcnet's tolerance and "
            "upsampling, all slices in one plan, and keeping the operator; in its own settings it "
            "is the more precise.",
        ],
        [
            page.Target("5 times as fast as torchkbnufft, or more", kbnufft, kbnufft >= 5),
            page.Target("8 times as fast as mri-nufft, or more", mri_nufft, mri_nufft >= 8),
            page.Target("at most 1.5 times the bare finufft call's time", bare, bare <= 1.5),
        ],
    )


if __name__ == "__main__":
    page.show(run())
