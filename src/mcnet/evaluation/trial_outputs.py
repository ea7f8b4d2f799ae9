"""Files that trials write, for `mcnet.core.outputs` to check; nothing slow is imported."""

import re

from mcnet.core.outputs import Kind, folder_of

_RESULT = re.compile(r"[0-9a-f]{16}(\.step\.json)?|\.writing-\w+")
TRIAL = folder_of(
    *("trial.json", "summary.json", "table.md", "rows.csv", "severity.csv", "still.csv"),
    *("examples.png", "examples.svg", "severity.png", "severity.svg"),
)
"""What `mcnet.report.trial_page.write_trial` writes to its folder."""
RAW_TRIAL = folder_of(
    "trial.json", "table.md", "rows.csv", "scans.csv", "examples.png", "examples.svg"
)
"""What `mcnet.report.raw_trial_page.write_raw_trial` writes to its folder."""
UNFINISHED = Kind(
    "scans that are done are kept in a folder of its own",
    is_ours=lambda folder: all(_RESULT.fullmatch(path.name) for path in folder.iterdir()),
    foreign="holds something else than mcnet's unfinished trial; name another output",
    is_folder=True,
)
"""Where the results of scans wait until a trial is whole; then it goes."""
