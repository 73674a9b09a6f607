"""The doors to `python -m monai.bundle run`: a process of its own, so that everything is as MONAI does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError

#: Typer's settings for a command that hands the options it does not know to the bundle.
PASSES_OPTIONS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

_ENDINGS = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}


def config_files(names: Sequence[str]) -> list[str]:
    """Paths of the bundle's ``train.json`` and of the configs laid over it, by path or by name in the bundle.

    Raises:
        InputError: for a config that is neither a file nor in the bundle.
    """
    configs = bundle_folder() / "configs"
    found = [configs / "train.json"]
    for name in names:
        path = next((path for path in (Path(name), configs / name) if path.is_file()), None)
        if path is None:
            known = ", ".join(sorted(path.name for path in configs.glob("*.json")))
            raise InputError(f"{name}: no such config; give the path of one, or one of the bundle's: {known}")
        if path.resolve() != found[0].resolve():
            found.append(path)
    return [str(path.absolute()) for path in found]


def default_output_dir() -> Path | None:
    """None where the bundle can be written in; else a folder in the current one."""
    return None if os.access(bundle_folder(), os.W_OK) else Path("mri_denoise_output")


def overrides(extra: Sequence[str]) -> list[str]:
    """``key=value`` as ``--key value``; ``--key value`` and ``--key=value`` as they are.

    Raises:
        InputError: for a word that is neither.
    """
    words: list[str] = []
    expects_value = False
    for word in extra:
        key, equals, value = word.partition("=")
        if word.startswith("--") and len(key) > 2:
            words += [key, value] if equals else [word]
            expects_value = not equals
        elif expects_value:
            words.append(word)
            expects_value = False
        elif equals and key and not word.startswith("-"):
            words += [f"--{key}", value]
        else:
            raise InputError(f"{word!r}: not an override; give key=value or --key value")
    return words


def run_bundle(run_id: str, configs: Sequence[str], settings: dict[str, Any], extra: Sequence[str]) -> int:
    """Run the bundle with ``settings`` (None: as in the config) and then ``extra``; return its exit code.

    An interrupt or a termination of this process goes on to the bundle's, which then has its time to end. It is a
    session of its own so that Ctrl-C reaches it once, not from the terminal too.
    """
    command = [sys.executable, "-m", "monai.bundle", "run", run_id]
    command += ["--config_file", configs[0] if len(configs) == 1 else repr(list(configs))]
    for key, value in {"bundle_root": bundle_folder(), **settings}.items():
        if value is not None:
            command += [f"--{key}", str(value)]
    process = subprocess.Popen(command + overrides(extra), start_new_session=True)
    before = {
        number: signal.signal(number, lambda received, _: process.send_signal(received))
        for number in _ENDINGS
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup
    }
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
