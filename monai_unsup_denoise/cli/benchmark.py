"""`mri-denoise benchmark`: methods side by side, on the same noise."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

if TYPE_CHECKING:
    import pandas as pd


#: Exit code of a benchmark that is whole but for rows without numbers; 1 is a mistake of the user's, 2 a wrong option.
LEFT_OUT = 3


def benchmark(
    volume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VOLUME",
            help="Clean volume: phantom (three contrasts of a subject that no training saw), phantom_t1w, "
            "brainweb:FOLDER, a scan or a folder of scans, or NAME=SCAN. Can be repeated. Default: phantom.",
        ),
    ] = None,
    level: Annotated[
        list[float] | None,
        typer.Option(
            metavar="PERCENT",
            help="Noise level in percent of the maximum; can be repeated. Default: 5, 10, 15, 20, 25 and 30.",
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Method, such as bm4d_vst; can be repeated. Default: all."),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(min=0, metavar="NUMBER", help="Realisation of the noise; can be repeated. Default: 0."),
    ] = None,
    slices: Annotated[
        str | None,
        typer.Option(
            metavar="FIRST-LAST|N|all",
            help="Slices of the last axis: a range from 0, the middle N, or all. Default: all, of a phantom the "
            "middle 40, of brainweb_t1w 70-109.",
        ),
    ] = None,
    models_dir: Annotated[
        Path | None, typer.Option(help="Folder of trained weights, looked into before the bundle's models.")
    ] = None,
    peers_python: Annotated[
        Path | None,
        typer.Option(help="Environment with the packages of other methods. Default: .peers/bin/python, if there."),
    ] = None,
    output_dir: Annotated[
        Path, typer.Option(help="Folder for the results; finished cells in it are not computed again.")
    ] = Path("benchmark"),
    threads: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="Threads that a method may use.")] = 1,
    keeps_others: Annotated[
        bool,
        typer.Option(
            "--keep-others", help="Leave the rows of results.csv that are not computed this time, as they were."
        ),
    ] = False,
    is_quick: Annotated[
        bool, typer.Option("--quick", help="The reduced grid of `make benchmark`: fewer volumes, levels and slices.")
    ] = False,
) -> None:
    """Compare denoising methods: volumes x noise levels x methods, the same noise for all.

    Each result is kept as it is finished: a run that is stopped goes on from there, and only what depends on
    something that changed is computed again. A method that fails, or lacks its packages or weights, is a row that
    says so; the exit code is then 3.
    """
    require(extra="benchmark")
    settings = _settings(is_quick)
    with suppress_stderr():
        from monai_unsup_denoise.benchmark.cases import make_cases
        from monai_unsup_denoise.benchmark.environments import find_environments
        from monai_unsup_denoise.benchmark.methods import choose_methods, prepare
        from monai_unsup_denoise.benchmark.previous_results import merge_results, read_previous_results
        from monai_unsup_denoise.benchmark.report import write_report
        from monai_unsup_denoise.benchmark.result_cache import ResultCache
        from monai_unsup_denoise.benchmark.rows import results_frame
        from monai_unsup_denoise.benchmark.run import run_benchmark
        from monai_unsup_denoise.benchmark.volumes import find_sources, load_volume, without_folders
    chosen = choose_methods(settings["methods"], method or ())
    make_cases([], level or [], [])  # a wrong level is said before a phantom is made
    interpreters = find_environments(peers_python)
    _make_folder(output_dir)
    sources = find_sources(volume or settings["volumes"])
    with suppress_stderr():
        volumes = [load_volume(source, slices or settings["slices"].get(source.name, "all")) for source in sources]
    cases = make_cases(volumes, level or settings["levels"], seed or settings["seeds"])
    folders = [*([models_dir] if models_dir else []), bundle_folder() / "models"]
    configs = bundle_folder() / "configs"
    prepared = [prepare(one, interpreters=interpreters, model_folders=folders, configs=configs) for one in chosen]
    earlier = read_previous_results(output_dir / "results.csv") if keeps_others else results_frame([])
    shown = choose_methods(settings["methods"], [*(one.name for one in chosen), *earlier["method"]])
    cells = ResultCache(output_dir / "cells", warn=lambda line: typer.echo(line, err=True))
    try:
        results = run_benchmark(
            cases,
            prepared,
            cells,
            results=output_dir / "results.csv",
            threads=threads,
            join=lambda rows: merge_results(earlier, rows, methods=[one.name for one in shown]),
        )
    except KeyboardInterrupt:
        typer.echo(f"stopped; what is finished is kept in {output_dir}: the same command goes on from there", err=True)
        raise typer.Exit(130) from None
    write_report(
        output_dir,
        results,
        cells.find_picture,
        titles={one.name: one.title for one in shown},
        notes={one.name: one.note for one in shown if one.note},
        references=[one.name for one in shown if one.trained_on_pairs],
        note=settings["remark"] if is_quick else "",
        command=_command(
            volume=[without_folders(word) for word in volume or []],
            level=[f"{one:g}" for one in level or []],
            method=method or [],
            seed=seed or [],
            slices=[slices] if slices else [],
            threads=[threads] if threads != 1 else [],
            quick=is_quick,
            keeps_others=keeps_others,
        ),
        conditions=f"{_processor()}, {threads} thread{'s' if threads > 1 else ''} for each method",
    )
    for name in ("results.csv", "tables.md", "index.html"):
        typer.echo(output_dir / name)
    _say_what_was_left_out(results)


def _command(*, quick: bool, keeps_others: bool, **options: Sequence[object]) -> str:
    """What the user typed, but for folders: a report is passed on, and a folder may be named after a person."""
    words = ["--quick"] * quick + ["--keep-others"] * keeps_others
    words += [word for name, values in options.items() for value in values for word in (f"--{name}", str(value))]
    return shlex.join(["mri-denoise", "benchmark", *words])


def _processor() -> str:
    """Name of the processor where the system tells it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _settings(is_quick: bool) -> dict[str, Any]:
    settings = json.loads((bundle_folder() / "configs" / "benchmark.json").read_text(encoding="utf-8"))
    return settings | settings["quick"] if is_quick else settings


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); give another --output-dir") from error


def _say_what_was_left_out(results: pd.DataFrame) -> None:
    """A line for each method and reason, and exit code 3, where there are rows without numbers."""
    failed = results[results["status"] != "ok"]
    if failed.empty:
        return
    typer.echo(f"error: {len(failed)} of {len(results)} results are missing:", err=True)
    for name in results["method"].unique():
        for reason, number in failed[failed["method"] == name].groupby("status", sort=False).size().items():
            typer.echo(f"  {name}: {reason} ({number} of {(results['method'] == name).sum()})", err=True)
    raise typer.Exit(LEFT_OUT)
