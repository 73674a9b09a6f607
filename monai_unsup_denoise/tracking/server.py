"""Whether an MLflow server answers, and for how long to wait for one."""

from __future__ import annotations

import logging
import os
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from monai_unsup_denoise.errors import InputError

#: MLflow itself repeats a request seven times, each for two minutes. A user's own setting of these wins.
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}

#: What MLflow's client raises when a server is away or refuses, or a disk is full.
MLFLOW_ERRORS = (MlflowException, OSError)


def check_tracking_server(uri: str) -> None:
    """Ask the MLflow server at ``uri`` for something small, within seconds; anything but ``http(s)://`` passes.

    From here on this process waits for a server for seconds, not minutes. As in MONAI's handler, the environment
    variable ``MLFLOW_TRACKING_URI`` goes before ``uri``.

    Raises:
        InputError: if nobody answers there, or not as an MLflow server does.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # a warning for each repetition
    uri = os.environ.get("MLFLOW_TRACKING_URI") or uri
    if not uri.startswith(("http://", "https://")):
        return
    try:
        MlflowClient(uri).search_experiments(max_results=1)
    except MLFLOW_ERRORS as error:
        raise InputError(
            f"tracking_uri {without_password(uri)}: no MLflow server answers there ({reason(error)}); start it, "
            "correct the address, or leave tracking_uri out to track into a local file"
        ) from error


def without_password(uri: str) -> str:
    """``uri`` without the user and password that may stand before its host."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def reason(error: BaseException) -> str:
    """A clause for why MLflow's client failed, instead of its pool, its retries and its nested causes."""
    text = str(error)
    for sign, clause in (
        ("refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("resolve", "unknown host"),
        ("Connection aborted", "connection lost"),
    ):
        if sign in text:
            return clause
    lines = text.strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
