"""User names and passwords in addresses: out of all texts, into the environment, where MLflow looks for them."""

import os
import re
from urllib.parse import unquote, urlsplit

from monai_unsup_denoise.errors import InputError

#: Of an address with a host: what precedes the last @, which may be part of a password; what follows ? or #.
_USER = re.compile(r"(?<=://)(?!/)[^\s'\"]*@")
_QUERY = re.compile(r"(://(?!/)[^\s'\"?#]*)[?#][^\s'\"]*")


def hide_credentials(text: str) -> str:
    """``text`` without users, passwords and queries in the addresses that it holds."""
    return _QUERY.sub(r"\1", _USER.sub("", text))


def keep_credentials(uri: str) -> str:
    """``uri`` of a tracking server without credentials, which are now in the environment of this process.

    MLflow sends ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD`` to a server. A database takes them in its
    address alone: that is kept in ``MLFLOW_TRACKING_URI``, unless the user has set it.

    Raises:
        InputError: for what is no address, or that of a server from which MLflow cannot take them.
    """
    clean = hide_credentials(uri)
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise InputError(f"tracking_uri {clean}: no address of a server (unpaired brackets?); correct it") from error
    if clean == uri:
        return uri
    if not uri.startswith(("http://", "https://")):
        os.environ.setdefault("MLFLOW_TRACKING_URI", uri)
        return clean
    if parts.query or parts.fragment or not (parts.username and parts.password):
        raise InputError(
            f"tracking_uri {clean}: only user:password@ may be added to it, with special characters percent-encoded; "
            "give others, such as a token, in the environment (MLFLOW_TRACKING_TOKEN)"
        )
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password)
    return clean
