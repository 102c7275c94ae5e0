"""How a bucket is reached: by the settings, else as botocore finds it, else by s3fs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.remotes.s3.reach import NoCredentialsError, reach
from assay.remotes.s3.sign import Keys
from assay.remotes.s3.store import S3Settings
from assay.remotes.s3.wire import Reach

OWN = S3Settings("https://s3.example.com:9000/base", "eu-1", access_key_id="id", secret_access_key="s")


def reached(settings: S3Settings, bucket: str = "bucket") -> Reach:
    found = reach(settings, bucket)
    assert found is not None
    return found[0]


def test_settings_that_say_all_are_taken_as_they_are() -> None:
    how = reached(OWN)
    assert (how.server.host, how.server.port, how.host) == ("bucket.s3.example.com", 9000, "bucket.s3.example.com:9000")
    assert (how.path, how.region, how.keys and how.keys()) == ("/base/", "eu-1", Keys("id", "s"))


def test_botocore_is_not_loaded_for_settings_that_say_all() -> None:
    script = (
        "import sys\nfrom assay.remotes.s3.store import S3Settings\nfrom assay.remotes.s3.reach import reach\n"
        f"assert reach({OWN!r}, 'bucket')\n"
        "heavy = {'botocore', 's3fs', 'http.client', 'urllib.request', 'ssl', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[3])


@pytest.mark.parametrize(
    ("style", "bucket", "host", "path"),
    [
        ("path", "bucket", "s3.example.com:9000", "/base/bucket/"),
        ("virtual", "bucket", "bucket.s3.example.com:9000", "/base/"),
        ("auto", "with.dots", "s3.example.com:9000", "/base/with.dots/"),
        ("auto", "UPPER_case", "s3.example.com:9000", "/base/UPPER_case/"),
    ],
)
def test_the_bucket_is_named_in_the_host_where_it_can_be(style: str, bucket: str, host: str, path: str) -> None:
    how = reached(OWN._replace(addressing_style=style), bucket)
    assert (how.host, how.path) == (host, path)


def test_an_address_of_numbers_has_no_names_before_it() -> None:
    how = reached(OWN._replace(endpointurl="http://127.0.0.1"))
    assert (how.host, how.path, how.server.port, how.server.context) == ("127.0.0.1", "/bucket/", 80, None)


@pytest.mark.parametrize(
    ("changed", "bucket"),
    [
        ({"direct": False}, "bucket"),
        ({}, "bucket--x-s3"),
        ({}, "arn:aws:s3:eu-1:1:accesspoint/x"),
        ({"endpointurl": "not a url"}, "bucket"),
        ({"endpointurl": "http://user:pass@host"}, "bucket"),
        ({"endpointurl": "http://host:port"}, "bucket"),
    ],
)
def test_what_is_unusual_is_left_to_s3fs(changed: dict[str, object], bucket: str) -> None:
    assert reach(OWN._replace(**changed), bucket) is None  # type: ignore[arg-type]


def test_variables_are_found_as_botocore_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
        "AWS_DEFAULT_REGION": "eu-north-1", "AWS_ENDPOINT_URL_S3": "http://localhost:1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    how = reached(S3Settings(addressing_style="path"))
    assert (how.host, how.region) == ("localhost:1", "eu-north-1")
    assert how.keys is not None
    assert how.keys() == Keys("mine", "secret", "token")


def test_a_profile_names_keys_and_a_region_of_aws(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile team]\nregion = eu-west-3\n")
    (tmp_path / "keys").write_text("[team]\naws_access_key_id = a\naws_secret_access_key = b\n")
    files = {"credentials_file": str(tmp_path / "keys"), "config_file": str(tmp_path / "config")}
    found = reach(S3Settings(profile="team", **files), "bucket")  # type: ignore[arg-type]
    assert found is not None
    how, elsewhere = found
    assert (how.host, how.path, how.region) == ("bucket.s3.eu-west-3.amazonaws.com", "/", "eu-west-3")
    assert how.keys is not None
    assert how.keys() == Keys("a", "b")
    assert elsewhere("cn-north-1").host == "bucket.s3.cn-north-1.amazonaws.com.cn"


def test_keys_that_expire_are_fetched_anew(tmp_path: Path) -> None:
    script = tmp_path / "login.py"
    answer = {"Version": 1, "SecretAccessKey": "s", "SessionToken": "t"}
    script.write_text(
        "import json, pathlib, time\n"
        f"count = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "number = len(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text('x' * number)\n"
        "soon = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 60))\n"
        f"print(json.dumps({{**{json.dumps(answer)}, 'AccessKeyId': f'key{{number}}', 'Expiration': soon}}))\n"
    )
    (tmp_path / "config").write_text(f"[default]\nregion = eu-1\ncredential_process = {sys.executable} {script}\n")
    files = {"credentials_file": str(tmp_path / "none"), "config_file": str(tmp_path / "config")}
    how = reached(S3Settings("http://localhost", **files))  # type: ignore[arg-type]
    assert how.keys is not None
    first = how.keys()
    time.sleep(0.01)
    assert how.keys().access_key_id != first.access_key_id


def test_nobody_who_signs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    how = reached(S3Settings("http://localhost", "eu-1"))
    assert how.keys is not None
    with pytest.raises(NoCredentialsError):
        how.keys()


def test_without_signature_nobody_is_asked_for_keys() -> None:
    assert reached(S3Settings("http://localhost", "eu-1", anonymous=True)).keys is None
