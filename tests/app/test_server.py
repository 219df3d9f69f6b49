"""The server on a real socket: who is slow keeps nobody else from the page."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from aa.app.application import create_app
from aa.app.server import Handler, Server

THREADS = 4
ASK = b"GET /runs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SLOW = {
    "a request line": b"GET /" + bytes(100).replace(b"\0", b"a"),
    "headers": b"GET /runs HTTP/1.1\r\nX: " + b"a" * 100,
    "the form of the login": b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Origin: http://127.0.0.1\r\nContent-Length: 5000\r\n\r\n" + b"a" * 100,
}
LAST = 60  # bytes of each that come one by one


@pytest.fixture
def port(serve, monkeypatch):
    """The port of a page of a few threads with a token."""
    monkeypatch.setattr("aa.app.server.MOST_THREADS", THREADS)
    monkeypatch.setattr("aa.app.server.ROOM_WITHIN", 0.1)
    monkeypatch.setattr(Handler, "within", 0.5)
    app = create_app(serve(token="a secret of many characters").desk)
    listening = socket.create_server(("127.0.0.1", 0))
    host, number = listening.getsockname()
    server = Server(host, number, app, Handler, fd=listening.fileno())
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield number
    server.shutdown()
    listening.close()


def asked(port):
    """The first line of the answer; empty of a connection that was closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        try:
            peer.sendall(ASK)
            return peer.recv(200).partition(b"\r\n")[0]
        except ConnectionError:
            return b""


def drip(peers, content, stop):
    """Send a byte to each every twentieth of a second, three seconds long or until `stop`."""
    for byte in content[-LAST:]:
        for peer in peers:
            with suppress(OSError):
                peer.send(bytes([byte]))
        if stop.wait(0.05):
            return


@pytest.mark.parametrize("name", SLOW)
def test_who_sends_a_byte_now_and_then_does_not_keep_others_out(port, name):
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(THREADS)]
    for peer in peers:
        peer.sendall(SLOW[name][:-LAST])
    stop = threading.Event()
    dripping = threading.Thread(target=drip, args=(peers, SLOW[name], stop))
    dripping.start()
    time.sleep(1)
    assert asked(port) == b"HTTP/1.1 401 UNAUTHORIZED"
    stop.set()
    dripping.join()
    for peer in peers:
        peer.close()


def test_who_comes_when_there_is_no_room_is_closed_and_not_waited_for(port, monkeypatch):
    monkeypatch.setattr(Handler, "within", 5)
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(THREADS)]
    begun = time.monotonic()
    assert asked(port) == b"" and time.monotonic() - begun < 4
    for peer in peers:
        peer.close()


def test_an_upload_may_take_its_time(port):
    # It is refused for what it is, not for how long it takes.
    head = b"POST /api/upload?name=a HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
    head += b"Authorization: Bearer a secret of many characters\r\nContent-Length: 20\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        peer.sendall(head)
        drip([peer], b"a" * 20, threading.Event())
        said = b"".join(iter(lambda: peer.recv(65536), b""))
    assert b" 400 " in said and b"no picture, no video" in said
