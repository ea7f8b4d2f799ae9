"""What a corrector learns from: simulated scans, pairs after a search, and what its card says."""

from dataclasses import asdict
from functools import partial
from os.path import normpath
from pathlib import Path

from mcnet.core.progress import Announce
from mcnet.correction.severity_estimator import load_severity_estimator
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.subjects import Subject, check_names_known, subjects_in_folder
from mcnet.datasets.varied.scans import VariedScans
from mcnet.networks.model_card import ModelCard, Subjects
from mcnet.training.processes import Processes
from mcnet.training.shipped.corrector import Corrector
from mcnet.training.shipped.searched_scans import load, search_scans


def scans_of(corrector: Corrector, root: Path) -> tuple[VariedScans, VariedScans]:
    """Simulated scans of the training subjects, and of those for validation.

    Raises
    ------
    McnetError
        A folder or a subject is missing.
    """
    train: list[tuple[Subject, int]] = []
    validation: list[tuple[Subject, int]] = []
    for part in corrector.subjects:
        subjects = subjects_in_folder(Path(normpath(root / part.folder)))
        check_names_known(part.folder, subjects, (*part.validation, *part.held_out))
        for subject in subjects:
            if subject.name in part.validation:
                validation.append((subject, part.scans_per_subject))
            elif subject.name not in part.held_out:
                train.append((subject, part.scans_per_subject))

    def scans(chosen: list[tuple[Subject, int]], seed: int) -> VariedScans:
        subjects, counts = [subject for subject, _ in chosen], [count for _, count in chosen]
        return VariedScans(subjects, counts, corrector.variety, seed)

    return scans(train, corrector.seed), scans(validation, corrector.seed + 1)


def pairs_of(
    corrector: Corrector,
    train: VariedScans,
    validation: VariedScans,
    folder: Path,
    announce: Announce,
    processes: Processes,
) -> tuple[VariedScans | ImagePairs, ImagePairs]:
    """What is trained on, scans made anew or pairs after a search, and fixed validation pairs."""
    searches = corrector.searches
    if not searches.n_train:
        with announce(f"Simulating {len(validation.subjects)} validation subjects") as on_progress:
            return train, processes.by_first(
                lambda: validation.fixed_pairs(on_progress=on_progress)
            )
    severity_estimator, files = load_severity_estimator(), []
    for scans, n_searches, scans_each, what in (
        (train, searches.n_train, searches.scans_each, "training"),
        (validation, searches.n_validation, searches.validation_scans_each, "validation"),
    ):
        with announce(f"Searching the motion of simulated {what} scans") as on_progress:
            search = partial(
                search_scans,
                *(scans, n_searches, scans_each, folder / "searched"),
                severity_estimator=severity_estimator,
            )
            files.append(processes.by_first(partial(search, on_progress=on_progress)))
    of_training, of_validation = files
    return load(of_training), load(of_validation)


def card_of_corrector(
    corrector: Corrector, train: VariedScans, validation: VariedScans
) -> ModelCard:
    """Model card, as far as the corrector's settings and its subjects tell it."""
    return ModelCard(
        name=corrector.name,
        purpose=corrector.purpose,
        contrast=corrector.contrast,
        plane="sagittal",
        trained_pixel_mm=corrector.variety.pixel_mm,
        subjects=Subjects(
            trained_on=tuple(subject.name for subject in train.subjects),
            validated_on=tuple(subject.name for subject in validation.subjects),
            held_out=tuple(name for part in corrector.subjects for name in part.held_out),
        ),
        data=(corrector.data,),
        licence=corrector.licence,
        limits=corrector.limits,
        further={
            "start": corrector.start,
            "variety": asdict(corrector.variety),
            "searches": asdict(corrector.searches),
        },
    )
