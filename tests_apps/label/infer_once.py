"""`infer_once.py APP STUDIES NAME OUT`: have MONAI Label's REST interface denoise a scan of the studies.

Run by the environment that `make test-label` makes; the server is in this process, without a port.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(app_folder: str, studies: str, name: str, output: str) -> None:
    """Ask for the image, as `curl` would, and write the answer."""
    from monailabel.config import settings

    settings.MONAI_LABEL_APP_DIR = app_folder
    settings.MONAI_LABEL_STUDIES = studies
    settings.MONAI_LABEL_APP_CONF = {}
    settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD = False
    settings.MONAI_LABEL_SESSIONS = False

    from fastapi.testclient import TestClient
    from monailabel.app import app

    with TestClient(app) as client:
        answer = client.post("/infer/brain_mri_denoise", params={"image": name, "output": "image"})
    if answer.status_code != 200:
        sys.exit(f"status {answer.status_code}: {answer.text}")
    Path(output).write_bytes(answer.content)


if __name__ == "__main__":
    main(*sys.argv[1:])
