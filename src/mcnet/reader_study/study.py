"""A study on disk.

It is a folder::

    study.toml          every word that readers see; may be edited
    study.json          what was drawn from where, with its provenance
    pixels.sqlite       the images, without their names
    readings.sqlite     the key (which image is which), readers, and their readings
    report/             what mcnet readers report wrote
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from mcnet.core.documents import read_json_object
from mcnet.core.errors import McnetError
from mcnet.core.outputs import Kind
from mcnet.core.records import is_recorded
from mcnet.core.seeds import MAX_SEED
from mcnet.reader_study.schema import PIXELS, READINGS, check_database
from mcnet.reader_study.settings import Design, StudySettings, read_study_settings

SETTINGS = "study.toml"
RECORD = "study.json"
KIND = "reader study"
REPORT_RECORD = "report.json"
STUDY = Kind(
    "a study is a folder of its own",
    foreign="is there and not empty; name a new folder, so that no reading is lost",
    is_folder=True,
)
"""A study: as an output new."""
REPORT = Kind(
    "a report is a folder of its own",
    is_ours=lambda folder: all(
        is_recorded(path, folder / REPORT_RECORD) for path in folder.rglob("*")
    ),
    foreign=(
        "is there and holds no report of a reader study, or other files beside it; name a new "
        "folder by -o"
    ),
    is_folder=True,
)
"""The report of a study, which is replaced whole."""


@dataclass(frozen=True)
class Study:
    """A study on disk."""

    folder: Path
    settings: StudySettings
    design: Design
    record: dict[str, Any]
    """What ``study.json`` says."""

    @property
    def pixels(self) -> Path:
        """The database of images."""
        return self.folder / PIXELS

    @property
    def readings(self) -> Path:
        """The database of readers and readings."""
        return self.folder / READINGS


def open_study(folder: Path) -> Study:
    """The study in a folder.

    Raises
    ------
    McnetError
        There is none, a file of it is missing, its words are no longer readable, or its criteria
        are not those drawn.
    """
    record = _read_record(folder)
    for name in (PIXELS, READINGS):
        if not (folder / name).is_file():
            raise McnetError(f"{folder / name} is missing; put it back from a backup of the study.")
    check_database(folder / READINGS)
    settings = read_study_settings(folder / SETTINGS)
    names = [criterion.name for criterion in settings.criteria]
    if names != record["criteria"]:
        raise McnetError(
            f"{folder / SETTINGS} has the criteria {', '.join(names)}, and the study was made "
            f"with {', '.join(record['criteria'])}; edit questions and labels alone."
        )
    return Study(folder, settings, record["drawing"]["design"], record)


@dataclass(frozen=True)
class _Drawn:
    design: Design


@dataclass(frozen=True)
class _Record:
    """What is used of ``study.json``."""

    kind: Literal["reader study"]
    criteria: tuple[str, ...]
    versions: tuple[str, ...]
    drawing: _Drawn
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    record = read_json_object(path) if path.is_file() else {}
    if record.get("kind") != KIND:
        raise McnetError(
            f"{folder} holds no reader study; make one with mcnet readers create RUN -o {folder}."
        )
    try:
        TypeAdapter(_Record).validate_python(record)
    except ValidationError as error:
        wrong = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise McnetError(
            f"{path} does not say what was drawn ({wrong} is missing or of another kind); put it "
            "back from a backup of the study."
        ) from error
    return record
