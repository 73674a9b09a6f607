"""A bundle as one file that needs nothing but its dependencies."""

import json
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import torch

import monai_unsup_denoise
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.export.torchscript import write_torchscript
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.inference import load_weights
from monai_unsup_denoise.inference.bundle import read_inference_config
from monai_unsup_denoise.inference.calibration import CALIBRATION_FILES

#: All of a bundle except the weights of its denoiser.
_PARTS = (
    *("LICENSE", "configs/*.json", "configs/*.conf", "docs/*", "models/tissue_classifier.pt"),
    *("models/model_paper*.pt", "models/model_cyclegan.pt"),
    *(f"models/{name}" for name in CALIBRATION_FILES),
)
#: The time of every file, so that the same content gives the same zip.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_bundle_zip(path: Path, bundle: Path, *, model: Path | None = None, torchscript: bool = True) -> None:
    """Write the folder ``bundle`` as a zip in the layout of MONAI's model zoo, with this package in its root.

    Unpacked, it trains and denoises from within its folder wherever MONAI and the packages of its
    ``configs/metadata.json`` are installed: ``python -m monai.bundle`` imports from the current folder, which is also
    the ``bundle_root`` of the configs.

    Args:
        model: weights in place of the bundle's; ``model.ts`` is then made from them.
        torchscript: add ``models/model.ts``.

    Raises:
        InputError: if weights are missing or do not fit the network of the bundle.
    """
    content = {**dict(_bundle_files(bundle)), **dict(_package_files())}
    with tempfile.TemporaryDirectory() as folder:
        models = bundle / "models"
        if model is not None:
            models = Path(folder)
            network = load_weights(read_inference_config(bundle).get_parsed_content("network_def"), model)
            torch.save(network.state_dict(), models / "model.pt")
            if torchscript:
                write_torchscript(models / "model.ts", bundle, weights=models / "model.pt")
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
    """Name in the bundle and content of each file; in configs, ``bundle_root`` becomes the current folder."""
    for part in _PARTS:
        for file in bundle.glob(part):
            data = file.read_bytes()
            root = json.loads(data).get("bundle_root") if file.suffix == ".json" else None
            if root is not None:
                data = data.replace(f'"bundle_root": "{root}"'.encode(), b'"bundle_root": "."')
            yield file.relative_to(bundle).as_posix(), data


def _package_files() -> Iterator[tuple[str, bytes]]:
    """Name and content of the files of this package, laid out as when installed, without the bundles."""
    package = Path(monai_unsup_denoise.__file__).parent
    transforms = Path(str(files(f"{package.name}.transforms")))
    for name, root in {package.name: package, f"{package.name}/transforms": transforms}.items():
        for file in root.rglob("*"):
            place = file.relative_to(root)
            if file.is_file() and not {"__pycache__", "bundles"} & set(place.parts):
                yield f"{name}/{place.as_posix()}", file.read_bytes()
