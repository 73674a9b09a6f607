"""The federated training as a job of NVFlare: write it into a folder to submit, or run it in NVFlare's simulator.

    python apps/federated/job.py --rounds 10 --steps 300 --sites 3 --write my/job
    python apps/federated/job.py --rounds 10 --steps 300 --simulate my/sites --output-dir my/federated

The simulator takes a folder with a JSON file for each site, such as ``my/sites/leipzig.json``; ``server.json`` beside
them is that of the server. On real machines MRI_DENOISE_SITE names such a file.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from nvflare.app_opt.pt.recipes.fedavg import FedAvgRecipe
from nvflare.client.config import TransferType
from nvflare.recipe import SimEnv, add_final_global_evaluation, set_per_site_config

from monai_unsup_denoise.cli.config_checks import report_mistakes_in_one_line
from monai_unsup_denoise.cli.site_configs import VARIABLE
from monai_unsup_denoise.errors import InputError

HERE = Path(__file__).resolve().parent
NAME = "mri_denoise"
LAUNCH = 7200.0  # seconds until a site connects: it reads its scans before


def make_recipe(
    *,
    rounds: int,
    steps: int,
    sites: int,
    configs: Sequence[str] = (),
    differences: bool = False,
    per_site: Mapping[str, dict] | None = None,
) -> FedAvgRecipe:
    """Federated averaging: ``rounds`` of ``steps`` at each of ``sites``, then a validation of the last weights.

    Args:
        configs: names of configs of the bundle, such as ``train_paper.json``.
        differences: sites send how the weights have changed, as filters for privacy need it; else the weights.
        per_site: NVFlare's settings of single sites, by name.
    """
    chosen = [word for name in configs for word in ("--config", name)]
    recipe = FedAvgRecipe(
        name=NAME,
        model={"class_path": "shared_networks.SharedNetworks", "args": {"configs": list(configs)}},
        min_clients=sites,
        num_rounds=rounds,
        train_script=str(HERE / "client.py"),
        train_args=shlex.join(["--rounds", str(rounds), "--steps", str(steps), *chosen]),
        launch_external_process=True,
        launch_timeout=LAUNCH,
        params_transfer_type=TransferType.DIFF if differences else TransferType.FULL,
        key_metric="psnr",
    )
    if per_site:
        set_per_site_config(recipe, dict(per_site))
    recipe.add_server_file(str(HERE / "shared_networks.py"))
    add_final_global_evaluation(recipe)
    return recipe


def simulate(settings: Path, output_dir: Path, *, rounds: int, steps: int, configs: Sequence[str] = ()) -> Path:
    """Run all sites on this machine, each in processes of its own; return the folder of the job's results.

    Raises:
        InputError: if ``settings`` has no file of a site.
    """
    files = {path.stem: path.resolve() for path in sorted(settings.glob("*.json"))}
    server = files.pop("server", None)
    if not files:
        raise InputError(f"{settings}: no site; put a JSON file there for each, named after it")
    if server:
        os.environ[VARIABLE] = str(server)
    commands = {
        name: {"command": shlex.join(["env", f"{VARIABLE}={path}", sys.executable, "-u"])}
        for name, path in files.items()
    }
    recipe = make_recipe(rounds=rounds, steps=steps, sites=len(files), configs=configs, per_site=commands)
    run = recipe.run(SimEnv(clients=list(files), workspace_root=str(output_dir.resolve())))
    return Path(str(run.get_result()))


def main() -> None:
    """Read the command line; write or simulate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=300, help="of training in each round")
    parser.add_argument("--config", action="append", default=[], help="name of a config of the bundle; can be repeated")
    parser.add_argument("--differences", action="store_true", help="send changes of weights, for filters (--write)")
    parser.add_argument("--sites", type=int, help="how many must take part (--write)")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the job here")
    parser.add_argument("--simulate", type=Path, metavar="FOLDER", help="of the JSON files of the sites")
    parser.add_argument("--output-dir", type=Path, default=Path("federated"), help="of the simulation")
    options = parser.parse_args()
    sys.excepthook = report_mistakes_in_one_line
    if bool(options.write) == bool(options.simulate):
        parser.error("give either --write or --simulate")
    if options.write:
        if not options.sites:
            parser.error("--write needs --sites")
        recipe = make_recipe(
            rounds=options.rounds,
            steps=options.steps,
            sites=options.sites,
            configs=options.config,
            differences=options.differences,
        )
        recipe.export(str(options.write))
        print(options.write / NAME)
    else:
        chosen = {"rounds": options.rounds, "steps": options.steps, "configs": options.config}
        print(simulate(options.simulate, options.output_dir, **chosen))


if __name__ == "__main__":
    main()
