"""`mri-denoise demo`: a picture of what the model does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.cli.options import Weights
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

SUBJECT = 11  # no training has seen it
LEVEL = 15  # percent of the maximum
SLICES = 16


def demo(
    output: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("demo.png"),
    model: Weights = None,
) -> None:
    """Denoise an example and draw noisy, denoised, residual and clean side by side.

    The example is the middle of a digital phantom's T1w scan with 15 % Rician noise.
    """
    if output.suffix.lower() != ".png":
        raise InputError(f"{output}: the picture is a PNG; end it in .png")
    with suppress_stderr():
        import nibabel
        import numpy as np
        import torch
        from monai.metrics import PSNRMetric, SSIMMetric
        from monai.transforms import LoadImage

        from monai_unsup_denoise.data import phantom_datalist
        from monai_unsup_denoise.files import atomic_write
        from monai_unsup_denoise.inference.denoiser import Denoiser
        from monai_unsup_denoise.training.validation_images import comparison_figure
        from monai_unsup_denoise.transforms import AddRicianNoised

        denoiser = Denoiser.from_bundle(model=model)
    [item] = phantom_datalist(None, [SUBJECT], contrasts=["T1w"])
    with suppress_stderr():
        scan = LoadImage(ensure_channel_first=True)(item["image"])
    noisy_scan = AddRicianNoised("image", seed=0)({"image": scan, "level": LEVEL})
    maximum = float(scan.max())
    first = (scan.shape[-1] - SLICES) // 2
    clean, noisy = (image[0, ..., first : first + SLICES].numpy() for image in (scan, noisy_scan["image"]))
    with tempfile.TemporaryDirectory() as folder, suppress_stderr():
        path = Path(folder, "noisy.nii")
        nibabel.save(nibabel.Nifti1Image(noisy, np.asarray(scan.affine)), path)
        volume = denoiser.denoise(path)

    for name, image in (("noisy", noisy), ("denoised", volume.denoised)):
        pair = [torch.from_numpy(x / maximum).permute(2, 0, 1).unsqueeze(1) for x in (image, clean)]
        psnr = PSNRMetric(max_val=1.0)(pair[0][None, :, 0], pair[1][None, :, 0]).item()
        ssim = SSIMMetric(spatial_dims=2)(*pair).mean().item()
        typer.echo(f"{name:9s} PSNR {psnr:5.2f} dB   SSIM {ssim:.3f}")
    if volume.sigma is not None:
        found, truth = 100 * volume.sigma / maximum, 100 * float(noisy_scan["sigma"]) / maximum
        typer.echo(f"sigma found {found:.1f} % of the maximum, true {truth:.1f} %")

    middle = SLICES // 2
    row = {"noisy": noisy, "denoised": volume.denoised, "residual": noisy - volume.denoised, "clean": clean}
    figure = comparison_figure([{name: image[..., middle] for name, image in row.items()}], [f"{LEVEL} %"])
    with atomic_write(output.absolute()) as partial:
        figure.savefig(partial, dpi=110)
    typer.echo(f"picture: {output}")
