"""Scans that clients upload for some time."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from fastapi import HTTPException
from monailabel.utils.sessions import SessionInfo, Sessions

from lib.names import is_name

# Python before 3.14 unpacks an archive to wherever it says.
tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)  # type: ignore[assignment]


class NamedSessions(Sessions):
    """MONAI Label's sessions, whose ids are names in their folder, not paths; only the user can read them."""

    def __init__(self, store_path: str = "", expiry: int = 3600) -> None:
        super().__init__(store_path, expiry)
        Path(self.store_path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def get_session(self, session_id: str, update_ts: bool = True, fetch_cache: bool = True) -> SessionInfo | None:
        return super().get_session(session_id, update_ts, fetch_cache) if is_name(session_id) else None

    def remove_session(self, session_id: str) -> None:
        if is_name(session_id):
            super().remove_session(session_id)

    def add_session(
        self, data_file: str, expiry: int = 0, uncompress: bool = False, session_id: str | None = None
    ) -> tuple[str, SessionInfo]:
        try:
            return super().add_session(data_file, expiry, uncompress, session_id)
        except (shutil.ReadError, tarfile.TarError, EOFError) as error:
            raise HTTPException(422, f"archive: cannot be unpacked ({type(error).__name__}); upload files") from error
