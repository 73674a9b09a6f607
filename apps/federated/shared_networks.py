"""The networks whose weights are exchanged, as NVFlare's server makes them from the bundle of its machine."""

import os
from collections.abc import Mapping, Sequence

import torch
from monai.bundle import ConfigParser
from torch import nn

from monai_unsup_denoise.cli.site_configs import VARIABLE, site_configs
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.training import load_received


class SharedNetworks(nn.ModuleDict):
    """The generators of a training, at their initial weights.

    Args:
        configs: names of configs of the bundle, laid over ``train.json``.

    Raises:
        InputError: if the bundle has no such config.
    """

    def __init__(self, configs: Sequence[str] = ()) -> None:
        super().__init__(dict(_parser(configs).get_parsed_content("generators").items()))


def denoiser_weights(shared: Mapping[str, torch.Tensor], configs: Sequence[str] = ()) -> dict[str, torch.Tensor]:
    """What ``model.pt`` holds: the part of the shared weights that denoises.

    Raises:
        InputError: if they are not of the networks of these configs and of the settings of this machine.
    """
    parser = _parser(configs)
    try:
        load_received(parser.get_parsed_content("generators"), shared)
    except InputError as error:
        if os.environ.get(VARIABLE):
            raise
        raise InputError(f"{error}; if a server.json changes them, {VARIABLE} must name it") from error
    return parser.get_parsed_content("denoiser").state_dict()


def _parser(configs: Sequence[str]) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(site_configs(configs, needs_settings=False))
    parser["device"] = "$torch.device('cpu')"
    torch.manual_seed(parser.get_parsed_content("seed"))
    return parser
