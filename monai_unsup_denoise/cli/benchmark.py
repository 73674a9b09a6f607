"""`mri-denoise benchmark`: compare denoising methods on the same noise."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.options import BaselinesPython, MethodThreads, ModelsDir
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

if TYPE_CHECKING:
    import pandas as pd

    from monai_unsup_denoise.benchmark.cases import Case
    from monai_unsup_denoise.benchmark.repeats import RepeatCase


#: Exit code if rows without numbers are the only failure; 1 is a mistake of the user, 2 a wrong option.
INCOMPLETE = 3


def benchmark(
    volume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VOLUME",
            help="Clean volume: phantom (three contrasts of a subject outside all training sets), phantom_t1w, "
            "brainweb:FOLDER, a scan or a folder of scans, or NAME=SCAN. Can be repeated. Default: phantom.",
        ),
    ] = None,
    repeats: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="In place of clean volumes: repeated scans of one object, a 4-D file or a folder (of 3-D scans, or of "
            "several such files or folders), or NAME=FOLDER. Can be repeated. Writes repeats.csv and repeats.md.",
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Kind of noise, such as zero_filled, or all; can be repeated. Default: white. With other kinds, "
            "writes noise_kinds.csv and noise_kinds.md.",
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
            help="Slices of the last axis: a range from 0, the middle N, or all. Default: the middle 40 of a "
            "phantom, 70-109 of brainweb_t1w, else all.",
        ),
    ] = None,
    models_dir: ModelsDir = None,
    baselines_python: BaselinesPython = None,
    output_dir: Annotated[
        Path, typer.Option(help="Folder for the results; finished cells in it are not computed again.")
    ] = Path("benchmark"),
    threads: MethodThreads = 1,
    keep_others: Annotated[
        bool, typer.Option("--keep-others", help="Keep the rows of the CSV file that are not computed this time.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="The reduced grid of `make benchmark`: fewer volumes, levels and slices.")
    ] = False,
) -> None:
    """Compare denoising methods: volumes x noise levels x methods, the same noise for all.

    Each result is stored as it is finished: an interrupted run continues from there, and only results whose inputs
    changed are computed again. With --repeats, methods are compared on real noise: a repeat is denoised, and scored
    against the others. A method that fails, or lacks its packages or weights, is a row with the reason; the
    exit code is then 3.
    """
    require(extra="benchmark")
    settings = _settings(quick)
    with suppress_stderr():
        from monai_unsup_denoise.benchmark.cases import check_levels, find_sources, load_volume, make_cases
        from monai_unsup_denoise.benchmark.methods import choose_methods, find_environments, resolve_method
        from monai_unsup_denoise.benchmark.report import Report, write_kinds_report, write_repeats_report, write_report
        from monai_unsup_denoise.benchmark.result_cache import ResultCache
        from monai_unsup_denoise.benchmark.run import CASE_COLUMNS, read_results, run_benchmark
        from monai_unsup_denoise.benchmark.scores import SCORE_COLUMNS
    if repeats and (volume or noise or level or seed or slices or quick):
        raise InputError("--repeats takes no --volume, --noise, --level, --seed, --slices or --quick; leave these out")
    kinds: Sequence[str] = ()
    if noise and set(noise) != {"white"}:
        from monai_unsup_denoise.benchmark.noise_kinds import KIND_COLUMNS, find_kinds, make_kind_cases

        kinds = find_kinds(noise)
    section = settings["repeats"] if repeats else settings["noise_kinds"] if kinds else {}
    entries = settings["methods"] | (settings["more_methods"] if section else {})
    chosen = choose_methods(entries, method or section.get("methods", ()))
    check_levels(level or ())
    environments = find_environments(baselines_python)
    _make_folder(output_dir)
    table, scores = "results", SCORE_COLUMNS
    case_columns: Sequence[str] = CASE_COLUMNS
    write: Callable[..., None] = write_report
    cases: Sequence[Case | RepeatCase]
    with suppress_stderr():
        if repeats:
            from monai_unsup_denoise.benchmark.repeat_files import find_repeats, load_repeats
            from monai_unsup_denoise.benchmark.repeats import REPEAT_COLUMNS, make_repeat_case

            table, scores, write = "repeats", REPEAT_COLUMNS, write_repeats_report
            cases = [make_repeat_case(source.name, load_repeats(source)) for source in find_repeats(repeats)]
        else:
            grid = settings | section | (settings["quick"] if quick else {})
            sources = find_sources(volume or grid["volumes"])
            volumes = [load_volume(source, slices or grid["slices"].get(source.name, "all")) for source in sources]
            cases = white = make_cases(volumes, level or grid["levels"], seed or grid["seeds"])
            if kinds:
                table, scores, write = "noise_kinds", KIND_COLUMNS, write_kinds_report
                case_columns = ("volume", "kind", "level", "seed")
                cases = make_kind_cases(white, kinds)
    bundle = bundle_folder()
    folders = [*([models_dir] if models_dir else []), bundle / "models"]
    methods = [
        resolve_method(one, environments=environments, model_folders=folders, configs=bundle / "configs")
        for one in chosen
    ]
    previous = read_results(output_dir / f"{table}.csv", scores, case_columns) if keep_others else None
    kept = [] if previous is None else previous["method"].unique()
    shown = choose_methods(entries, [*(one.name for one in chosen), *kept])
    cache = ResultCache(output_dir / "cells", warn=lambda line: typer.echo(line, err=True))
    try:
        results = run_benchmark(
            cases,
            methods,
            cache,
            results=output_dir / f"{table}.csv",
            scores=scores,
            case_columns=case_columns,
            threads=threads,
            previous=previous,
            order=[one.name for one in shown],
        )
    except KeyboardInterrupt:
        typer.echo(f"stopped; finished results are kept in {output_dir}: the same command continues there", err=True)
        raise typer.Exit(130) from None
    options: dict[str, Sequence[object]] = {
        "volume": [_without_folders(word) for word in volume or []],
        "repeats": [_without_folders(word) for word in repeats or []],
        "noise": noise or [],
        "level": [f"{one:g}" for one in level or []],
        "method": method or [],
        "seed": seed or [],
        "slices": [slices] if slices else [],
        "threads": [threads] if threads > 1 else [],
    }
    report = Report(
        note=settings["remark"] if quick else "",
        command=_command(["--quick"] * quick + ["--keep-others"] * keep_others, options),
        conditions=f"{_processor()}, {threads} thread{'s' if threads > 1 else ''} for each method",
    )
    write(output_dir, results, shown, cache.find_images, report)
    page, figures = ("tables.md", "figures") if table == "results" else (f"{table}.md", table)
    for name in (f"{table}.csv", page, figures):
        typer.echo(output_dir / name)
    _report_failures(results)


def _command(words: list[str], options: Mapping[str, Sequence[object]]) -> str:
    """The command without folders: a report is passed on, and a folder may be named after a patient."""
    given = [word for name, values in options.items() for value in values for word in (f"--{name}", str(value))]
    return shlex.join(["mri-denoise", "benchmark", *words, *given])


def _without_folders(word: str) -> str:
    """A volume as a report shows it: ``brainweb:FOLDER``, ``NAME=SCAN``, ``scan.nii.gz``."""
    if Path(word).exists():
        return "FOLDER" if Path(word).is_dir() else Path(word).name
    name, equals, _ = word.partition("=")
    kind, colon, _ = word.partition(":")
    return f"{name}=SCAN" if equals else f"{kind}:FOLDER" if colon else word


def _processor() -> str:
    """Name of the processor if the system has it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _settings(quick: bool) -> dict[str, Any]:
    settings = json.loads((bundle_folder() / "configs" / "benchmark.json").read_text(encoding="utf-8"))
    return settings | settings["quick"] if quick else settings


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); give another --output-dir") from error


def _report_failures(results: pd.DataFrame) -> None:
    """One line for each method and reason, and the exit code `INCOMPLETE`, if there are rows without numbers."""
    failed = results[results["status"] != "ok"]
    if failed.empty:
        return
    typer.echo(f"error: {len(failed)} of {len(results)} results are missing:", err=True)
    for name in results["method"].unique():
        for reason, number in failed.loc[failed["method"] == name, "status"].value_counts(sort=False).items():
            typer.echo(f"  {name}: {reason} ({number} of {(results['method'] == name).sum()})", err=True)
    raise typer.Exit(INCOMPLETE)
