"""Every command that reads a file, given files that are not as they should be.

``python tests/malformed.py --n 5000 --seed 3`` prints each failure with the seed that repeats it;
``--seed N --n 1`` repeats one. A refusal is exit status 2 with a sentence, and success is allowed;
a traceback, another exit status, a signal, or more than a minute is a failure.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import shutil
import sqlite3
import sys
import tempfile
import tomllib
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

LIMIT_S = 60.0
_ODD: tuple[Any, ...] = (
    *(0, -1, 3, 2**63, 10**400, -(10**30), 0.5, 1e308, float("nan"), float("inf"), True, None),
    *("", "x", "true", "\x00", "é" * 3000, "../..", [], [1], [[]], ["a", None], {}, {"a": 1}),
    *([{"a": [1, {"b": None}]}], {"": {"": {}}}),
)
"""What any value of a tree may be replaced by."""


@dataclass(frozen=True)
class Subject:
    """A command, and the files of which one is changed before it runs."""

    name: str
    arguments: tuple[str, ...]
    """``{}`` stands for the folder."""
    files: tuple[str, ...]
    """Patterns of the files that may be changed, within the folder."""


def _correct(*arguments: str) -> tuple[str, ...]:
    return ("correct", *arguments, "--no-search", "--model", "{}/tiny.safetensors")


_NIFTI = ("scans/a.nii",)
_MOTION = ("motion/*",)
SUBJECTS: tuple[Subject, ...] = (
    Subject("compare", ("compare", "{}/scans/a.nii", "{}/scans/b.nii"), _NIFTI),
    Subject("compare-dicom", ("compare", "{}/dicom", "{}/dicom"), ("dicom/*",)),
    *(
        Subject(
            f"corrupt-{name}",
            (
                *("corrupt", "{}/scans/a.nii", "--motion", f"{{}}/motion/{name}"),
                *("-o", "{}/out.nii", "--matrix", "12"),
            ),
            (f"motion/{name}", f"motion/{name}", *_NIFTI, "scans/a.json"),
        )
        for name in ("a.par", "b.csv", "rp_c.txt")
    ),
    Subject("correct", _correct("{}/scans/a.nii", "-o", "{}/out.nii"), (*_NIFTI, "scans/a.json")),
    Subject("correct-dicom", _correct("{}/dicom", "-o", "{}/out"), ("dicom/*",)),
    Subject("correct-bids", _correct("{}/bids", "{}/derived", "participant"), ("bids/**/*",)),
    Subject("correct-model", _correct("{}/scans/b.nii", "-o", "{}/out.nii"), ("tiny.safetensors",)),
    Subject(
        "export",
        ("export", "-o", "{}/out.onnx", "--model", "{}/tiny.safetensors"),
        ("tiny.safetensors",),
    ),
    Subject("models", ("models",), ("weights/*",)),
    Subject(
        "reconstruct",
        ("reconstruct", "{}/raw.h5", "--motion", "{}/lines.csv", "-o", "{}/out.nii"),
        ("raw.h5", "raw.h5", "lines.csv"),
    ),
    Subject("motion", ("motion", "{}/motion", "-o", "{}/out"), _MOTION),
    Subject(
        "simulate",
        ("simulate", "{}/experiment.toml", "-o", "{}/pairs.zarr"),
        ("experiment.toml", "pairs.zarr/**/*"),
    ),
    Subject("reproduce", ("reproduce", "{}/experiment.toml", "-o", "{}/o"), ("experiment.toml",)),
    Subject("train", ("train", "{}/experiment.toml", "-o", "{}/o"), ("experiment.toml",)),
    Subject(
        "train-corrector",
        ("train", "{}/corrector.toml", "-o", "{}/o", "--metrics", "{}/metrics.json"),
        ("corrector.toml", "metrics.json"),
    ),
    Subject(
        "evaluate",
        (
            *("evaluate", "{}/scans", "--motion", "{}/motion", "-o", "{}/o", "--n-traces", "1"),
            *("--model", "{}/tiny.safetensors"),
        ),
        (*_MOTION, "tiny.safetensors"),
    ),
    Subject(
        "create",
        ("readers", "create", "{}/run", "-o", "{}/new"),
        ("run/settings.toml", "run/evaluation/*", "run/pairs.zarr/**/*", "run/models/**/*"),
    ),
    Subject(
        "create-images",
        (
            *("readers", "create", "-o", "{}/new", "--images", "one={}/scans"),
            *("--images", "other={}/scans"),
        ),
        _NIFTI,
    ),
    Subject("report", ("readers", "report", "{}/study"), ("study/*",)),
    Subject("code", ("readers", "code", "{}/study", "reader-1"), ("study/*",)),
    Subject("serve", ("readers", "serve", "{}/study", "--port", "0"), ("study/*",)),
)
"""Every command that reads files."""


def outcome_of(subject: Subject, whole: Path, seed: int | None) -> str | None:
    """What is wrong with how a command ends whose file was changed; nothing, if all is well.

    Without a seed no file is changed.
    """
    from mcnet.cli.main import main

    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="malformed-") as room:
        folder = Path(room) / "f"
        shutil.copytree(whole, folder)
        changed = "nothing changed" if seed is None else _changed(folder, subject, rng)
        arguments = [part.replace("{}", str(folder)) for part in subject.arguments]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _short(folder):
            try:
                main(arguments)
            except SystemExit as ended:
                told = ended.code == 2 or ended.code in (None, 0)
                return None if told else f"{changed}: exit status {ended.code}: {said.getvalue()}"
            except BaseException:
                frames = traceback.format_exc().strip().splitlines()
                places = [line.strip() for line in frames if "/mcnet/" in line]
                return f"{changed}: {frames[-1][:300]} at {places[-1] if places else '?'}"
    return None


def _changed(folder: Path, subject: Subject, rng: np.random.Generator) -> str:
    """Change one file of the subject; say which, and how."""
    pattern = subject.files[rng.integers(len(subject.files))]
    path = rng.choice(sorted(path for path in folder.glob(pattern) if path.is_file()))
    content = path.read_bytes()
    mutators: list[Callable[[bytes, np.random.Generator], bytes]] = [_bytes_changed]
    if path.suffix == ".json":
        mutators += 3 * [_json_changed]
    elif path.suffix == ".toml":
        mutators += 4 * [_toml_changed]
    elif path.suffix == ".safetensors":
        mutators += 3 * [_safetensors_changed]
    elif path.suffix in (".csv", ".par", ".txt", ".tsv"):
        mutators += 2 * [_table_changed]
    elif path.suffix == ".nii":
        mutators += 2 * [lambda content, rng: _bytes_changed(content[:352], rng) + content[352:]]
    if path.suffix == ".sqlite" and rng.random() < 0.7:
        return f"{path.relative_to(folder)}: {_database_changed(path, rng)}"
    mutate = mutators[rng.integers(len(mutators))]
    path.write_bytes(mutate(content, rng))
    return f"{path.relative_to(folder)} ({mutate.__name__})"


def _bytes_changed(content: bytes, rng: np.random.Generator) -> bytes:
    content, place = bytearray(content), int(rng.integers(len(content) + 1))
    kind = rng.integers(5)
    if kind == 0:
        return bytes(content[:place])
    if kind == 1:
        junk = rng.choice([b"\x00", b"\xff", b"\r\n", b"[" * 3000, b"{", b"9" * 400, b"\xc3"])
        return bytes(content[:place] + junk + content[place:])
    if kind == 2:
        return bytes(content[:place] + content[place + int(rng.integers(1, 64)) :])
    if kind == 3 and content:
        filling = int(rng.integers(1, 16))
        content[place : place + filling] = rng.choice([b"\x00", b"\xff"]) * filling
    for _ in range(int(rng.integers(1, 9)) if content else 0):
        content[rng.integers(len(content))] = rng.integers(256)
    return bytes(content)


def _json_changed(content: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.05:
        return b'{"a":' * 3000 + b"1" + b"}" * 3000
    return json.dumps(_tree_changed(json.loads(content), rng)).encode()


def _toml_changed(content: bytes, rng: np.random.Generator) -> bytes:
    import tomli_w

    tree = _tree_changed(tomllib.loads(content.decode()), rng)
    try:
        return tomli_w.dumps(tree).encode()
    except (TypeError, AttributeError):  # None, or no table at all
        return b"title = 3\npeople = 4\n"


def _tree_changed(tree: Any, rng: np.random.Generator) -> Any:
    """A tree in which one value is another, has gone, or has company."""
    places = list(_places(tree))
    if not places:
        return _odd(rng)
    parent, key = places[rng.integers(len(places))]
    if rng.random() < 0.15:
        del parent[key]
    elif isinstance(parent, dict) and rng.random() < 0.1:
        parent["unknown"] = _odd(rng)
    else:
        parent[key] = _odd(rng)
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    items: Any = ()
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, list):
        items = enumerate(tree)
    for key, value in items:
        yield tree, key
        yield from _places(value)


def _odd(rng: np.random.Generator) -> Any:
    return _ODD[rng.integers(len(_ODD))]


def _safetensors_changed(content: bytes, rng: np.random.Generator) -> bytes:
    n = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + n]), content[8 + n :]
    about = header["__metadata__"]
    if rng.random() < 0.7:
        name = next(iter(about))
        about[name] = _json_changed(about[name].encode(), rng).decode()
    else:
        header = _tree_changed(header, rng)
    text = json.dumps(header).encode()
    length = len(text) if rng.random() < 0.9 else int(rng.integers(2**40))
    return length.to_bytes(8, "little") + text + data


def _table_changed(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.decode().splitlines()
    row = int(rng.integers(len(lines)))
    separator = "," if "," in lines[row] else "\t" if "\t" in lines[row] else " "
    cells = lines[row].split(separator)
    cells[rng.integers(len(cells))] = rng.choice(
        ["", "nan", "inf", "-1e999", "1,5", "word", "1;2", "\x00", "9" * 400, "#", '"']
    )
    lines[row] = separator.join(cells)
    return "\n".join(lines).encode()


def _database_changed(path: Path, rng: np.random.Generator) -> str:
    """Let a value of a study's database be of another kind; return the statement."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE sql > ''")
        ]
        table = str(rng.choice(sorted(tables)))
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = str(rng.choice(columns)) if columns else ""
        value = str(rng.choice(["'word'", "x'00ff'", "-1", "1e308", "''", '\'{"a": "b"}\'']))
        statement = f"UPDATE OR IGNORE {table} SET {column} = {value}"  # noqa: S608 (of no use to anybody)
        if rng.random() < 0.15:
            statement = f"DROP TABLE {table}"
        with contextlib.suppress(sqlite3.Error):
            connection.execute(statement)
            connection.commit()
    return statement


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[None]:
    """Leave out what comes after all reading and takes long: training, trials, figures."""
    from mcnet.core.errors import McnetError

    def ends(*_: object, **__: object) -> None:
        raise McnetError("all was read.")

    with contextlib.ExitStack() as stack:
        for name in (
            *("mcnet.experiments.reproduce.train_models", "mcnet.experiments.train.train_models"),
            *(
                "mcnet.training.shipped.corrector_training._train_to_correct",
                "mcnet.training.shipped.corrector_training._train_severity_estimator",
            ),
            *("mcnet.evaluation.trial.try_corrector", "mcnet.reader_study.serving.serve"),
            "mcnet.report.motion_figure.write_motion_figure",
            "mcnet.correction.export.export_onnx",
        ):
            stack.enter_context(mock.patch(name, ends))
        stack.enter_context(mock.patch("mcnet.correction.models.WEIGHTS", folder / "weights"))
        yield


def _work(pipe: Connection, whole: Path) -> None:
    """Try what comes through a pipe, in a process that may die of it."""
    for subject in SUBJECTS:  # imports take long, and are not what is measured
        if subject.name in ("compare", "correct", "simulate", "report"):
            outcome_of(subject, whole, None)
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            number, seed = pipe.recv()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pipe.send(outcome_of(SUBJECTS[number], whole, seed))


def failures(n: int, seed: int, whole: Path, names: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield what is wrong, of ``n`` trials; each trial's seed is the first one and its number."""
    context = multiprocessing.get_context("spawn")
    chosen = [k for k, one in enumerate(SUBJECTS) if not names or one.name in names]
    process: Any = None
    for trial_seed in range(seed, seed + n):
        number = chosen[trial_seed % len(chosen)]
        if process is None:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, whole), daemon=True)
            process.start()
            theirs.close()
            ours.recv()
        ours.send((number, trial_seed))
        wrong = "no answer within a minute"
        with contextlib.suppress(EOFError, ConnectionResetError):
            if ours.poll(LIMIT_S):
                wrong = ours.recv()
                if wrong is None:
                    continue
                yield f"{SUBJECTS[number].name}, seed {trial_seed}: {wrong}"
                continue
        process.join(1)
        if process.exitcode is not None:
            wrong = f"the process ended with {process.exitcode}"
        process.kill()
        process = None
        yield f"{SUBJECTS[number].name}, seed {trial_seed}: {wrong}"
    if process is not None:
        ours.close()
        process.join(5)
        process.kill()


def main() -> None:
    """Try as many as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=())
    given = parser.parse_args()
    from malformed_inputs import write_inputs

    with tempfile.TemporaryDirectory() as room:
        whole = write_inputs(Path(room) / "whole")
        n_failed = 0
        for wrong in failures(given.n, given.seed, whole, tuple(given.only)):
            n_failed += 1
            sys.stdout.write(wrong + "\n")
            sys.stdout.flush()
        sys.stdout.write(f"{n_failed} of {given.n} failed\n")


if __name__ == "__main__":
    main()
