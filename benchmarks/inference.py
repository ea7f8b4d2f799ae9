"""What computes the network fastest on a CPU: PyTorch, ONNX Runtime or OpenVINO.

Run it as ``python benchmarks/inference.py``; it prints its part of the page. Weights are random:
they do not change the time.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import page
import torch
from timing import Times, elapsed, take_turns, with_peak_memory

from mcnet.correction.batches import in_batches
from mcnet.correction.export import INPUT, export_onnx
from mcnet.correction.models import Model, load_model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.outcome import Assessment, Severity
from mcnet.correction.scan import correct_scan
from mcnet.correction.slices import ready_network
from mcnet.io.volume import Volume
from mcnet.networks.model_card import ModelCard
from mcnet.networks.unet import UNet, UNetConfig
from mcnet.networks.weights import save_network

Images = np.ndarray
Call = Callable[[Images], Images]

OURS = "mcnet: the same, a batch on each core"
PACKAGES = ("ONNX Runtime", "OpenVINO")
SCAN = UNetConfig(levels=5, width=8, head="residual", search_difference=True)
SLICE = UNetConfig(levels=5, width=12, head="residual", fold=2)
"""The networks of the shipped models, of 1 mm and of 2 mm."""
N_SLICES, N_AT_ONCE = 176, 8
N_ROUNDS = 5


@dataclass(frozen=True)
class Case:
    """Images that every side corrects, and how often."""

    images: Images
    sides: Mapping[str, Call]
    n_batches: int

    def times(self, n_rounds: int) -> dict[str, Times]:
        """Times of the sides, which take turns."""
        calls = {name: lambda name=name: self._whole(name) for name in self.sides}
        return take_turns(calls, n_rounds)

    def error(self, name: str) -> float:
        """Largest difference of a side's images from those of the plain network."""
        plain = next(iter(self.sides.values()))
        return float(np.abs(self.sides[name](self.images) - plain(self.images)).max())

    def _whole(self, name: str) -> None:
        side = self.sides[name]
        if name == OURS:
            in_batches(lambda _: side(self.images), self.n_batches, 1, device="cpu")
            return
        for _ in range(self.n_batches):
            side(self.images)


class _NoSeverityEstimator:
    """Tells the same of every scan, so that the time is the correction's alone."""

    about: Mapping[str, str] = MappingProxyType({"name": "none", "sha256": ""})

    def assess(self, volume: Volume) -> Assessment:
        """Return the same for every scan."""
        del volume
        return Assessment(Severity(1.0, 0.0, 2.0), is_still=False)


def section() -> page.Section:
    """Time of every side for a whole scan and for one slice, and of a correction as a whole."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        scan_model = model_of(SCAN, Path(folder) / "scan.safetensors")
        slice_model = model_of(SLICE, Path(folder) / "slice.safetensors")
        images = rng.random((N_AT_ONCE, SCAN.n_inputs, 256, 256), dtype=np.float32)
        whole = Case(images, sides(scan_model, Path(folder)), N_SLICES // N_AT_ONCE)
        one = rng.random((1, 1, 128, 128), dtype=np.float32)
        single = Case(one, sides(slice_model, Path(folder)), 1)
        of_scan, of_slice = whole.times(N_ROUNDS), single.times(8 * N_ROUNDS)
        volume = Volume(rng.random((N_SLICES, 256, 256), dtype=np.float32), np.eye(4), "noise")
        alone = CorrectionOptions(search=False)
        seconds, memory_mb = _correction(volume, scan_model, alone)
        searched_s, searched_mb = _correction(volume, scan_model, CorrectionOptions(force=True))
        rows = [_row(name, of_scan, of_slice, whole, single) for name in of_scan]
    head = ("side", "a scan", "times ours", "a slice", "times ours", "largest difference")
    slice_ms = 1e3 * of_slice[OURS].median
    return page.Section(
        "Correction on a CPU",
        [
            f"*A scan*: {N_SLICES} slices of 256 x 256 in batches of {N_AT_ONCE}, by the network "
            f"of the 1 mm model ({scan_model.network.n_parameters / 1e6:.1f} million parameters). "
            "*A slice*: one of 128 x 128, by a network of "
            f"{slice_model.network.n_parameters / 1e6:.1f} million. The sides take turns and use "
            "all cores: mcnet computes whole batches beside one another, the others share each "
            "convolution between the cores. Differences are from the first row.",
            page.table(head, rows),
            f"`correct_scan` of such a scan, judging it aside: {seconds:.1f} s and "
            f"{memory_mb:.0f} MB beyond the scan by the network alone, {searched_s:.1f} s and "
            f"{searched_mb:.0f} MB with a search for the motion. {_gain(of_scan)}",
        ],
        [
            page.Target("a scan by the network in 10 s or less", seconds, seconds <= 10),
            page.Target("with a search in 30 s or less", searched_s, searched_s <= 30),
            page.Target("a slice of 2 mm in 15 ms or less", slice_ms, slice_ms <= 15),
        ],
    )


def _gain(of_scan: Mapping[str, Times]) -> str:
    """Return what the best of the other packages would save, and what mcnet makes of it."""
    others = [name for name in PACKAGES if name in of_scan]
    if not others:
        return "No other package is installed here."
    best = min(others, key=lambda name: of_scan[name].median)
    saved_s = of_scan[OURS].median - of_scan[best].median
    told = f"{best} would save {saved_s:.1f} s" if saved_s > 0 else f"{best} would save nothing"
    return (
        f"{told} of a scan. It would need a package and files beside PyTorch's, or an export that "
        "takes longer than a correction: mcnet stays with PyTorch."
    )


def model_of(config: UNetConfig, path: Path) -> Model:
    """A model of random weights, in a file as it would come with mcnet."""
    torch.manual_seed(1)
    network = UNet(config)
    torch.nn.init.normal_(network.last.weight)
    network.train()(torch.rand(4, config.n_inputs, 128, 128))
    card = ModelCard(name=path.stem, plane="sagittal", trained_pixel_mm=(1.0, 1.0))
    save_network(path, network, card=card)
    return load_model(str(path))


def sides(model: Model, folder: Path) -> dict[str, Call]:
    """What computes the network, by name, the plain one first; what is not installed is absent."""
    ready = ready_network(model.network, "cpu")
    found: dict[str, Call] = {
        "PyTorch as it is": _in_torch(model.network),
        "PyTorch, batch norm folded, channels last": _in_torch(ready),
        OURS: _in_torch(ready),
    }
    if shutil.which("g++"):
        found["torch.compile"] = _in_torch(torch.compile(ready))
    path = folder / f"{model.name}.onnx"
    export_onnx(model, path)
    for name, maker in zip(PACKAGES, (_in_onnxruntime, _in_openvino), strict=True):
        try:
            found[name] = maker(path)
        except ImportError:
            continue
    return found


def _in_torch(network: Callable[[torch.Tensor], torch.Tensor]) -> Call:
    def call(images: Images) -> Images:
        with torch.inference_mode():
            return network(torch.from_numpy(images)).numpy()

    return call


def _in_onnxruntime(path: Path) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {INPUT: images})[0]


def _in_openvino(path: Path) -> Call:
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    return lambda images: compiled(images)[0]


def _correction(volume: Volume, model: Model, options: CorrectionOptions) -> tuple[float, float]:
    def call() -> None:
        correct_scan(volume, model, severity_estimator=_NoSeverityEstimator(), options=options)

    call()
    _, memory_mb = with_peak_memory(call)
    return elapsed(call), memory_mb


def _row(
    name: str, of_scan: Mapping[str, Times], of_slice: Mapping[str, Times], whole: Case, one: Case
) -> tuple[str, ...]:
    cells = [name]
    for times in (of_scan, of_slice):
        cells += [str(times[name]), f"{times[name].median / times[OURS].median:.2f}"]
    return (*cells, f"{max(whole.error(name), one.error(name)):.0e}")


if __name__ == "__main__":
    page.show(section())
