"""What a federated training has made: its best global model, PSNR of every round, a run in MLflow.

    python apps/federated/results.py my/federated/mri_denoise --output-dir my/model

takes the folder of a finished job, from the simulator or downloaded from NVFlare's server. MRI_DENOISE_SITE must name
the settings of the server, if it has some.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from mlflow import MlflowClient
from monai.utils import path_to_sqlite_uri
from shared_networks import denoiser_weights

from monai_unsup_denoise.cli.config_checks import report_mistakes_in_one_line
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.tracking.runs import create_run
from monai_unsup_denoise.tracking.server import open_store
from monai_unsup_denoise.training.save_state import save_state

MODELS = ("FL_global_model.pt", "best_FL_global_model.pt")  # after the last round, and before the best
METRIC = "psnr"


def psnr_of_rounds(job: Path) -> list[float]:
    """Mean over the sites of the PSNR of the global weights: before each round, and after the last.

    Raises:
        InputError: if this is not the folder of a finished job.
    """
    rounds = [json.loads(line) for line in _find(job, "round_metrics.jsonl").read_text().splitlines()]
    last = json.loads(_find(job, "cross_val_results.json").read_text())
    values = [site[f"SRV_{MODELS[0]}"][METRIC] for site in last.values()]
    return [_value(one["aggregated_metrics"]) for one in rounds] + [sum(values) / len(values)]


def best_weights(job: Path) -> dict[str, torch.Tensor]:
    """The shared weights of highest PSNR, those after the last round included.

    Raises:
        InputError: if this is not the folder of a finished job.
    """
    before, last = psnr_of_rounds(job)[:-1], psnr_of_rounds(job)[-1]
    name = MODELS[0] if last >= max(before) else MODELS[1]
    return torch.load(_find(job, name), map_location="cpu", weights_only=True)["model"]


def track(job: Path, model: Path, tracking_uri: str, experiment: str = "brain_mri_denoise_federated") -> str:
    """One run in MLflow: PSNR by round, and the best model. Returns its id."""
    client = MlflowClient(open_store(tracking_uri))
    run = create_run(client, experiment, run_name=job.resolve().name, tags={})
    for number, value in enumerate(psnr_of_rounds(job)):
        client.log_metric(run, f"val/{METRIC}", value, step=number)
    client.log_artifact(run, str(model))
    client.set_terminated(run, "FINISHED")
    return run


def main() -> None:
    """Read the command line; write ``model.pt``, print the rounds, log to MLflow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=Path, help="folder of the finished job")
    parser.add_argument("--config", action="append", default=[], help="as in the job; can be repeated")
    parser.add_argument("--output-dir", type=Path, default=Path("federated_model"), help="for model.pt")
    parser.add_argument("--tracking-uri", help="of MLflow; default: mlruns.db in the output folder")
    options = parser.parse_args()
    sys.excepthook = report_mistakes_in_one_line
    values, weights = psnr_of_rounds(options.job), denoiser_weights(best_weights(options.job), options.config)
    model = options.output_dir / "model.pt"
    save_state(weights, model)
    track(options.job, model, options.tracking_uri or path_to_sqlite_uri(options.output_dir / "mlruns.db"))
    for number, value in enumerate(values):
        print(f"after {number} rounds: PSNR {value:.2f} dB")
    print(f"{model}: mri-denoise denoise IN OUT --model {model}")


def _find(job: Path, name: str) -> Path:
    found = sorted(path for path in job.rglob(name) if "model_shareables" not in path.parts)
    if not found:
        raise InputError(f"{job}: no {name}; give the folder of a federated training that has finished")
    return found[0]


def _value(metrics: list[dict]) -> float:
    return next(float(one["value"]) for one in metrics if one["name"] == METRIC)


if __name__ == "__main__":
    main()
