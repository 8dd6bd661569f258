import socket

import httpx
import pytest
from pytest_socket import SocketBlockedError, SocketConnectBlockedError

pytest_plugins = ["upstream"]


def test_disabled_by_the_fixture(socket_disabled):
    with pytest.raises(SocketBlockedError):
        socket.socket()


@pytest.mark.disable_socket
def test_disabled_by_the_mark():
    with pytest.raises(SocketBlockedError):
        httpx.get("http://127.0.0.1:9")


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_allowed_host(upstream):
    assert httpx.get(upstream).text.startswith("answer")
    with pytest.raises(SocketConnectBlockedError):
        httpx.get("http://192.0.2.7")


@pytest.mark.enable_socket
def test_enabled(socket_enabled, upstream):
    assert httpx.get(upstream).text.startswith("answer")


@pytest.mark.replay
def test_marked_and_disabled(socket_disabled):
    with pytest.raises(SocketBlockedError):
        socket.getaddrinfo("127.0.0.1", 80)


def test_after_it():
    assert socket.getaddrinfo("127.0.0.1", 80)
    assert socket.gethostbyname("127.0.0.1")
