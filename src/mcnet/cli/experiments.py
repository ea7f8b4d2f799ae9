"""Commands that run an experiment from heads and motion to the report."""

from pathlib import Path

import tyro

from mcnet.cli.terminal import Output, announce, console


def train(
    corrector: tyro.conf.Positional[Path], output: Output, metrics: Path | None = None
) -> None:
    """Train a network for practice, such as those that come with mcnet; a second call resumes.

    Args:
        corrector: TOML file of the network, as in experiments/correctors.
        output: Folder of the weights and of the curve of training.
        metrics: JSON file of scores on other people, for the card: of mcnet evaluate.
    """
    from mcnet.corrector import read_corrector, train_corrector
    from mcnet.provenance import read_json

    weights = train_corrector(
        read_corrector(corrector),
        output,
        root=corrector.parent,
        metrics=read_json(metrics) if metrics else None,
        announce=announce,
        quiet=False,
    )
    console.print(f"The weights: {weights}")


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
    from mcnet.reproduce import reproduce as run

    page = run(read_experiment(experiment), output, announce=announce, quiet=False)
    console.print(f"The report: {page}")
