"""The commands of a reader study as a user meets them."""

import json
import re
import signal
import subprocess
from contextlib import suppress

import nibabel as nib
import numpy as np
import pytest
from drawn_studies import drawn_study, read_by, started
from properties import ellipsoid

from mcnet.cli.main import GROUPS, main

CODE = re.compile(r"^(reader-\d)  ([A-Z2-9]{4}(?:-[A-Z2-9]{4}){3})$", re.MULTILINE)


def run(*arguments):
    main([str(argument) for argument in arguments])


def fails(capsys, *arguments):
    """The sentence on which a command ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        run("readers", *arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err.strip()
    assert "Traceback" not in message
    return " ".join(message.split())


@pytest.fixture
def images(tmp_path):
    """Four heads in two versions, as arguments."""
    rng = np.random.default_rng(2)
    for number in range(4):
        head = ellipsoid((23, 27, 25), (7, 6, 8), centre_mm=(3, 0, 0), radii_mm=(55, 60, 70))
        for version, noise in (("corrupted", 0.1 * (number + 1)), ("reference", 0.0)):
            values = head + noise * rng.random(head.shape, dtype=np.float32)
            (tmp_path / version).mkdir(exist_ok=True)
            path = tmp_path / version / f"sub-{number}.nii.gz"
            nib.save(nib.Nifti1Image(values, np.diag([7.0, 6, 8, 1])), path)
    return [
        part
        for version in ("corrupted", "reference")
        for part in ("--images", f"{version}={tmp_path / version}")
    ]


def test_a_study_of_folders_is_drawn_and_its_codes_are_printed_alone(tmp_path, images, capsys):
    run("readers", "create", *images, "-o", tmp_path / "study", "--readers", 3, "--cases", 3)
    out = capsys.readouterr().out
    assert [name for name, _ in CODE.findall(out)] == ["reader-1", "reader-2", "reader-3"]
    assert len(out.splitlines()) == 3
    record = json.loads((tmp_path / "study" / "study.json").read_text())
    assert record["versions"] == ["corrupted", "reference"]
    assert len(record["inputs_sha256"]) == 8
    assert record["drawing"]["n_cases"] == 3


def test_a_new_code_is_printed(tmp_path, capsys):
    study, _ = drawn_study(tmp_path / "study")
    run("readers", "code", study.folder, "reader-2")
    assert [name for name, _ in CODE.findall(capsys.readouterr().out)] == ["reader-2"]
    assert "there is no reader 'x'" in fails(capsys, "code", study.folder, "x")


def test_a_study_is_drawn_from_one_place(tmp_path, images, capsys):
    for given in ((), (tmp_path / "run", *images)):
        told = fails(capsys, "create", *given, "-o", tmp_path / "study")
        assert "a study is drawn from one place" in told


@pytest.mark.parametrize("given", ["corrupted", "corrupted=", "=folder", "a b=folder"])
def test_images_that_name_no_version_and_folder_are_refused(tmp_path, capsys, given):
    told = fails(capsys, "create", "--images", given, "-o", tmp_path / "study")
    assert f"--images {given} is not VERSION=DIR" in told


def test_another_address_is_refused_without_leave(tmp_path, capsys):
    study, _ = drawn_study(tmp_path / "study")
    told = fails(capsys, "serve", study.folder, "--host", "0.0.0.0")  # noqa: S104
    assert "0.0.0.0 can be reached from other machines" in told
    assert "--allow-remote" in told


@pytest.mark.parametrize("name", ["https://a.org", "a.org:443", "a.org/", "-a.org", "a..org", ""])
def test_what_is_no_name_of_a_proxy_is_refused(tmp_path, capsys, name):
    study, _ = drawn_study(tmp_path / "study")
    told = fails(capsys, "serve", study.folder, f"--behind-tls={name}")
    assert f"--behind-tls {name}".strip() in told
    assert "such as readers.example.org, without https:// and port" in told


@pytest.mark.parametrize("command", [("serve",), ("report",), ("code", "reader-1")])
def test_what_is_no_study_is_told(tmp_path, capsys, command):
    told = fails(capsys, command[0], tmp_path, *command[1:])
    assert "holds no reader study; make one with mcnet readers create" in told


@pytest.mark.slow
def test_a_report_is_written_into_the_study_or_where_one_says(tmp_path, capsys):
    study, _ = drawn_study(tmp_path / "study", design="choice")
    assert "no readings yet" in fails(capsys, "report", study.folder)
    read_by(study, lambda _: {"choice": 2})
    run("readers", "report", study.folder)
    run("readers", "report", study.folder, "-o", tmp_path / "elsewhere")
    for folder in (study.folder / "report", tmp_path / "elsewhere"):
        assert (folder / "report.html").is_file()
        assert (folder / "preferences.csv").is_file()


@pytest.mark.slow
def test_ctrl_c_ends_the_server_in_a_true_sentence(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    server = started(study.folder)
    for _ in range(4):  # where signals are ignored at the start, an early one is lost
        server.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(timeout=10)
            break
    assert server.process.returncode == 0
    server.listener.join()
    assert "every reading is saved" in server.said[0]
    server.process.stderr.close()


@pytest.mark.parametrize("command", [[], *([second] for second in GROUPS["readers"][1])])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        run("readers", *command, "--help")
    assert ended.value.code == 0
    assert "usage: mcnet readers" in capsys.readouterr().out


@pytest.mark.parametrize("module", ["fastapi", "statsmodels", "uvicorn"])
def test_a_missing_extra_is_told(monkeypatch, capsys, module):
    def broken():
        raise ModuleNotFoundError(f"No module named '{module}'", name=f"{module}.part")

    monkeypatch.setitem(GROUPS["readers"][1], "report", broken)
    assert fails(capsys, "report").endswith(
        "needs the extra readers: in a copy of mcnet's repository, give pip install '.[readers]' "
        "-c constraints.txt."
    )
