"""One association with a destination: send files by C-STORE."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pynetdicom
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.filereader import read_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.events import EVT_CONN_OPEN, EVT_PDU_RECV
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from monai_unsup_denoise.dicom_node.no_delay import send_at_once
from monai_unsup_denoise.dicom_node.settings import Destination
from monai_unsup_denoise.dicom_node.tls import client_context

_SECONDS = 60  # without an answer
_MAX_PDU = 1 << 18  # bytes
_WARNINGS = (0xB000, 0xB006, 0xB007)  # stored, with a remark
_LATER = range(0xA700, 0xA800)  # out of resources


class AwayError(Exception):
    """The destination cannot be reached, or has no room at present: try again later. The message is for the log."""


class RefusedError(Exception):
    """The destination does not want this file, and would not later; the message says why."""


class Sender:
    """Sends to one destination, as ``ae_title``.

    Raises:
        InputError: for TLS files that cannot be read.
    """

    def __init__(self, destination: Destination, *, ae_title: str) -> None:
        self._destination, self._ae_title = destination, ae_title
        self._context: ssl.SSLContext | None = client_context(destination.tls) if destination.tls else None
        pynetdicom._config.STORE_SEND_CHUNKED_DATASET = True  # the bytes of the file, not decoded
        pynetdicom._config.LOG_HANDLER_LEVEL = "none"

    def echo(self) -> None:
        """C-ECHO.

        Raises:
            AwayError: without success.
        """
        with self._association({(str(Verification), str(ImplicitVRLittleEndian))}) as association:
            status = association.send_c_echo()
        if status.get("Status") != 0:
            raise AwayError("no success")

    def send(self, files: Sequence[Path], *, on_sent: Callable[[Path], None]) -> None:
        """C-STORE each file as it is, and call ``on_sent`` when the destination has it.

        A destination that does not take the encoding of an uncompressed file gets it in another one.

        Raises:
            AwayError: if the rest should be sent later.
            RefusedError: if the destination does not take one of them.
        """
        metas = [read_file_meta_info(path) for path in files]
        contexts = {(str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)) for meta in metas}
        with self._association(contexts) as association:
            for path in files:
                status = _store(association, path)
                if status is None or status in _LATER:
                    raise AwayError("out of resources" if status else "connection lost")
                if status != 0 and status not in _WARNINGS:
                    raise RefusedError(f"status {status:04X}")
                on_sent(path)

    @contextmanager
    def _association(self, contexts: set[tuple[str, str]]) -> Iterator[Association]:
        ae = AE(self._ae_title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = _SECONDS
        ae.connection_timeout = 10
        for sop_class, syntax in sorted(contexts):
            ae.add_requested_context(sop_class, syntax)
        for sop_class in sorted({sop_class for sop_class, _ in contexts}):
            ae.add_requested_context(sop_class, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
        to = self._destination
        tls_args = (self._context, to.host) if self._context else None
        answers: list[type] = []  # the kinds of messages that came
        association = ae.associate(
            to.host,
            to.port,
            ae_title=to.ae_title,
            max_pdu=_MAX_PDU,
            tls_args=tls_args,
            evt_handlers=[(EVT_CONN_OPEN, send_at_once), (EVT_PDU_RECV, lambda event: answers.append(type(event.pdu)))],
        )
        if not association.is_established:
            # pynetdicom's own `is_rejected` is False where the rejection came before it looked at the connection.
            raise AwayError("rejected" if A_ASSOCIATE_RJ in answers else "no connection")
        _leave_answers(association)
        try:
            yield association
        finally:
            if association.is_established:
                association.release()


def _leave_answers(association: Association) -> None:
    """Have the thread of the association take no messages.

    pynetdicom pauses it while `send_c_store` waits for the answer, but may do so a moment too late (its issue 435).
    Then the thread takes the answer, and what the destination has is sent to it again after a timeout. A client gets no
    requests, so there is nothing else for that thread to take.
    """
    dimse: Any = association.dimse
    take = dimse.get_msg
    dimse.get_msg = lambda block=False: take(block=True) if block else (None, None)


def _store(association: Association, path: Path) -> int | None:
    """The status of a C-STORE; None without an answer."""
    try:
        try:
            status = association.send_c_store(path)
        except ValueError:  # the destination does not take this encoding
            with disable_value_validation():
                status = association.send_c_store(dcmread(path))
    except ValueError as error:
        raise RefusedError("class or encoding not accepted") from error
    except RuntimeError:  # the association is gone
        return None
    return status.get("Status")
