"""Conclusions of a run in sentences, computed from its table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mcnet.evaluation.comparisons import ALPHA, smallest_p
from mcnet.evaluation.question import BASELINES

Row = Mapping[Any, Any]
"""One model's line of the summary."""

_SMALLEST_STEP = 0.0005  # smaller differences do not show in a table of three decimals


def conclusions(table: pd.DataFrame, model: str) -> list[str]:
    """Sentences on one model, mode by mode, from a `mcnet.evaluation.statistics.summary`."""
    sentences = []
    for mode in dict.fromkeys(table["mode"]):
        of_mode = {row["model"]: row for row in table[table["mode"] == mode].to_dict("records")}
        if "corrupted" not in of_mode or model not in of_mode:
            continue
        about, few = _counted(of_mode[model])
        text = " ".join([*_mode_sentences(of_mode, model), *few])
        sentences.append(f"{_capital(mode)}, {about}: {text}")
    return sentences or ["There are no corrupted images or no model in the table: no conclusion."]


def _counted(row: Row) -> tuple[str, list[str]]:
    """Of how many slices the means are, and a sentence where that is of too few subjects."""
    n_subjects = int(row["n_subjects"])
    of_subjects = f"{n_subjects} subject{'' if n_subjects == 1 else 's'}"
    about = f"means of {row['n']} slice{'' if row['n'] == 1 else 's'} of {of_subjects}"
    if smallest_p(n_subjects) <= ALPHA:
        return about, []
    return about, [f"Of {of_subjects} no test can show that the same holds for others."]


def _mode_sentences(table: Mapping[str, Row], model: str) -> list[str]:
    """Sentences on one mode."""
    before, after = table["corrupted"], table[model]
    whole = _change(model, float(before["ssim_mean"]), float(after["ssim_mean"]))
    sentences = [f"{whole[0]} whole-image SSIM {whole[1]}"]
    if "registered" in table and model != "registered":
        reached = float(table["registered"]["ssim_mean"])
        sentences[0] += f"; registration alone reaches {reached:.3f}."
        if float(after["ssim_mean"]) < reached - _SMALLEST_STEP:
            sentences.append(f"{model} LOSES to registration alone on the whole image.")
    else:
        sentences[0] += "."
    sentences.append(_registered_sentence(before, after, model))
    sentences += _control_sentence(table, model)
    return sentences


def _registered_sentence(before: Row, after: Row, model: str) -> str:
    """Inside the head after registration, where neither air nor alignment contributes."""
    low, high = (
        float(before["ssim_head_registered_mean"]),
        float(after["ssim_head_registered_mean"]),
    )
    recovered = 100 * float(after["ssim_head_registered_recovered"])
    found = f"Inside the head after registration: from {low:.3f} to {high:.3f}"
    if high < low - _SMALLEST_STEP:
        return f"{found}: there {model} LOSES to registration alone."
    if high < low + _SMALLEST_STEP:
        return f"{found}: there {model} gains nothing over registration alone."
    return f"{found}, {recovered:.1f} % of the SSIM deficit recovered."


def _control_sentence(table: Mapping[str, Row], model: str) -> list[str]:
    """Compare with the control: L1 alone for as many epochs."""
    if "l1-long" not in table or model in ("l1-long", *BASELINES):
        return []
    return [
        _against_control(where, model, float(table[model][column] - table["l1-long"][column]))
        for where, column in (
            ("On the whole image", "ssim_mean"),
            ("Inside the head after registration", "ssim_head_registered_mean"),
        )
    ]


def _against_control(where: str, model: str, difference: float) -> str:
    """One place's comparison with the control."""
    if abs(difference) < _SMALLEST_STEP:
        return f"{where} L1 alone for as many epochs (l1-long) does as well as {model}."
    better = "above" if difference > 0 else "BELOW"
    return (
        f"{where} {model} is {abs(difference):.3f} {better} L1 alone for as many epochs (l1-long)."
    )


def _change(model: str, before: float, after: float) -> tuple[str, str]:
    """Return the verb and the numbers of a change."""
    if abs(after - before) < _SMALLEST_STEP:
        return f"{model} leaves", f"at {before:.3f}"
    verb = "raises" if after > before else "LOWERS"
    return f"{model} {verb}", f"from {before:.3f} to {after:.3f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
