"""Real DVC and assay on stages that read and write URLs: the same runs, the same dvc.lock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat.test_pipelines_side_by_side import Twins, judge_run
from tests.dvcprocess import DvcProcess
from tests.httpserver import HttpServer, serving
from tests.pipelines import Case

STAGES = """\
stages:
  etag: {cmd: echo etag >> $RAN; touch o1, deps: [URL/etag/a], outs: [o1]}
  weak: {cmd: echo weak >> $RAN; touch o2, deps: [URL/weak/a?x=1, URL/md5/a], outs: [o2]}
  plain: {cmd: echo plain >> $RAN; touch o3, deps: [URL/dated/a, URL/bare/a, URL/empty/a], outs: [o3]}
  far: {cmd: echo far >> $RAN; touch o4, deps: [URL/redirect/a, URL/nohead/a, URL/unsized/a], outs: [o4]}
  team: {cmd: echo team >> $RAN; touch o5, deps: ['remote://team/b', 'remote://inner/b'], outs: [o5]}
  writes: {cmd: echo writes >> $RAN, outs: [URL/etag/out: {cache: false, persist: true}]}
  reads: {cmd: echo reads >> $RAN; touch o6, deps: [URL/etag/out, here.txt], outs: [o6]}
"""


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with serving() as found:
        yield found


@pytest.fixture
def twins(dvc_process: DvcProcess, server: HttpServer) -> Iterator[Twins]:
    found = Twins(dvc_process, Case({"dvc.yaml": "", "here.txt": "1\n"}, {}, (), frozenset()))
    config = f"['remote \"team\"']\n    url = {server.url}/etag\n['remote \"inner\"']\n    url = remote://team/sub\n"
    for root, marker in ((found.theirs, ".dvc"), (found.ours, ".assay")):
        (root / marker / "config").write_text(config)
    yield found
    found.drop()


def judged(twins: Twins, server: HttpServer, text: str) -> str:
    twins.write({"dvc.yaml": text.replace("URL", server.url)})
    return judge_run(twins)


def test_both_record_the_same_of_urls_and_run_again_what_changed(twins: Twins, server: HttpServer) -> None:
    assert judged(twins, server, STAGES) == "ran"
    assert judge_run(twins) == "nothing ran"
    server.versions.update({"etag/a": 1, "md5/a": 1, "etag/sub/b": 1, "etag/out": 1})
    assert judge_run(twins) == "ran"
    assert twins.ran()[0] == ["etag", "weak", "far", "team", "writes", "reads", ""]
    assert judge_run(twins) == "nothing ran"


@pytest.mark.parametrize(
    "text",
    [
        "stages: {a: {cmd: touch o, deps: [URL/missing/x], outs: [o]}}",
        "stages: {a: {cmd: touch o, deps: [URL/forbidden/x], outs: [o]}}",
        "stages: {a: {cmd: touch o, deps: ['http://127.0.0.1:9/x'], outs: [o]}}",
        "stages: {a: {cmd: touch o, deps: ['remote://nobody/x'], outs: [o]}}",
        "stages: {a: {cmd: touch o, deps: ['ftp://127.0.0.1/x'], outs: [o]}}",
        "stages: {a: {cmd: 'true', outs: [URL/etag/o]}}",
        "stages: {a: {cmd: 'true', metrics: [URL/etag/o: {cache: false, persist: true}]}}",
        "stages: {a: {cmd: 'true', outs: [URL/missing/o: {cache: false, persist: true}]}}",
    ],
)
def test_both_refuse(twins: Twins, server: HttpServer, text: str) -> None:
    assert judged(twins, server, text) == "refused"
    assert not (twins.ours / "dvc.lock").exists()
