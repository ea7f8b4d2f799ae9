"""Commands that run an experiment from heads and motion to the report."""

from pathlib import Path

import tyro

from mcnet.cli.first_checks import EXPERIMENT, check_exists
from mcnet.cli.terminal import Output, announce, tell
from mcnet.core.extras import check_extra


def demo(output: Output = Path("demo")) -> None:
    """Show the whole of mcnet on the built-in head, offline: simulate, train, correct, report.

    Args:
        output: Folder for pictures, tables and the page report/report.html.
    """
    check_extra("train", "mcnet demo")
    from importlib.resources import as_file, files

    with as_file(files("mcnet") / "experiments" / "demo.toml") as path:
        reproduce(path, output)


def reproduce(experiment: tyro.conf.Positional[Path], output: Output) -> None:
    """Run an experiment from heads and motion to the report; a second call resumes.

    Args:
        experiment: TOML file of the experiment.
        output: Folder of the run. What stands there and still fits is not done again.
    """
    check_extra("train", "mcnet reproduce")
    check_exists(experiment, EXPERIMENT)
    from mcnet.core.outputs import FILE, check_outputs, given
    from mcnet.experiments.config import read_experiment
    from mcnet.experiments.gather import check_folders

    settings = read_experiment(experiment)
    check_folders(settings)
    from mcnet.experiments.folder import RUN

    check_outputs(given(("-o", output, RUN)), given(("", experiment, FILE)))
    from mcnet.experiments.reproduce import reproduce as run

    page = run(settings, output, announce=announce, quiet=False)
    tell(f"The report: {page}")
