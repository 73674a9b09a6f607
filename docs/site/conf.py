"""Settings of the documentation site. Its source folder is the repository, so that links work there and on the site."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

from monai_unsup_denoise import __version__  # noqa: E402

project = "monai-unsup-denoise"
copyright = "the monai-unsup-denoise authors, Apache-2.0"  # noqa: A001
version = release = __version__
html_title = f"{project} {version}"

extensions = [
    *("myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"),
    *("hooks.accessible", "hooks.benchmark_data", "hooks.command_help", "hooks.docstrings", "hooks.folder_links"),
    *("hooks.front_page", "hooks.public_names", "hooks.signatures"),
]
root_doc = "README"
include_patterns = [
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "GOVERNANCE.md"),
    *("docs/**", "bundles/brain_mri_denoise/docs/README.md"),
]
# ablation.md is a table without a title, which the model card shows.
exclude_patterns = [".*", "build", "docs/site/navigation.md", "docs/benchmark/ablation.md"]
source_suffix = {".md": "myst-nb"}
default_role = "py:obj"
highlight_language = "text"

# The tutorials are run when the site is built, unless they were before; an error in one is an error of the build.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # they call mri-denoise
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "tutorials")
nb_execution_in_temp = True
nb_execution_timeout = 900  # seconds, of a cell: on a busy machine it takes longer than usual
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars, and notes of MONAI

myst_heading_anchors = 4
# The model card leaves levels of headings out, as MONAI's template does.
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 72
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_theme_options = {"navigation_with_keys": False}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
