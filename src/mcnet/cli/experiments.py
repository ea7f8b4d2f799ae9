"""Commands that run an experiment from heads and motion to the report."""

from pathlib import Path

import tyro

from mcnet.cli.terminal import Output, announce, console


def demo(output: Output = Path("demo")) -> None:
    """Show the whole of mcnet on the built-in head, offline: simulate, train, correct, report.

    Args:
        output: Folder for pictures, tables and the page report/report.html.
    """
    from importlib.resources import as_file, files

    with as_file(files("mcnet") / "experiments" / "demo.toml") as path:
        reproduce(path, output)


def reproduce(experiment: tyro.conf.Positional[Path], output: Output) -> None:
    """Run an experiment from heads and motion to the report; a second call resumes.

    Args:
        experiment: TOML file of the experiment.
        output: Folder of the run. What stands there and still fits is not done again.
    """
    from mcnet.experiment import read_experiment
    from mcnet.outputs import FILE, check_outputs, given
    from mcnet.reproduce import reproduce as run
    from mcnet.run import RUN

    asked = read_experiment(experiment)
    check_outputs(given(("-o", output, RUN)), given(("", experiment, FILE)))
    page = run(asked, output, announce=announce, quiet=False)
    console.print(f"The report: {page}")
