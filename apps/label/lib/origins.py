"""Which web pages may send requests."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lib.nameless_log import log


class OwnPagesMiddleware(CORSMiddleware):
    """Refuses, with status 403, requests of web pages other than those of the server and of ``allow_origins``.

    MONAI Label by default answers every page, and also CORS alone would let through what needs no preflight, such as
    the start of a training. Programs send no Origin and are not concerned.

    A page can call its own server by our address (DNS rebinding), so that its origin seems to be ours. For this a
    public name is needed: a host that is called by one has to be that of an allowed origin, or of this machine.
    """

    def __init__(self, app: ASGIApp, allow_origins: Sequence[str]) -> None:
        super().__init__(app, allow_origins, allow_methods=["*"], allow_headers=["*"], allow_credentials=True)
        self.hosts = {urlsplit(origin).hostname for origin in allow_origins} | {socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await JSONResponse({"detail": refusal}, 403)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = host
        if "." in name and name not in self.hosts and not _is_address(name):
            return f"host {name!r}: not a name of this server; start it with --conf origins http://{host}"
        if origin is None or origin in self.allow_origins or origin == f"{scope['scheme']}://{host}":
            return ""
        return f"origin {origin!r}: not allowed; start the server with --conf origins {origin}"


def refuse_other_pages(origins: str) -> None:
    """Put the middleware in the place of MONAI Label's own, if this process serves; called before the first request.

    Args:
        origins: those allowed, with spaces between. MONAI Label 0.8.5 does not start with its own setting,
            ``MONAI_LABEL_CORS_ORIGINS``.
    """
    server = sys.modules.get("monailabel.app")
    if server is not None:
        allowed = [origin.rstrip("/") for origin in origins.split()]
        server.app.user_middleware[:] = [Middleware(OwnPagesMiddleware, allow_origins=allowed)]
        server.app.middleware_stack = None  # Starlette makes it anew for the next request
        log.info("web pages that may send requests: this server's own %s", " ".join(allowed))


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False
