"""The server: one process, threads for requests, a thread for the queue."""

import io
import logging
import os
import socket
import threading
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from aa.app.application import create_app
from aa.app.checks import Checks
from aa.app.desk import Desk
from aa.app.estimates import Plans
from aa.app.figure import Figure
from aa.app.incoming import TAKE_TIME, Incoming
from aa.app.places import Places
from aa.app.queue import Queue
from aa.app.security import token_of
from aa.app.shelf import Shelf
from aa.app.uploads import Uploads
from aa.app.worker import Worker
from aa.config.app import LOOPBACK, ServerConfig
from aa.errors import UserError
from aa.runs.promotion import MODELS

MOST_THREADS = 48  # requests at once
ROOM_WITHIN = 2.0  # seconds that one more waits for another to end, before it is closed
QUIET = 30  # seconds after which a connection on which nothing comes is closed
WITHIN = 15.0  # seconds in which a request comes as a whole, if it is no upload


def serve(options: ServerConfig, home: Path, *, title: str = "aa") -> None:
    """Serve the page until a signal comes; the job that runs goes on without it.

    Args:
        options: checked.
        home: the page's own folder.
        title: of the page.

    Raises:
        UserError: the address is taken, or no token is where it should be.
    """
    desk = make_desk(options, home, title=title)
    listening = _listen(options)
    host, port = listening.getsockname()[:2]
    server = Server(host, port, create_app(desk), Handler, fd=listening.fileno())
    worker = Worker(desk.queue)
    worker.start()
    shown = "127.0.0.1" if host in LOOPBACK else host
    print(f"page:         http://{f'[{host}]' if ':' in host else shown}:{port}/")
    print("Ctrl-C ends it; a job that runs goes on, and the next start finds it.", flush=True)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        worker.end()
        desk.figure.end()
        listening.close()


def make_desk(options: ServerConfig, home: Path, *, title: str = "aa") -> Desk:
    """The parts of a server; starts nothing."""
    outputs = Path(options.outputs)
    uploads = Uploads(home / "uploads", most=options.uploads, most_mb=options.upload_mb)
    return Desk(
        options=options,
        title=title,
        home=home,
        token=token_of(options),
        places=Places(outputs, [*options.folders, MODELS]),
        shelf=Shelf(outputs),
        queue=Queue(home / "queue", outputs),
        uploads=uploads,
        checks=Checks(home / ".checks", home / "poses"),
        plans=Plans(),
        figure=Figure(),
    )


class Server(ThreadedWSGIServer):
    """Werkzeug's server with a bounded number of threads."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, app: Flask, handler: Any, *, fd: int) -> None:
        self._room = threading.BoundedSemaphore(MOST_THREADS)
        super().__init__(host, port, app, handler, fd=fd)
        logging.getLogger("werkzeug").setLevel(logging.WARNING)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(timeout=ROOM_WITHIN):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()


class Handler(WSGIRequestHandler):
    """Werkzeug's handler that waits for nobody for ever, and does not say what it is."""

    timeout, within = QUIET, WITHIN

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._incoming = Incoming(self.connection, self.within)
        self.rfile = io.BufferedReader(self._incoming)

    def make_environ(self) -> dict[str, Any]:
        return {**super().make_environ(), TAKE_TIME: self._incoming.take_time}

    def version_string(self) -> str:
        return "aa"


def _listen(options: ServerConfig) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        return socket.create_server((options.host, options.port), family=family, backlog=128)
    except OSError as error:
        known = (error.errno or 0) > 0  # that of a name that is none is not
        why = os.strerror(error.errno or 0) if known else error.strerror
        raise UserError(
            f"app.port={options.port}: cannot be listened on at {options.host} ({why}); "
            "choose another app.port, or 0 for any that is free."
        ) from error
