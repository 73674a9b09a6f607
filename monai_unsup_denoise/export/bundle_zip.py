"""A bundle as one file that needs nothing but its dependencies."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import torch
from monai.bundle import ConfigParser, ckpt_export

import monai_unsup_denoise
from monai_unsup_denoise import transforms
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.inference.weights import load_weights

#: All of a bundle but its denoiser's weights.
_PARTS = ("LICENSE", "configs/*.json", "configs/*.conf", "docs/*", "models/tissue_classifier.pt")
#: Of every file, so that the same content gives the same zip.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_bundle_zip(path: Path, bundle: Path, *, model: Path | None = None, torchscript: bool = True) -> None:
    """Write ``bundle`` as a zip in the layout of MONAI's model zoo, with this package in the bundle's root.

    Unpacked, it trains and infers from within its folder wherever MONAI and the packages named in its
    ``configs/metadata.json`` are installed: ``python -m monai.bundle`` imports from the current folder, and the
    configs find the bundle there, too.

    Args:
        path: the zip; it appears whole or not at all.
        bundle: folder of the bundle, whose name is that of the folder in the zip.
        model: weights to put in place of the bundle's; ``model.ts`` is then made of them.
        torchscript: put ``models/model.ts`` in, too.

    Raises:
        InputError: if weights are missing or not those of the bundle's network.
    """
    content = {**dict(_bundle_files(bundle)), **dict(_package_files())}
    with tempfile.TemporaryDirectory() as folder:
        models = bundle / "models"
        if model is not None:
            models = Path(folder)
            _make_models(models, bundle / "configs", model, torchscript=torchscript)
        for name in ("model.pt", "model.ts") if torchscript else ("model.pt",):
            if not (models / name).is_file():
                raise InputError(f"{models / name}: no such file; make it (`make train`, `make export`)")
            content[f"models/{name}"] = (models / name).read_bytes()
    with atomic_write(path) as partial, ZipFile(partial, "w", ZIP_DEFLATED) as archive:
        for name, data in sorted(content.items()):
            entry = ZipInfo(f"{bundle.name}/{name}", _DATE)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def _bundle_files(bundle: Path) -> Iterator[tuple[str, bytes]]:
    """Name in the bundle and content of each file; of configs, with the current folder for the bundle's."""
    for part in _PARTS:
        for file in bundle.glob(part):
            data = file.read_bytes()
            root = json.loads(data).get("bundle_root") if file.suffix == ".json" else None
            if root is not None:
                data = data.replace(f'"bundle_root": "{root}"'.encode(), b'"bundle_root": "."')
            yield file.relative_to(bundle).as_posix(), data


def _package_files() -> Iterator[tuple[str, bytes]]:
    """Name and content of this package's files, ``transforms`` inside it as where it is installed, without bundles."""
    package = Path(monai_unsup_denoise.__file__).parent
    for name, root in {package.name: package, f"{package.name}/transforms": Path(transforms.__path__[0])}.items():
        for file in root.rglob("*"):
            place = file.relative_to(root)
            if file.is_file() and not {"__pycache__", "bundles"} & set(place.parts):
                yield f"{name}/{place.as_posix()}", file.read_bytes()


def _make_models(folder: Path, configs: Path, model: Path, *, torchscript: bool) -> None:
    """Write ``model.pt`` and ``model.ts`` of the network of ``inference.json`` with the weights at ``model``."""
    config = str(configs / "inference.json")
    parser = ConfigParser()
    parser.read_config(config)
    torch.save(load_weights(parser.get_parsed_content("network_def"), model).state_dict(), folder / "model.pt")
    if torchscript:
        ckpt_export(
            net_id="network_def",
            filepath=str(folder / "model.ts"),
            ckpt_file=str(folder / "model.pt"),
            meta_file=str(configs / "metadata.json"),
            config_file=config,
            key_in_ckpt="",
        )
