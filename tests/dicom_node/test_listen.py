"""`mri-denoise listen` ends as a service should."""

import json
import signal
from contextlib import contextmanager

import pytest

from monai_unsup_denoise.cli import main


def test_a_signal_while_the_node_starts_is_no_failure(tmp_path, monkeypatch):
    node = pytest.importorskip("monai_unsup_denoise.dicom_node.node", reason="needs the extra dicom-node")

    @contextmanager
    def starting(settings, **options):
        signal.raise_signal(signal.SIGTERM)
        yield

    monkeypatch.setattr(node, "running_node", starting)
    destination = {"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": 11113}
    settings = {"ae_title": "DENOISE", "spool": "spool", "callers": ["SCANNER"], "destinations": [destination]}
    (tmp_path / "node.json").write_text(json.dumps(settings))
    with pytest.raises(SystemExit) as ended:
        main(["listen", "--config", str(tmp_path / "node.json")])
    assert not ended.value.code
