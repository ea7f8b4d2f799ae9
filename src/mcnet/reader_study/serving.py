"""The study on the network: on this machine alone, unless told otherwise."""

import ipaddress
import re
import socket
from contextlib import ExitStack

import uvicorn

from mcnet.core.errors import McnetError
from mcnet.reader_study.schema import opened
from mcnet.reader_study.server import LOCAL_HOSTS, study_app
from mcnet.reader_study.study import Study

_LAST_PORT = 65535
_QUEUE = 128
"""Connections that wait to be taken."""
_LONGEST_NAME = 253
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
"""A part of a name of a server, RFC 1123."""


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening(host: str, port: int, *, allow_remote: bool = False) -> socket.socket:
    """A socket that takes connections; port 0 takes any that is free.

    Raises
    ------
    McnetError
        Other machines could reach the address and ``allow_remote`` is not given, or the address
        cannot be used.
    """
    if not is_local(host) and not allow_remote:
        raise McnetError(
            f"{host} can be reached from other machines, and the server's pages are not "
            "encrypted; keep to 127.0.0.1, or give --allow-remote if the network is safe."
        )
    if not 0 <= port <= _LAST_PORT:
        raise McnetError(f"port {port} is none; give --port from 0 to {_LAST_PORT}.")
    with ExitStack() as until_it_listens:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )[0]
            server = until_it_listens.enter_context(socket.socket(family, kind, protocol))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
            server.listen(_QUEUE)
        except OSError as error:
            raise McnetError(
                f"{host}:{port} cannot be listened on ({error}); name a free port by --port, or "
                "end the program that uses it."
            ) from error
        until_it_listens.pop_all()
    return server


def check_public_name(name: str) -> None:
    """Refuse what is no name of a server, such as an address with https:// or a port.

    Raises
    ------
    McnetError
        It is none.
    """
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(re.fullmatch(_LABEL, label) for label in labels):
        raise McnetError(
            f"--behind-tls {name} is no name of a server; give the name alone that stands in the "
            "browsers' address, such as readers.example.org, without https:// and port."
        )


def serve(
    study: Study,
    server: socket.socket,
    *,
    allow_remote: bool = False,
    public_name: str | None = None,
) -> None:
    """Answer browsers until the process is told to end.

    Parameters
    ----------
    study
        What is read.
    server
        Of `listening`.
    allow_remote
        Whether browsers may address the server by any name.
    public_name
        The name by which browsers reach a proxy that encrypts and passes on to this server. They
        may address the server by it, and not by any name; cookies never go unencrypted.
    """
    own = (*LOCAL_HOSTS, server.getsockname()[0])
    if public_name is not None:
        hosts: tuple[str, ...] = (*own, public_name)
    else:
        hosts = ("*",) if allow_remote else own
    app = study_app(study, hosts=hosts, is_behind_tls=public_name is not None)
    # a header that says who asks would let a guesser of codes be somebody else each time
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
    )
    # while somebody holds the database open, its log is not folded in after every request
    with opened(study.readings):
        uvicorn.Server(config).run(sockets=[server])
