"""The networks whose weights are exchanged, as NVFlare's server makes them from the bundle of its machine."""

from collections.abc import Sequence

import torch
from monai.bundle import ConfigParser
from torch import nn

from monai_unsup_denoise.cli.site_configs import site_configs


class SharedNetworks(nn.ModuleDict):
    """The generators of a training, at their initial weights.

    Args:
        configs: names of configs of the bundle, laid over ``train.json``.

    Raises:
        InputError: if the bundle has no such config.
    """

    def __init__(self, configs: Sequence[str] = ()) -> None:
        parser = ConfigParser()
        parser.read_config(site_configs(configs, needs_settings=False))
        parser["device"] = "$torch.device('cpu')"
        torch.manual_seed(parser.get_parsed_content("seed"))
        super().__init__(dict(parser.get_parsed_content("generators").items()))
