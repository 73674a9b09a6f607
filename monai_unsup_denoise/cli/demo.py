"""`mri-denoise demo`: an example as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.cli.options import Weights
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.files import atomic_write, check_writable
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

SUBJECT = 11  # in no training
LEVEL = 15  # percent of the maximum
SLICES = 16


def demo(
    output: Annotated[Path, typer.Option(help="The picture, a .png file.")] = Path("demo.png"),
    model: Weights = None,
) -> None:
    """Denoise an example and draw noisy, denoised, residual and clean side by side.

    The example is the middle of a digital phantom's T1w scan with 15 % Rician noise. Needs the extra `train`.
    """
    if output.suffix.lower() != ".png":
        raise InputError(f"{output}: the picture is a PNG; end it in .png")
    check_writable(output, overwrite=True)
    require(extra="train")
    with suppress_stderr():
        import numpy as np
        import torch
        from monai.metrics import SSIMMetric
        from monai.transforms import LoadImage

        from monai_unsup_denoise.data import phantom_datalist
        from monai_unsup_denoise.inference import Denoiser
        from monai_unsup_denoise.training import comparison_figure
        from monai_unsup_denoise.transforms import AddRicianNoised

        denoiser = Denoiser.from_bundle(model=model)
        [item] = phantom_datalist(None, [SUBJECT], contrasts=["T1w"])
        scan = LoadImage(ensure_channel_first=True)(item["image"])
    noisy_scan = AddRicianNoised("image", seed=0)({"image": scan, "level": LEVEL})
    maximum = float(scan.max())
    first = (scan.shape[-1] - SLICES) // 2
    clean, noisy = (image[0, ..., first : first + SLICES].numpy() for image in (scan, noisy_scan["image"]))
    volume = denoiser.denoise_image(denoiser.wrap(noisy))

    for name, image in (("noisy", noisy), ("denoised", volume.denoised)):
        psnr = -10 * np.log10(np.mean((image - clean) ** 2) / maximum**2)
        pair = [torch.from_numpy(x / maximum).permute(2, 0, 1).unsqueeze(1) for x in (image, clean)]
        typer.echo(f"{name:9s} PSNR {psnr:5.2f} dB   SSIM {SSIMMetric(spatial_dims=2)(*pair).mean().item():.3f}")
    if volume.sigma is not None:
        estimate, truth = 100 * volume.sigma / maximum, 100 * float(noisy_scan["sigma"]) / maximum
        typer.echo(f"sigma: estimated {estimate:.1f} % of the maximum, true {truth:.1f} %")

    row = {"noisy": noisy, "denoised": volume.denoised, "residual": noisy - volume.denoised, "clean": clean}
    figure = comparison_figure([{name: image[..., SLICES // 2] for name, image in row.items()}], [f"{LEVEL} %"])
    try:
        with atomic_write(output.absolute()) as partial:
            figure.savefig(partial, dpi=110)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}); make room or give another output") from error
    typer.echo(f"picture: {output}")
