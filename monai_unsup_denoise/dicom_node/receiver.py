"""The server: C-ECHO and C-STORE from the AE titles that may send."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pynetdicom
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from monai_unsup_denoise.dicom_node.completeness import Completeness
from monai_unsup_denoise.dicom_node.counts import Counts
from monai_unsup_denoise.dicom_node.log import log
from monai_unsup_denoise.dicom_node.no_delay import send_at_once
from monai_unsup_denoise.dicom_node.settings import NodeSettings
from monai_unsup_denoise.dicom_node.spool import FullError, Spool, hashed
from monai_unsup_denoise.dicom_node.tls import server_context
from monai_unsup_denoise.errors import InputError

SUCCESS, OUT_OF_RESOURCES, MISMATCH, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xA900, 0xC000
_MAX_PDU = 1 << 18  # bytes; the default of 16 kB would cut a slice into many
_STOP_BEFORE = 0x00200010  # the element after the UIDs
_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


class Receiver:
    """The running server of a node, until `close`.

    Instances go to the disk as they come, and are not decoded.

    Raises:
        InputError: if the address is taken, or for TLS files that cannot be read.
    """

    def __init__(self, settings: NodeSettings, *, spool: Spool, completeness: Completeness, counts: Counts) -> None:
        self._spool, self._completeness, self._counts = spool, completeness, counts
        self._callers = set(settings.callers)
        pynetdicom._config.STORE_RECV_CHUNKED_DATASET = True
        pynetdicom._config.LOG_HANDLER_LEVEL = "none"
        tempfile.tempdir = str(spool / "partial")  # where pynetdicom writes what is arriving
        ae = AE(settings.ae_title)
        ae.require_called_aet = True
        ae.require_calling_aet = list(settings.callers)
        ae.maximum_associations = settings.max_associations
        ae.maximum_pdu_size = _MAX_PDU
        ae.network_timeout = settings.idle_seconds
        ae.add_supported_context(Verification)
        for storage in AllStoragePresentationContexts:
            ae.add_supported_context(str(storage.abstract_syntax), ALL_TRANSFER_SYNTAXES)
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, send_at_once),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_ECHO, self._echo),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_RELEASED, self._ended, [True]),
            (evt.EVT_ABORTED, self._ended, [False]),
            (evt.EVT_CONN_CLOSE, self._ended, [False]),  # after a release there is nothing left to end
        ]
        context = server_context(settings.tls) if settings.tls else None
        try:
            self._server = ae.start_server(
                (settings.host, settings.port), block=False, evt_handlers=handlers, ssl_context=context
            )
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise InputError(f"{where}: cannot be listened on ({error.strerror}); choose another port") from error
        assert self._server is not None and self._server.socket is not None
        self.port: int = self._server.socket.getsockname()[1]

    def close(self) -> None:
        """Take no more associations, and abort those that are open."""
        self._server.shutdown()  # type: ignore[union-attr]
        for association in self._server.active_associations:  # type: ignore[union-attr]
            with suppress(Exception):  # one that ends by itself meanwhile
                association.abort()

    def _store(self, event: evt.Event) -> int:
        arrived = Path(event.dataset_path)
        try:
            uids = _read_uids(arrived)
        except Exception:  # damage raises errors of every kind
            return self._refuse("unreadable", CANNOT_UNDERSTAND, event)
        if not all(uids.values()):
            return self._refuse("no_uid", CANNOT_UNDERSTAND, event)
        request: Any = event.request
        announced = request.AffectedSOPInstanceUID, request.AffectedSOPClassUID
        if announced != (uids["SOPInstanceUID"], uids["SOPClassUID"]):
            return self._refuse("mismatch", MISMATCH, event)
        study, series = uids["StudyInstanceUID"], uids["SeriesInstanceUID"]
        try:
            is_new = self._spool.store(arrived, study=study, series=series, instance=uids["SOPInstanceUID"])
        except FullError as full:
            self._completeness.refused(hashed(study), event.assoc)
            return self._refuse(str(full), OUT_OF_RESOURCES, event)
        except OSError:  # the disk
            self._completeness.refused(hashed(study), event.assoc)
            return self._refuse("disk", OUT_OF_RESOURCES, event)
        if (self._spool / "receiving" / hashed(study)).exists():
            self._completeness.arrived(hashed(study), event.assoc)
        (self._counts.received if is_new else self._counts.repeated).inc()
        return SUCCESS

    def _refuse(self, reason: str, status: int, event: evt.Event) -> int:
        self._counts.refused.labels(reason).inc()
        log("refused", reason=reason, status=f"{status:04X}", caller=self._caller(event))
        return status

    def _echo(self, event: evt.Event) -> int:
        log("echo", caller=self._caller(event))
        return SUCCESS

    def _rejected(self, event: evt.Event) -> None:
        log("rejected", caller=self._caller(event))

    def _ended(self, event: evt.Event, released: bool) -> None:
        self._completeness.ended(event.assoc, released=released)

    def _caller(self, event: evt.Event) -> str:
        """The AE title of a sender, if it is a listed one; others may have written anything there."""
        title = event.assoc.requestor.ae_title.strip()
        return title if title in self._callers else "unknown"


def _read_uids(path: Path) -> dict[str, str]:
    """The UIDs that say where an instance belongs; empty where one is missing."""
    with disable_value_validation():  # it would print invalid values
        item = dcmread(path, stop_before_pixels=True, specific_tags=list(_UIDS))
    return {name: str(item.get(name) or "") for name in _UIDS}
