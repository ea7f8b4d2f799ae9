"""Where the server listens: on this machine, unless told otherwise."""

import socket

import pytest

from mcnet.core.errors import McnetError
from mcnet.reader_study.serving import is_local, listening


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "::1"])
def test_this_machine_is_local(host):
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.168.1.7", "10.0.0.1", "example.org", "", "127.0.0.1.evil"],  # noqa: S104
)
def test_another_address_is_refused_unless_it_is_allowed(host):
    assert not is_local(host)
    with pytest.raises(McnetError, match="keep to 127.0.0.1, or give --allow-remote"):
        listening(host, 0)


def test_with_leave_it_listens_everywhere():
    with listening("0.0.0.0", 0, allow_remote=True) as server:  # noqa: S104
        assert server.getsockname()[0] == "0.0.0.0"  # noqa: S104


def test_a_port_in_use_is_told_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(McnetError, match=f"127.0.0.1:{port} cannot be listened on .* --port"):
            listening("127.0.0.1", port)


def test_an_impossible_port_is_told_in_a_sentence():
    with pytest.raises(McnetError, match="--port"):
        listening("127.0.0.1", 123456)


def test_any_free_port_is_taken_for_zero():
    with listening("127.0.0.1", 0) as server:
        assert server.getsockname()[1] > 0
