"""The network as TorchScript, for programs without this package."""

import logging
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from monai.bundle import ckpt_export

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write


def write_torchscript(path: Path, bundle: Path, *, weights: Path | None = None) -> None:
    """Write the network of a bundle with its weights, its ``inference.json`` and its metadata as one ``.ts`` file.

    MONAI's ``ckpt_export`` writes it. Torch adds the names of all source files, for tracebacks: they hold folders of
    this machine and are left out; the rest is compressed. ``weights``, a bare state dictionary, replace the bundle's
    ``models/model.pt``.

    Raises:
        InputError: if the weights are missing.
    """
    weights = weights or bundle / "models" / "model.pt"
    if not weights.is_file():
        raise InputError(f"{weights}: no such file; train a model first (`make train`) or give another path")
    with tempfile.TemporaryDirectory() as folder:
        with_sources = Path(folder) / "model.ts"
        logging.getLogger("monai.bundle.scripts").setLevel(logging.WARNING)  # else it prints that temporary name
        ckpt_export(
            net_id="network_def",
            filepath=str(with_sources),
            ckpt_file=str(weights),
            meta_file=str(bundle / "configs" / "metadata.json"),
            config_file=str(bundle / "configs" / "inference.json"),
            key_in_ckpt="",
        )
        with (
            atomic_write(path) as partial,
            ZipFile(with_sources) as source,
            ZipFile(partial, "w", ZIP_DEFLATED) as target,
        ):
            for entry in source.infolist():
                if not entry.filename.endswith(".debug_pkl"):
                    target.writestr(entry.filename, source.read(entry))
