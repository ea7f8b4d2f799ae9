import json

import pytest

from mcnet.core.documents import parse_json, read_json_object, read_toml
from mcnet.core.errors import McnetError

SIDECAR = {"PatientName": "Müller", "EchoTime": 0.003}
TEXT = json.dumps(SIDECAR, ensure_ascii=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_json_is_read_in_every_encoding_that_converters_write(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes(TEXT.encode(encoding))
    assert read_json_object(tmp_path / "a.json") == SIDECAR


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_json_has_no_number_for_is_none(number):
    assert parse_json(f'{{"gain": {number}}}', "card") == {"gain": None}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"cut": ',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b"[]",
        b"3",
        b"null",
    ],
)
def test_anything_else_is_refused_in_a_sentence_that_names_the_file(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(McnetError, match=r"a\.json .* mend it or take it away\.$"):
        read_json_object(tmp_path / "a.json")


def test_a_missing_json_file_is_refused(tmp_path):
    with pytest.raises(McnetError, match="cannot be read"):
        read_json_object(tmp_path / "none.json")


@pytest.mark.parametrize(
    "content", [b"a = ", b"\xff\xfe", b"a = " + b"[" * 100_000, b"a = " + b"9" * 5000]
)
def test_what_is_no_toml_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(McnetError, match=r"a\.toml .* see experiments/quick\.toml"):
        read_toml(tmp_path / "a.toml")


def test_toml_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.toml").write_bytes("seed = 3".encode("utf-8-sig"))
    assert read_toml(tmp_path / "a.toml") == {"seed": 3}
