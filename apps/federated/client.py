"""What NVFlare runs at a site: the bundle's training, in rounds, on the scans and with the settings of the site.

Only numbers and names of configs come from the job. Folders, addresses and sizes are in the JSON file that the
environment variable MRI_DENOISE_SITE names, and configs are those of the bundle that is installed at the site.
"""

import argparse
import sys
from contextlib import suppress

import nvflare.client as flare

from monai_unsup_denoise.cli.config_checks import report_mistakes_in_one_line
from monai_unsup_denoise.cli.run_bundle import bundle_command, run_bundle
from monai_unsup_denoise.cli.site_configs import site_configs


def main() -> None:
    """Train for as many rounds as the job has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True, help="of each round")
    parser.add_argument("--config", action="append", default=[], help="name of a config of the bundle")
    options = parser.parse_args()
    sys.excepthook = report_mistakes_in_one_line
    settings = {"max_epochs": options.rounds, "iterations_per_epoch": options.steps}
    try:
        run_bundle(bundle_command("training", site_configs([*options.config, "train_federated.json"]), settings, []))
    finally:
        with suppress(RuntimeError):  # there is no connection yet, if the config is refused
            flare.shutdown()  # its threads would keep the process


if __name__ == "__main__":
    main()
