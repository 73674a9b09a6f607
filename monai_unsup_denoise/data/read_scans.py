"""Training and evaluation read scans as inference does."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Compose, LoadImaged, MapTransform

from monai_unsup_denoise.io.reader import read_scan

_LOAD = Compose([LoadImaged("image", image_only=True)])


class ReadScansd(MapTransform):
    """Paths become volumes by `read_scan`: MetaTensors ``(X, Y, Z)``, of the same formats and with the same refusals.

    Raises:
        InputError: when called, as `read_scan`.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = read_scan(item[key], _LOAD)["image"]
        return item
