"""Web pages of others cannot use the server; programs can."""

from __future__ import annotations

import urllib.request

import pytest
import requests

from tests_apps.label.scans import MODEL
from tests_apps.label.server import serve

EVIL = "https://evil.example"
FOREIGN = [EVIL, "null", "http://127.0.0.1:1", "http://localhost", "https://127.0.0.1"]


def preflight(url: str, origin: str, method: str) -> requests.Response:
    asks = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"}
    return requests.options(url, headers=asks, timeout=60)


def allowed(answer: requests.Response) -> bool:
    return answer.ok and answer.headers.get("access-control-allow-origin") == answer.request.headers["Origin"]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST", "GET"])
def test_preflight_of_a_foreign_page_is_refused(server, origin, method) -> None:
    answer = preflight(f"{server.url}/datastore/image?id=scan_1", origin, method)
    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    assert "--conf origins" in answer.json()["detail"]


@pytest.mark.parametrize("origin", FOREIGN)
def test_request_without_preflight_is_refused_too(server, origin) -> None:
    page = {"Origin": origin}
    for path in (f"/train/{MODEL}", f"/batch/infer/{MODEL}", "/reload", f"/infer/{MODEL}?image=scan_1"):
        answer = requests.post(server.url + path, headers=page, timeout=60)
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    assert requests.get(f"{server.url}/datastore/image?image=scan_1", headers=page, timeout=60).status_code == 403
    assert requests.get(f"{server.url}/train/", timeout=60).status_code == 404  # none was started


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example"])
def test_page_under_our_address_is_refused(server, host) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    for answer in (requests.get(f"{server.url}/info/", headers=some, timeout=60) for some in (headers, {"Host": host})):
        assert answer.status_code == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_own_page_and_programs_are_served(server, name) -> None:
    port = server.url.rpartition(":")[2]
    own = f"http://{name}:{port}"
    headers = {"Origin": own, "Host": f"{name}:{port}"}
    url = f"{server.url}/infer/{MODEL}"
    for some in (headers, {}, {"Host": "my-workstation"}):
        answer = requests.post(url, params={"image": "scan_1", "output": "json"}, headers=some, timeout=120)
        assert answer.status_code == 200 and answer.json()["sigma"] > 0
    assert "swagger" in requests.get(server.url, headers=headers, timeout=60).text


def test_console_of_slicer_is_served(server) -> None:
    """As docs/monai_label.md says, with Python's own client."""
    url = f"{server.url}/infer/{MODEL}?image=scan_1&output=image"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
        assert answer.read()[:2] == b"\x1f\x8b"


def test_named_origin_is_allowed_and_no_other(studies, tmp_path) -> None:
    viewer = "https://viewer.example:3000"
    with serve(tmp_path, studies, "--conf", "origins", f"{viewer}/ http://gpu.example:8000") as server:
        assert allowed(preflight(f"{server.url}/info/", viewer, "DELETE"))
        answer = requests.get(f"{server.url}/info/", headers={"Origin": viewer}, timeout=60)
        assert allowed(answer) and answer.json()["name"] == "MRI denoising"
        assert not allowed(preflight(f"{server.url}/info/", EVIL, "DELETE"))
        assert not allowed(preflight(f"{server.url}/info/", "https://viewer.example", "DELETE"))
        assert requests.get(f"{server.url}/info/", headers={"Host": "gpu.example:8000"}, timeout=60).ok
