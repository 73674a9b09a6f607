"""What packages need, and their size."""

from importlib.metadata import distribution
from pathlib import Path

from experiments.installed_packages import installed_mb, licences, needed_packages


def test_needed_packages_are_those_of_all_levels() -> None:
    needed = needed_packages(["monai-unsup-denoise"])
    assert {"monai-unsup-denoise", "monai", "torch", "sympy", "mpmath"} <= set(needed)  # monai: torch: sympy: mpmath
    assert not {"pytest", "mlflow", "onnxruntime"} & set(needed)  # of extras
    assert needed == sorted(set(needed))


def test_size_is_that_of_the_files_on_the_disk() -> None:
    folder = Path(distribution("onnxruntime").locate_file("onnxruntime"))  # type: ignore[arg-type]
    on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc") / 1e6
    assert on_disk <= installed_mb(["onnxruntime"]) < 1.2 * on_disk
    assert installed_mb([]) == 0


def test_licence_is_the_declared_one() -> None:
    assert licences(["onnxruntime", "onnxruntime", "onnx"]) == "MIT; Apache-2.0"
