"""Checks of the command line ``python -m monai.bundle run``, which MONAI leaves out, and the config that it executes.

Started in another way (from Python, by a server) there is no such command line: nothing is checked, and the executed
config is unknown. ``arguments`` are those of this process by default.
"""

import difflib
import errno
import inspect
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import fire  # type: ignore[import-untyped]
from monai.bundle import ConfigParser
from monai.bundle import run as bundle_run
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from monai_unsup_denoise.cli.shareable_config import shareable_config
from monai_unsup_denoise.credentials import hide_credentials
from monai_unsup_denoise.errors import InputError, find_input_error
from monai_unsup_denoise.files import write_json
from monai_unsup_denoise.literal import is_read_by_monai
from monai_unsup_denoise.process import interrupt_on_signals, printable

_DISK_REFUSES = {errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.ENOSPC, errno.EPERM, errno.EROFS}

#: Words of JSON that MONAI's command takes for texts, and what to give instead.
_TEXTS = {"true": "True", "false": "False", "null": "'$None'", "none": "'$None'"}

#: Ids of earlier versions, and what to do instead.
RENAMED = {
    "fast": "give refine, with the opposite value",
    "noise_stride": "correlation is read from the scan; leave it out",
    "correlated_noise": "correlation is read from the scan; leave it out",
    "mirrored": "give self_ensemble",
    "network": "give network_def",
    "schedulers": "give train#lr_scheduler",
    "standard_level": "give working_sigma",
    "code_jitter": "give code_noise",
    "command_line": "the checks are calls in `initialize`; leave it out",
}


def check_command_line(arguments: Sequence[str] | None = None) -> None:
    """Check ids, values and configs; from here on user mistakes and signals end in one line, not in a traceback.

    MONAI takes an override of an id that no config has for a new id, without a word, and evaluates the name of a file
    that begins with ``$``; ``false`` is a text to it, which counts as true. Here all these are errors.

    Raises:
        InputError: for an unknown id, naming the one that was probably meant; for a name that MONAI would misread; for
            a config without those that it changes (its ``base``).
    """
    command = _parse(arguments)
    if command is None:
        return
    sys.excepthook = report_mistakes_in_one_line
    interrupt_on_signals()
    files, overrides = command
    if not files:  # they are named in an --args_file
        return
    given = [Path(file).name for file in files]
    for file in files:
        base = ConfigParser.load_config_file(file).get("base", [])
        if not set(base) <= set(given):
            needed = [*dict.fromkeys([given[0], *base, Path(file).name])]
            raise InputError(f'{Path(file).name} changes other configs; give --config_file "{needed}", with paths')
    config = ConfigParser(ConfigParser.load_config_files(files))
    known = {*config.get(), *DEFAULT_MLFLOW_SETTINGS["configs"]}  # the latter for `--tracking mlflow`
    for key, value in overrides.items():
        if isinstance(value, str) and is_read_by_monai(value) and (value[0] not in "$@%" or os.path.exists(value)):
            raise InputError(f"--{key} {value}: MONAI would misread this name, for its $, @, % or #; rename it")
        if isinstance(value, str) and value.lower() in _TEXTS:
            raise InputError(f"--{key} {value}: a text to MONAI, which counts as true; give {_TEXTS[value.lower()]}")
        path = re.split("#|::", key.lstrip("+"))
        gone = [part for part in path if part in RENAMED and "#".join(path) not in config]
        if gone:
            raise InputError(f"--{key}: {gone[0]} is gone; {RENAMED[gone[0]]}")
        if path[0] not in known:
            close = difflib.get_close_matches(path[0], known, n=1)
            hint = f"did you mean --{close[0]}?" if close else "see the ids in the config file"
            raise InputError(f"--{key}: no such key in {', '.join(given)}; {hint}")


def report_mistakes_in_one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A ``sys.excepthook``: one line for an interruption and for `find_mistake`, a traceback for anything else."""
    mistake = find_mistake(error)
    if isinstance(error, KeyboardInterrupt):
        print(f"interrupted {error}".rstrip(), file=sys.stderr)
    elif mistake is None:
        sys.__excepthook__(kind, error, trace)
    else:
        print(f"error: {printable(str(mistake))}", file=sys.stderr)


def find_mistake(error: BaseException) -> InputError | None:
    """The :class:`InputError` behind ``error``, also for a disk that is full or read-only; None if there is none."""
    mistake = find_input_error(error)
    cause: BaseException | None = error
    while mistake is None and cause is not None:
        if isinstance(cause, OSError) and cause.errno in _DISK_REFUSES:
            mistake = InputError(
                f"{cause.filename or 'output'}: {cause.strerror}; make room or give another output_dir"
            )
        cause = cause.__cause__ or cause.__context__
    return mistake


def executed_config(*, shareable: bool = False, arguments: Sequence[str] | None = None) -> dict[str, Any] | None:
    """The executed config, files and overrides merged, without credentials.

    If ``shareable``, also without the user's paths and other texts.
    """
    files, overrides = _parse(arguments) or ([], {})
    if not files:
        return None
    parser = ConfigParser()
    parser.read_config(files)
    for key, value in overrides.items():
        parser[key.lstrip("+")] = value
    config = _without_credentials(parser.get())
    return shareable_config(config) if shareable else config


def save_executed_config(folder: str | Path, name: str, arguments: Sequence[str] | None = None) -> None:
    """Write :func:`executed_config`, if there is one, to ``folder/config_<name>.json``."""
    config = executed_config(arguments=arguments)
    if config is not None:
        write_json(Path(folder) / f"config_{name}.json", config)


def _without_credentials(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_credentials(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_credentials(inner) for inner in value]
    return hide_credentials(value) if isinstance(value, str) else value


def _parse(arguments: Sequence[str] | None) -> tuple[list[str], dict[str, Any]] | None:
    """Config files and overrides, read as MONAI reads them; None where this is not MONAI's command."""
    arguments = sys.argv if arguments is None else arguments
    if "monai" not in Path(arguments[0]).parts or "run" not in arguments:
        return None
    overrides = fire.Fire(lambda *_, **options: options, command=list(arguments[1:]), serialize=lambda _: None)
    own = {name: overrides.pop(name, None) for name in inspect.signature(bundle_run).parameters}
    files = own["config_file"] or []
    return [files] if isinstance(files, str) else list(files), overrides
