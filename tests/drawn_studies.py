"""Small reader studies of drawn images, and a server of one in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mcnet.reader_study.cases import Case, CaseImages
from mcnet.reader_study.creating import create_study
from mcnet.reader_study.drawing import Drawing
from mcnet.reader_study.readings import save_reading
from mcnet.reader_study.schema import opened
from mcnet.reader_study.settings import StudySettings
from mcnet.reader_study.study import Study, open_study

VERSIONS = ("corrupted", "l1", "reference")


@dataclass(frozen=True)
class DrawnSource:
    """Cases of noise: of more severe ones and of worse versions there is more."""

    n_cases: int = 6
    versions: tuple[str, ...] = VERSIONS
    shape: tuple[int, int, int] = (1, 21, 17)
    n_subjects: int = 3
    inputs: Mapping[str, Path] = field(default_factory=dict)

    @property
    def cases(self) -> tuple[Case, ...]:
        return tuple(
            Case(f"case {k}", f"subject {k % self.n_subjects}", k / self.n_cases)
            for k in range(self.n_cases)
        )

    def images(self, chosen: Sequence[int]) -> Iterator[CaseImages]:
        for index in chosen:
            rng = np.random.default_rng(index)
            head = np.zeros(self.shape, dtype=np.float32)
            head[:, 3:-4, 2:-5] = 1 + 0.2 * rng.random((self.shape[0], *self.inner))
            noise = rng.normal(size=self.shape).astype(np.float32)
            level = {version: 0.3 / (k + 1) for k, version in enumerate(self.versions)}
            frames = {version: head + level[version] * noise for version in self.versions}
            scores = {
                version: {"ssim": 1 - level[version], "nmse": level[version]}
                for version in self.versions
                if version != "reference"
            }
            yield CaseImages(frames, (1.5, 1.25), scores)

    @property
    def inner(self) -> tuple[int, int]:
        return self.shape[1] - 7, self.shape[2] - 7


def drawn_study(
    folder: Path,
    *,
    source: DrawnSource | None = None,
    n_readers: int = 2,
    settings: StudySettings | None = None,
    **drawing: object,
) -> tuple[Study, list[str]]:
    """A new study, and the codes of its readers."""
    codes = create_study(
        folder,
        source or DrawnSource(),
        Drawing(**drawing),
        n_readers=n_readers,
        settings=settings,
    )
    return open_study(folder), list(codes.values())


@dataclass
class Server:
    """A process that serves a study."""

    process: subprocess.Popen[str]
    address: str
    said: list[str] = field(default_factory=list)
    """What it said after its address, once it has ended."""

    def __post_init__(self) -> None:
        # read all along, so that the pipe does not fill
        self.listener = threading.Thread(
            target=lambda: self.said.append(self.process.stderr.read()), daemon=True
        )
        self.listener.start()

    def kill(self) -> None:
        """End it at once, with no chance to tidy up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.listener.join()
        self.process.stderr.close()


def started(folder: Path, *options: str, port: int = 0, host: str = "127.0.0.1") -> Server:
    """Start ``mcnet readers serve`` and wait until it listens."""
    code = "from mcnet.cli.main import main; main()"
    command = [sys.executable, "-c", code, "readers", "serve", str(folder)]
    command += ["--port", str(port), "--host", host, *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    for line in process.stderr:
        if found := re.search(r"http://\S+", line):
            return Server(process, found.group())
    raise AssertionError(f"the server ended with status {process.wait()}")


@contextmanager
def served(folder: Path, *options: str, host: str = "127.0.0.1") -> Iterator[Server]:
    server = started(folder, *options, host=host)
    try:
        yield server
    finally:
        server.kill()


def read_by(study: Study, answer_of: Callable[[dict[str, Any]], dict[str, int]]) -> None:
    """Let every reader read to the end.

    ``answer_of`` is given reader (from 1 on), item, case and version (the first), is_repeat and
    is_mirrored, and says what the reader answers.
    """
    with opened(study.readings) as connection:
        shown = connection.execute(
            "SELECT id, reader, item, is_repeat, is_mirrored, cases.number AS 'case', version "
            "FROM showings JOIN items ON items.number = item JOIN images ON images.number = first "
            "JOIN cases ON cases.number = case_number ORDER BY reader, place"
        ).fetchall()
        for row in map(dict, shown):
            assert save_reading(connection, row["reader"], row["id"], answer_of(row)) == "saved"
