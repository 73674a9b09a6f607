"""TLS of the node: as a server, and as a client of a destination."""

from __future__ import annotations

import ssl
from typing import Any

from monai_unsup_denoise.dicom_node.settings import Tls
from monai_unsup_denoise.errors import InputError

_HANDSHAKE_SECONDS = 10


class _PromptContext(ssl.SSLContext):
    """A context whose handshakes end: pynetdicom waits for each before it takes the next connection."""

    def wrap_socket(self, sock: Any, *arguments: Any, **options: Any) -> Any:
        sock.settimeout(_HANDSHAKE_SECONDS)
        wrapped = super().wrap_socket(sock, *arguments, **options)
        wrapped.settimeout(None)
        return wrapped


def server_context(tls: Tls) -> ssl.SSLContext:
    """Of the node; senders must show a certificate if there is a ``ca``.

    Raises:
        InputError: for a file that is missing or no PEM.
    """
    return _filled(_PromptContext(ssl.PROTOCOL_TLS_SERVER), tls, asks=tls.ca is not None)


def client_context(tls: Tls) -> ssl.SSLContext:
    """Of a destination, whose certificate is checked against ``ca``, by default against those of the system.

    Raises:
        InputError: for a file that is missing or no PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.ca is None:
        context.load_default_certs()
    return _filled(context, tls, asks=True)


def _filled(context: ssl.SSLContext, tls: Tls, *, asks: bool) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
        if tls.ca is not None:
            context.load_verify_locations(tls.ca)
    except OSError as error:  # ssl.SSLError is one
        names = ", ".join(str(path) for path in (tls.certificate, tls.key, tls.ca) if path)
        raise InputError(f"tls: {names}: cannot be read as PEM ({error.strerror or error}); check them") from error
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
