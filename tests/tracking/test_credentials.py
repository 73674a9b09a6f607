"""Credentials in an address reach MLflow, and nothing else."""

from __future__ import annotations

import base64
import http.server
import json
import os
import threading

import pytest

from monai_unsup_denoise.cli.config_checks import executed_config
from monai_unsup_denoise.cli.run_bundle import bundle_command
from monai_unsup_denoise.credentials import hide_credentials, keep_credentials
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.tracking import RunTracker, check_tracking_server

NAMES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_URI")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Put these variables back after each test."""
    for name in NAMES:
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("http://alice:s3cret@host:5000/x", "http://host:5000/x"),
        ("https://alice:s3@/cret@host", "https://host"),
        ("https://host/?password=s3cret&a=b#s3cret", "https://host/"),
        ("postgresql+psycopg://alice:s3cret@host/db?sslpassword=s3cret", "postgresql+psycopg://host/db"),
        ("'http://alice:s3cret@a' and http://s3cret@b: refused", "'http://a' and http://b: refused"),
        ("sqlite:////data/jane@home/mlruns.db", "sqlite:////data/jane@home/mlruns.db"),
        ("http://host:5000", "http://host:5000"),
        ("$@output_dir + '/mlruns.db'", "$@output_dir + '/mlruns.db'"),
    ],
)
def test_credentials_are_taken_out_of_a_text(text, clean):
    assert hide_credentials(text) == clean and "s3cret" not in clean


@pytest.mark.parametrize(
    "word", ["--tracking_uri={}", "tracking_uri={}", "--tracking-uri={}", "--tracker#tracking_uri={}"]
)
def test_command_and_config_hold_no_credentials(word, tmp_path):
    uri = "http://alice:s3%40cret@127.0.0.1:1"
    command = bundle_command("training", ["train.json"], {}, [word.format(uri)])
    assert "cret" not in str(command) and "http://127.0.0.1:1" in str(command)
    assert (os.environ[NAMES[0]], os.environ[NAMES[1]]) == ("alice", "s3@cret")
    (tmp_path / "train.json").write_text(json.dumps({"tracking_uri": uri, "x": [{"y": f"$f('{uri}')"}], "tracker": {}}))
    arguments = ["/monai/x", "run", "--config_file", str(tmp_path / "train.json"), word.format(uri)]
    config = executed_config(arguments=arguments if word.startswith("--") else arguments[:-1])
    assert "cret" not in str(config) and config["x"] == [{"y": "$f('http://127.0.0.1:1')"}]


@pytest.mark.parametrize(
    "uri", ["http://host?token=s3cret", "http://s3cret@host", "http://a:s3/cret@host", "https://host/#/s3cret"]
)
def test_what_mlflow_cannot_take_is_an_error_without_it(uri):
    with pytest.raises(InputError, match=r"^tracking_uri https?://host/?: only user:password@ may") as caught:
        keep_credentials(uri)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("uri", ["http://a:s3cret@[::1", "http://[::1:5000"])
def test_address_that_is_none_is_an_error_without_password(uri):
    with pytest.raises(
        InputError, match=r"^tracking_uri http://\[::1.*: no address of a server.*; correct it"
    ) as caught:
        keep_credentials(uri)
    assert "cret" not in str(caught.value)


def test_address_of_a_database_is_kept_for_mlflow_alone():
    uri = "postgresql://alice:s3cret@host/db"
    assert keep_credentials(uri) == "postgresql://host/db"
    assert check_tracking_server("postgresql://host/db") == uri


@pytest.mark.parametrize("from_environment", [False, True])
def test_server_gets_the_password_and_the_output_does_not(from_environment, monkeypatch, capfd, caplog):
    asked = []

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.headers.get("Authorization"))
            self.send_response(200 if self.path.endswith("experiments/search") else 403)
            self.end_headers()
            self.wfile.write(b"{}" if self.path.endswith("experiments/search") else f"no {uri} here".encode())

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://alice:s3%40cret@127.0.0.1:{server.server_port}"
        if from_environment:
            monkeypatch.setenv(NAMES[2], uri)
        tracker = RunTracker("http://elsewhere" if from_environment else uri, experiment_name="x", run_name="y")
        with pytest.raises(InputError) as caught:
            tracker.start(type("Engine", (), {"state": type("State", (), {"max_epochs": 1, "epoch_length": 1})}))
        server.shutdown()
    assert set(asked) == {"Basic " + base64.b64encode(b"alice:s3@cret").decode()}
    said = capfd.readouterr()
    everything = str(caught.value) + caplog.text + said.out + said.err + tracker.client.tracking_uri
    assert "127.0.0.1" in everything and "cret" not in everything
    assert "cret" not in os.environ.get(NAMES[2], "")
