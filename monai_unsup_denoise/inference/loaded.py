"""Denoisers with their weights, loaded once in a process and kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from torch.utils.data import get_worker_info

from monai_unsup_denoise.inference.denoiser import Denoiser

_KEPT = 4  # at a time


def loaded_denoiser(
    bundle: str | Path | None = None,
    *,
    model: str | Path | None = None,
    device: str | None = None,
    nonpositive: str | None = None,
) -> Denoiser:
    """`Denoiser.from_bundle`, loaded when first asked for, and again after its files have changed; shared: copy it.

    Without ``device``, a worker of a DataLoader computes on the CPU: a forked process cannot use CUDA.
    """
    if device is None and get_worker_info() is not None:
        device = "cpu"
    return _load(_absolute(bundle), _absolute(model), device, nonpositive, _versions(bundle, model))


@lru_cache(maxsize=_KEPT)
def _load(
    bundle: str | None, model: str | None, device: str | None, nonpositive: str | None, versions: tuple[int, ...]
) -> Denoiser:
    return Denoiser.from_bundle(bundle, model=model, device=device, settings={"nonpositive": nonpositive})


def _absolute(path: str | Path | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


def _versions(bundle: str | Path | None, model: str | Path | None) -> tuple[int, ...]:
    """When the files that a user may train or edit were last written; 0 for one that is not there."""
    files = [] if model is None else [Path(model).expanduser()]
    if bundle is not None:
        named = Path(bundle).expanduser().absolute()
        folder = named.parent.parent if named.suffix == ".json" else named
        files += [named, folder / "configs" / "inference.json", folder / "models" / "model.pt"]
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
