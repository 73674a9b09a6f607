"""MONAI Label app for the denoising bundle: ``monailabel start_server --app apps/label --studies FOLDER``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from fastapi import HTTPException
from lib.denoise import DenoiseTask
from lib.nameless_log import keep_names_out, log, name_of
from lib.names import check_name
from lib.origins import refuse_other_pages
from lib.private_folder import private_folder
from lib.served_bundle import served_bundle
from lib.sessions import NamedSessions
from lib.studies import Studies
from lib.train import TrainOnStudies
from monailabel.config import settings
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import find_input_error


class DenoisingApp(MONAILabelApp):
    """One bundle, served under the name of its folder: denoise a scan, all scans, or train on them.

    Nothing is downloaded. A mistake of the client is answered with 404 or 422 and one line.

    Args:
        app_dir: this folder.
        studies: folder of the scans.
        conf: ``bundle``, the bundle to serve and to train, by default a copy of the bundled model; ``clean_dir``, a
            folder of clean scans of other subjects for the training, by default phantoms; ``origins``, web pages that
            may send requests, with spaces between, by default none but the server's own.
    """

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        self.bundle = served_bundle((conf or {}).get("bundle"), copy_to=Path(app_dir, "model"))
        private_folder()
        keep_names_out(studies, self._ids)
        refuse_other_pages((conf or {}).get("origins", ""))
        super().__init__(
            app_dir, studies, conf, name="MRI denoising", description="Removes Rician noise", version=__version__
        )

    def _ids(self) -> list[str]:
        """Of the scans; of those of a DICOMweb server, not to be asked for each line of the log, none."""
        store = getattr(self, "_datastore", None)  # not yet, while it is made
        return store.list_images() if isinstance(store, Studies) else []

    def init_infers(self) -> dict[str, DenoiseTask]:
        return {self.bundle.name: DenoiseTask(self.bundle)}

    def init_trainers(self) -> dict[str, TrainOnStudies]:
        return {self.bundle.name: TrainOnStudies(self.bundle, self.conf)}

    def init_datastore(self) -> Datastore:
        is_remote = self.studies.startswith(("http://", "https://"))
        return super().init_datastore() if is_remote else Studies(self.studies)

    def infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        image = request["image"]
        if not self._is_image(image, datastore or self.datastore()):
            raise HTTPException(404, f"{image!r}: no such image here; GET /datastore/ lists the images")
        check_name(request.get("label_tag", "original"), "label_tag")
        scan = "uploaded scan" if os.path.exists(image) else name_of(image)
        try:
            with input_errors_as_422():
                answer = super().infer(request, datastore)
        except HTTPException as error:
            log.warning("%s cannot be denoised: %s", scan, error.detail)
            raise
        log.info("%s: denoised", scan)
        return answer

    def infer_wsi(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """As any other scan: whole slides are not for this model, and opened unchecked."""
        return self.infer(request, datastore)

    def batch_infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """As in MONAI Label, but it also works without a GPU, and a bad scan does not stop the others."""
        on_cpu = {} if torch.cuda.is_available() else {"device": "cpu", "multi_gpu": False}
        return self._batch_infer(request | on_cpu, datastore or self.datastore(), self._infer_or_reason)

    def train(self, request: dict[str, Any]) -> dict[str, Any]:
        with input_errors_as_422():
            return super().train(request)

    def _is_image(self, image: object, datastore: Datastore) -> bool:
        """Whether this is the id of a scan, or the path of one in the studies, a session or an upload.

        MONAI Label would read any path.
        """
        if not isinstance(image, str):
            return False
        if not os.path.exists(image):
            return bool(datastore.get_image_uri(image))
        own = [self.studies, private_folder(), *([self.sessions().store_path] if self.sessions() else [])]
        return any(Path(os.path.realpath(folder)) in Path(os.path.realpath(image)).parents for folder in own)

    def _load_sessions(self, load: bool = False) -> NamedSessions | None:
        places = settings.MONAI_LABEL_SESSION_PATH, settings.MONAI_LABEL_SESSION_EXPIRY
        return NamedSessions(*places) if load else None

    def _infer_or_reason(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        try:
            return self.infer(request, datastore)
        except HTTPException as error:
            return {"error": error.detail}
        except Exception as error:  # of any other kind: it costs this scan alone
            log.exception("%s cannot be denoised", name_of(str(request["image"])))
            return {"error": f"{type(error).__name__}: {error}"}


@contextmanager
def input_errors_as_422() -> Iterator[None]:
    """Answer an `InputError` with status 422 and its one line, in place of status 500."""
    try:
        yield
    except Exception as error:
        input_error = find_input_error(error)
        if input_error is None:
            raise
        raise HTTPException(422, str(input_error)) from error
