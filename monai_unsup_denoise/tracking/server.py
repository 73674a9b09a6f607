"""An MLflow server: whether it answers, and why not."""

import logging
import os
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from monai_unsup_denoise.errors import InputError

#: MLflow itself repeats a request seven times, each for two minutes. The user's own values take precedence.
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
#: Raised by MLflow's client when a server is unreachable or refuses, or a disk is full.
MLFLOW_ERRORS = (MlflowException, OSError)


def check_tracking_server(uri: str) -> str:
    """The address to track to: the environment variable ``MLFLOW_TRACKING_URI`` if it is set, else ``uri``.

    Checks within seconds that an ``http(s)://`` server answers; from then on this process waits seconds for it, not
    minutes.

    Raises:
        InputError: if no MLflow server answers there.
    """
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # a warning at each retry
    uri = os.environ.get("MLFLOW_TRACKING_URI") or uri
    if uri.startswith(("http://", "https://")):
        try:
            MlflowClient(uri).search_experiments(max_results=1)
        except MLFLOW_ERRORS as error:
            raise InputError(
                f"tracking_uri {without_password(uri)}: no MLflow server answers there ({reason(error)}); start it, "
                "correct the address, or leave tracking_uri out to track into a local file"
            ) from error
    return uri


def without_password(uri: str) -> str:
    """``uri`` without user and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def reason(error: BaseException) -> str:
    """One clause for an error of MLflow's client, in place of its nested causes."""
    text = str(error)
    clauses = {
        "refused": "connection refused",
        "timed out": "no answer in time",
        "resolve": "unknown host",
        "Connection aborted": "connection lost",
    }
    lines = text.strip().splitlines() or [type(error).__name__]
    return next((clause for sign, clause in clauses.items() if sign in text), lines[0][:160])
