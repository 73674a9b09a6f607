"""Dictionary version of a random transform of one image."""

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable, RandomizableTransform
from numpy.random import RandomState


class RandOfImaged(Randomizable, MapTransform):
    """Apply the transform class ``of_image`` to each key, with one draw for all. ``settings`` are its arguments."""

    of_image: ClassVar[type[RandomizableTransform]]

    def __init__(self, keys: KeysCollection, *, allow_missing_keys: bool = False, **settings: Any) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.transform: Any = self.of_image(**settings)

    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> "RandOfImaged":
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        for number, key in enumerate(self.key_iterator(d)):
            d[key] = self.transform(d[key], randomize=number == 0)
        return d
