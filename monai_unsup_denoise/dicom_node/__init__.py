"""A DICOM node: takes studies by C-STORE, denoises them, and sends them on.

Needs the extra ``dicom-node``.
"""

from monai_unsup_denoise.dicom_node.node import open_spool, running_node
from monai_unsup_denoise.dicom_node.settings import Destination, NodeSettings, Tls, read_settings

__all__ = ["Destination", "NodeSettings", "Tls", "open_spool", "read_settings", "running_node"]
