"""An MLflow server: whether it answers, and why not."""

import logging
import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.db.db_types import DATABASE_ENGINES

from monai_unsup_denoise.credentials import hide_credentials, keep_credentials
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write

#: MLflow itself repeats a request seven times, each for two minutes. The user's own values take precedence.
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
_KINDS = {"file", "databricks", "databricks-uc", "uc", *DATABASE_ENGINES}  # of addresses, besides http(s)
#: Raised by MLflow's client when a server is unreachable or refuses, or a disk is full.
MLFLOW_ERRORS = (MlflowException, OSError)


def check_tracking_server(uri: str) -> str:
    """The address to track to: that in the environment variable ``MLFLOW_TRACKING_URI`` if it is set, else ``uri``.

    Checks that a server at ``http(s)://`` answers. If it does not, that is known within seconds, here and in all later
    calls of this process: MLflow's own default is minutes. Credentials of a server are moved to the environment.

    Raises:
        InputError: if no MLflow server answers there, or it cannot be given its credentials.
    """
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # a warning at each retry
    uri = os.environ.get("MLFLOW_TRACKING_URI") or uri
    if uri.startswith(("http://", "https://")):
        uri = keep_credentials(uri)
        if "MLFLOW_TRACKING_URI" in os.environ:
            os.environ["MLFLOW_TRACKING_URI"] = uri
        try:
            MlflowClient(uri).search_experiments(max_results=1)
        except MLFLOW_ERRORS as error:
            raise InputError(
                f"tracking_uri {uri}: no MLflow server answers there ({reason(error)}); start it, "
                "correct the address, or leave tracking_uri out to track into a local file"
            ) from error
    elif (kind := re.match(r"([\w-]+)(\+\w+)?://", uri)) and kind[1] not in _KINDS:
        clean = hide_credentials(uri)
        raise InputError(f"tracking_uri {clean}: MLflow does not track to {kind[1]}; give http(s):// or sqlite:///")
    return uri


def open_store(uri: str) -> str:
    """As `check_tracking_server`. A local database is made if there is none, by one process at a time.

    Raises:
        InputError: as there, or if the database cannot be opened.
    """
    uri = check_tracking_server(uri)
    if not uri.startswith("sqlite:///"):
        return uri
    path = database_path(uri)
    uri = _sqlite_uri(path)
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")  # closes the file after each access
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.exists():
                with atomic_write(path) as partial:
                    MlflowClient(_sqlite_uri(partial)).search_experiments(max_results=1)
            MlflowClient(uri).search_experiments(max_results=1)
    except Exception as error:  # of SQLAlchemy, alembic, MLflow or the disk
        raise InputError(
            f"tracking_uri {uri}: the database cannot be opened ({reason(error)}); make room, remove a damaged one, or "
            "give another output_dir"
        ) from error
    return uri


def database_path(uri: str) -> Path:
    """The file of a database at ``sqlite:///``."""
    return Path(unquote(uri.removeprefix("sqlite:///")))


def _sqlite_uri(path: Path) -> str:
    # MLflow makes a folder of the quoted name as well: quote no more than must be.
    return "sqlite:///" + re.sub("[%?#]", lambda found: quote(found[0]), str(path))


def reason(error: BaseException) -> str:
    """One clause for an error of MLflow's client, in place of its nested causes, without credentials."""
    text = hide_credentials(str(error))
    clauses = {
        "refused": "connection refused",
        "timed out": "no answer in time",
        "resolve": "unknown host",
        "Connection aborted": "connection lost",
    }
    lines = text.strip().splitlines() or [type(error).__name__]
    return next((clause for sign, clause in clauses.items() if sign in text), lines[0][:160])
