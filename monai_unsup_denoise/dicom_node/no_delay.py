"""Connections that send at once."""

from __future__ import annotations

import socket

from pynetdicom.events import Event


def send_at_once(event: Event) -> None:
    """Handle EVT_CONN_OPEN: turn off Nagle's algorithm.

    pynetdicom writes each message in two parts, and the second would wait for a delayed acknowledgement of the first,
    some 40 ms for each instance.
    """
    own = event.assoc.dul.socket
    if own is not None and own.socket is not None:
        own.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
