"""The glossary: every term of the README is in it, and every entry says something."""

import re

import pytest
from conftest import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
GROUPS = (
    "Acquisition",
    "Motion",
    "Reconstruction and motion estimation",
    "Networks and training",
    "Evaluation",
    "Files and data",
)
README_TERMS = {
    # what the README may say (a regular expression), and the entry that explains it
    r"k-space": "k-space",
    r"raw (?:k-space|data)": "raw data",
    r"phase-encoding lines?": "phase-encoding line",
    r"partitions?": "partition",
    r"readouts?": "readout",
    r"shots?": "shot",
    r"repetitions?": "repetition",
    r"sequential": "sequential order",
    r"centric": "centric order",
    r"interleaved": "interleaved order",
    r"T1-weighted": "T1-weighted",
    r"MP-?RAGE": "MP-RAGE",
    r"coils?": "coil",
    r"coil sensitivit(?:y|ies)": "coil sensitivity",
    r"fully sampled": "fully sampled",
    r"accelerat(?:ed|ion)": "acceleration",
    r"partial Fourier": "partial Fourier",
    r"signal-to-noise": "signal-to-noise ratio",
    r"magnitude images?": "magnitude image",
    r"sagittal slices?": "sagittal slice",
    r"poses?": "pose",
    r"reference pose": "reference pose",
    r"rigid": "rigid motion",
    r"six degrees of freedom": "six degrees of freedom",
    r"in-plane|within (?:the|their) (?:plane|slices)": "in-plane motion",
    r"through-plane": "through-plane motion",
    r"framewise displacement": "framewise displacement",
    r"motion traces?|traces": "motion trace",
    r"generated motion": "generated motion",
    r"spin history": "spin history",
    r"severity|severe": "severity",
    r"ghost(?:s|ing)": "ghosting",
    r"ringing": "ringing",
    r"simulat(?:or|es|ed|ion)": "simulator",
    r"NU?FFT": "NUFFT",
    r"SENSE": "SENSE",
    r"data-consistency check": "data-consistency check",
    r"accepted": "accepted",
    r"rejected": "rejected",
    r"objective": "objective",
    r"regularisers?": "regulariser",
    r"total variation": "total variation",
    r"joint(?:ly)? estimat(?:ion|ed|es)": "joint estimation",
    r"autofocus": "autofocus",
    r"search for the motion": "search for the motion",
    r"k-space residual": "residual, in k-space",
    r"residuals?": "residual, of an image",
    r"MC-Net": "MC-Net",
    r"U-Net": "U-Net",
    r"correctors?": "corrector",
    r"weights": "weights",
    r"recipes?": "recipe",
    r"variants?": "variant",
    r"controls?": "control",
    r"experiments?": "experiment",
    r"pairs": "pair",
    r"loss": "hybrid loss",
    r"model cards?": "model card",
    r"on-the-fly|fresh motion": "on-the-fly motion",
    r"severity estimator|guard": "severity estimator",
    r"judged still": "severity estimator",
    r"out-of-distribution": "out-of-distribution score",
    r"SSIM": "SSIM",
    r"PSNR": "PSNR",
    r"NMSE": "NMSE",
    r"SSIM deficit|perfect\s+SSIM": "SSIM deficit",
    r"recovers|closes": "recovered share of the SSIM deficit",
    r"baselines?": "baseline",
    r"registration|registered": "registered",
    r"smoothing|smoothed": "smoothed",
    r"whole[- ]image": "whole image",
    r"inside the head|in the head|in-head": "in head",
    r"held[- ]out": "held out",
    r"subjects?": "subject",
    r"reader stud(?:y|ies)": "reader study",
    r"blind(?:ly|ed)": "blinded",
    r"agreement": "agreement",
    r"NIfTI": "NIfTI",
    r"DICOM": "DICOM series",
    r"BIDS": "BIDS",
    r"derivatives?": "derivative",
    r"sidecars?": "sidecar",
    r"ISMRMRD|MRD": "ISMRMRD",
    r"ONNX": "ONNX",
    r"MNI152": "MNI152 template",
    r"motion files?": "motion file",
    r"provenance": "provenance",
    r"workers": "worker",
}
"""Terms of art that a reader meets in the README; add one here when the README begins to use it."""
ALSO = (
    "k-space order",
    "Hessian product",
    "conjugate gradients",
    "Hermitian-even part of the poses",
    "James-Stein shrinkage",
    "Wiener filter",
    "low-rank expansion of coil sensitivities",
    "multi-resolution",
    "gain",
    "in head, registered",
    "train/validation/test split",
)
"""Terms of the other pages that must stay."""


def entries() -> dict[str, list[tuple[str, str]]]:
    """Terms and definitions of each group, in the order of the page."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for part in re.split(r"^## ", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        items = re.split(r"^- ", body, flags=re.MULTILINE)[1:]
        pairs = [re.match(r"\*\*(.+?)\*\*:\s*(.*)", item, re.DOTALL) for item in items]
        assert all(pairs), f"an entry of {heading} is not of the form - **term**: definition"
        groups[heading] = [(pair[1], " ".join(pair[2].split())) for pair in pairs if pair]
    return groups


def all_terms() -> list[str]:
    """Every term, in lower case."""
    return [term.lower() for items in entries().values() for term, _ in items]


def absent_from(terms: list[str], text: str) -> list[str]:
    """Entries that a text needs and that are not among the terms."""
    return [
        entry
        for words, entry in README_TERMS.items()
        if re.search(rf"\b(?:{words})\b", text) and entry.lower() not in terms
    ]


def test_every_term_of_the_readme_is_explained():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    used = [words for words in README_TERMS if re.search(rf"\b(?:{words})\b", readme)]
    assert len(used) > 15, "the list of terms is not that of this README any more"
    assert absent_from(all_terms(), readme) == []


def test_a_term_without_an_entry_is_noticed():
    terms = [term for term in all_terms() if term != "spin history"]
    assert absent_from(terms, "no effects of spin history") == ["spin history"]


@pytest.mark.parametrize("term", [*dict.fromkeys(README_TERMS.values()), *ALSO])
def test_the_glossary_has(term):
    assert term.lower() in all_terms()


def test_the_groups_are_there_in_their_order():
    assert [group for group, items in entries().items() if items] == list(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_entries_are_alphabetic_and_end_as_sentences(group):
    items = entries()[group]
    terms = [term.lower() for term, _ in items]
    assert terms == sorted(terms)
    for term, definition in items:
        assert len(definition.split()) >= 4, f"{term} is hardly explained"
        assert definition[-1] in ".)", f"the definition of {term} does not end"


def test_no_term_has_two_entries():
    terms = all_terms()
    assert sorted(set(terms)) == sorted(terms)


def test_the_share_of_the_deficit_is_defined_once():
    text = GLOSSARY.read_text(encoding="utf-8")
    assert text.count("(SSIM_after - SSIM_before) / (1 - SSIM_before)") == 1


def test_links_of_the_glossary_lead_somewhere():
    text = GLOSSARY.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (GLOSSARY.parent / target).exists(), target
