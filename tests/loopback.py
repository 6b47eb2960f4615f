"""Servers of the tests: on loopback, at a free port, ended with the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from socketserver import BaseRequestHandler, TCPServer


@contextmanager
def listening(handler: type[BaseRequestHandler], kind: type[TCPServer] = ThreadingHTTPServer) -> Iterator[str]:
    """A server that answers with ``handler``; its ``host:port``."""
    server = kind(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
