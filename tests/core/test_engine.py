"""Engines: what cannot compute is refused, and a GPU makes the images of the CPU.

Where there is no GPU, numpy stands in for cupy behind arrays that refuse to mix with those of the
CPU, as a GPU's do: the code that moves data and calls cufinufft is run in any case.
"""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import finufft
import numpy as np
import pytest
from conftest import ROOT
from properties import ellipsoid, relative_error

from mcnet.core import engine as module
from mcnet.core.engine import Engine, n_cores, n_threads_at_most
from mcnet.core.errors import McnetError
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.simulator import (
    corrupt,
    corrupt_still_slices,
    corrupt_volume,
    slices_to_corrupt,
    still_slices,
)

SCAN = Acquisition((18, 26, 22), (144.0, 156.0, 143.0))
SIZE = (4.0, 4.0, 4.0)
STATED_ERROR = 1e-4


@pytest.fixture(autouse=True)
def forgotten():
    """Cupy is looked for once and then remembered; each test looks anew."""
    module._cupy.cache_clear()
    yield
    module._cupy.cache_clear()


@pytest.fixture
def head():
    return ellipsoid((33, 37, 35), SIZE, centre_mm=(4, 0, 0), radii_mm=(40.0, 55.0, 50.0))


@pytest.fixture
def motion(rng):
    return MotionTrace(3 * rng.normal(size=(26, 3)), 4 * rng.normal(size=(26, 3)), name="m")


class OnGpu(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that refuses those of the CPU, and to become one unasked."""

    def __init__(self, host):
        self.host = host

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        options["out"] = tuple(one.host for one in options.get("out", ())) or None
        values = [given.host if isinstance(given, OnGpu) else given for given in inputs]
        for given in inputs:
            assert isinstance(given, OnGpu) or np.ndim(given) == 0, "an array of the CPU"
        return OnGpu(getattr(ufunc, method)(*values, **options))

    def __array__(self, *_arguments, **_options):
        raise TypeError("implicit conversion to an array of the CPU")

    def __getattr__(self, name):
        found = getattr(self.host, name)
        return (
            (lambda *args, **options: OnGpu(found(*args, **options))) if callable(found) else found
        )

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (OnGpu(row) for row in self.host)

    def __setitem__(self, place, value):
        index = tuple(one.host if isinstance(one, OnGpu) else one for one in place)
        self.host[index] = value

    def __float__(self):
        return float(self.host)


class PlanOnGpu:
    """Cufinufft's plan, by finufft; options that cufinufft does not have are refused."""

    def __init__(self, nufft_type, n_modes, n_trans=1, eps=1e-6, isign=None, dtype="complex64"):
        self.plan = finufft.Plan(nufft_type, n_modes, n_trans, eps, isign, dtype)

    def setpts(self, *points):
        assert all(point.host.dtype == np.float32 for point in points)
        self.plan.setpts(*(point.host for point in points))

    def execute(self, images):
        return OnGpu(self.plan.execute(images.host))


def device(function):
    return lambda values, *args, **options: OnGpu(function(values.host, *args, **options))


@pytest.fixture
def stand_in(monkeypatch):
    """Cupy and cufinufft as far as mcnet calls them."""
    cupy = SimpleNamespace(
        asarray=lambda values, dtype=None: OnGpu(np.array(getattr(values, "host", values), dtype)),
        asnumpy=lambda values: values.host,
        ascontiguousarray=device(np.ascontiguousarray),
        exp=np.exp,
        stack=lambda values: OnGpu(np.stack([one.host for one in values])),
        fft=SimpleNamespace(
            **{name: device(getattr(np.fft, name)) for name in ("ifftshift", "fftshift", "ifftn")}
        ),
        cuda=SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: 1)),
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cufinufft", SimpleNamespace(Plan=PlanOnGpu))


@pytest.fixture
def gpu():
    cupy = pytest.importorskip("cupy", reason="no GPU packages here (the extra gpu)")
    pytest.importorskip("cufinufft", reason="no GPU packages here (the extra gpu)")
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        pytest.skip(f"no GPU here: {error}")


@pytest.mark.parametrize("route", [corrupt, corrupt_volume])
@pytest.mark.parametrize("mode", ["rotation+translation", "six-dof"])
@pytest.mark.parametrize("device_at_hand", ["stand_in", "gpu"])
def test_a_gpu_makes_the_images_of_the_cpu(request, device_at_hand, route, mode, head, motion):
    request.getfixturevalue(device_at_hand)
    moved = motion.restricted_to(mode)
    on_cpu = route(head, SIZE, moved, SCAN)
    on_gpu = route(head, SIZE, moved, SCAN, Engine("cuda"))
    assert isinstance(on_gpu, np.ndarray)
    assert on_gpu.dtype == np.complex64
    assert relative_error(on_gpu, on_cpu) < STATED_ERROR


@pytest.mark.parametrize("device_at_hand", ["stand_in", "gpu"])
def test_slices_made_ready_on_a_gpu_make_the_images_of_the_cpu(
    request, device_at_hand, head, motion
):
    request.getfixturevalue(device_at_hand)
    moved = motion.restricted_to("rotation+translation")
    slices = still_slices(head, SIZE, SCAN, np.array([-9.0, 3.0, 11.0]))
    images = [
        corrupt_still_slices(slices_to_corrupt(slices, SIZE, engine), moved, SCAN)
        for engine in (Engine("cuda"), Engine())
    ]
    assert isinstance(images[0], np.ndarray)
    assert relative_error(*images) < STATED_ERROR


def test_frequencies_beyond_the_band_are_zero_on_a_gpu_too(stand_in, head, motion):
    fine = Acquisition((18, 42, 22), (144.0, 156.0, 143.0))  # beyond the band of 4 mm along y
    longer = MotionTrace(
        *(np.resize(part, (42, 3)) for part in (motion.translation_mm, motion.rotation_deg))
    )
    images = [
        corrupt_volume(head, SIZE, longer, fine, engine) for engine in (Engine(), Engine("cuda"))
    ]
    assert relative_error(*images) < STATED_ERROR


def test_threads_change_rounding_alone(head, motion):
    slices = motion.restricted_to("rotation")
    one, two = (corrupt(head, SIZE, slices, SCAN, Engine(n_threads=n)) for n in (1, 2))
    assert relative_error(two, one) < 1e-5


def test_a_missing_package_is_told(monkeypatch, head, motion):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(
        McnetError, match=r"not installed: in a copy .* give pip install '\.\[gpu\]' -c"
    ):
        corrupt(head, SIZE, motion, SCAN, Engine("cuda"))


def test_a_missing_gpu_is_told(monkeypatch, stand_in):
    def refuse():
        raise RuntimeError("cudaErrorNoDevice")

    monkeypatch.setattr(sys.modules["cupy"].cuda.runtime, "getDeviceCount", refuse)
    with pytest.raises(McnetError, match="cuda cannot be used here .*; compute on the device cpu"):
        _ = Engine("cuda").xp
    module._cupy.cache_clear()
    monkeypatch.setattr(sys.modules["cupy"].cuda.runtime, "getDeviceCount", lambda: 0)
    with pytest.raises(McnetError, match="not there"):
        _ = Engine("cuda").xp


def test_impossible_engines_are_refused():
    with pytest.raises(McnetError, match="-1 threads are impossible"):
        Engine(n_threads=-1)


def told_by(code, **environment):
    """What a new Python process prints, on both of its streams."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("library", ["mcnet.physics.nufft", "mcnet.networks.unet"])
def test_threads_of_openmp_sleep_while_they_wait(library):
    told = told_by(f"import {library}", OMP_DISPLAY_ENV="verbose")
    spins = re.findall(r"GOMP_SPINCOUNT = '(\d+)'", told)
    if not spins:
        pytest.skip("another OpenMP than GNU's, which does not tell how long it spins")
    assert set(spins) == {"0"}


def test_a_wait_policy_of_the_user_stays():
    told = told_by("import mcnet.physics.nufft", OMP_DISPLAY_ENV="true", OMP_WAIT_POLICY="active")
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in told


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_only_cores_of_the_affinity_are_counted():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from mcnet.core.engine import ALL_CORES, n_cores\n"
        "print(n_cores(), ALL_CORES.threads)"
    )
    assert told_by(code).split() == ["1", "1"]


@pytest.mark.parametrize(
    ("asked", "n"), [("1", 1), ("2,4", 2), ("3", 3), ("9", 4), ("0", 1), ("", 4), ("all", 4)]
)
def test_no_more_threads_than_openmp_may_use(monkeypatch, asked, n):
    monkeypatch.setattr(module, "n_cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert n_threads_at_most() == n
    assert Engine().threads == n
    assert Engine(n_threads=7).threads == 7


def test_the_cores_are_counted_in_one_place():
    sources = [path for path in (ROOT / "src").rglob("*.py") if path.name != "engine.py"]
    counting = [path.name for path in sources if "cpu_count" in path.read_text(encoding="utf-8")]
    assert counting == []
    assert 1 <= n_cores() <= (os.cpu_count() or 1)
