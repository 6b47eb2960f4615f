"""A way to the real server over TCP, with TLS of any certificate in front of it, or without TLS.

The server under test is built without TLS and listens on a local socket. This stands where the TLS of an RDS instance
stands: it answers the client's request for encryption, ends the encryption, and passes everything on.
"""

import select
import socket
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.loopback import listening

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")  # PostgreSQL manual, "Message Formats"


def certificate(folder: Path, host: str) -> Path:
    """A self-signed certificate for `host`, and its key beside it as `.key`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}-{made.serial_number}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    path.with_suffix(".key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return path


@contextmanager
def port(socket_folder: str, server_certificate: Path | None) -> Iterator[int]:
    """A loopback port that leads to the server, with this certificate, or without TLS if None."""
    context = None
    if server_certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server_certificate, server_certificate.with_suffix(".key"))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # a client that does not trust us hangs up
                _serve(self.request, f"{socket_folder}/.s.PGSQL.5432", context)

    class Server(socketserver.ThreadingTCPServer):
        block_on_close = True

    with listening(Handler, Server) as address:
        yield int(address.rpartition(":")[2])


def _serve(client: socket.socket, path: str, context: ssl.SSLContext | None) -> None:
    first = client.recv(8, socket.MSG_WAITALL)
    with socket.socket(socket.AF_UNIX) as inner:
        inner.connect(path)
        if context is None or first != _SSL_REQUEST:
            inner.sendall(first)
            _relay(client, inner)
            return
        client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as encrypted:
            _relay(encrypted, inner)


def _relay(client: socket.socket, inner: socket.socket) -> None:
    """Passes on what either side says, until one of them ends."""
    while True:
        buffered = isinstance(client, ssl.SSLSocket) and client.pending() > 0
        readable = [client] if buffered else select.select([client, inner], [], [])[0]
        for one in readable:
            data = one.recv(65536)
            if not data:
                return
            (inner if one is client else client).sendall(data)
