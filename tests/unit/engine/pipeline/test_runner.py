"""Real commands in real shells: their lines, their output, their end."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput, StageFailed
from assay.engine.events import Event, StageOutput, silent
from assay.engine.pipeline.runner import StageLog, environment, run_stage
from assay.engine.pipeline.stage import Stage

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command as a stage in tmp_path/project and returns what was reported."""
    root = tmp_path / "project"
    root.mkdir()

    def run_command(cmd: str | tuple[str, ...], *, wdir: str = "", log: str = "", **variables: str) -> str:
        pieces: list[bytes] = []

        def report(event: Event) -> None:
            assert isinstance(event, StageOutput)
            pieces.append(event.data)

        stage = Stage("s", "dvc.yaml", cmd, wdir)
        inherited = {"PATH": os.environ["PATH"], **variables}
        with StageLog(log, report) as sink:
            run_stage(stage, str(root), environment(inherited, "s", str(root), "", {}), sink)
        return b"".join(pieces).decode()

    return run_command


def test_output_and_errors_are_told_in_order(run: Run) -> None:
    assert run("echo one; echo two >&2; echo three") == "one\ntwo\nthree\n"


def test_each_line_of_a_text_is_a_process_of_its_own(run: Run, tmp_path: Path) -> None:
    assert run("cd / \n\npwd\n") == f"{tmp_path}/project\n"


def test_each_item_of_a_list_is_one_process_whatever_its_lines(run: Run, tmp_path: Path) -> None:
    assert run(("cd /\npwd", "pwd")) == f"/\n{tmp_path}/project\n"


def test_nothing_runs_after_a_command_that_fails(run: Run, tmp_path: Path) -> None:
    with pytest.raises(StageFailed) as caught:
        run("echo before\nexit 3\ntouch after")
    assert caught.value.status == 3
    assert caught.value.tail == "before"
    assert not (tmp_path / "project" / "after").exists()


def test_a_command_ended_by_a_signal_says_which(run: Run) -> None:
    with pytest.raises(StageFailed, match="was ended by signal 9"):
        run("kill -9 $$")


def test_the_tail_is_the_last_lines_and_the_log_is_everything(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with pytest.raises(StageFailed) as caught:
        run("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 1", log=str(log))
    assert caught.value.tail.splitlines() == [f"line {i}" for i in range(2980, 3000)]
    assert log.read_text().splitlines() == [f"line {i}" for i in range(3000)]
    assert caught.value.log == str(log)


def test_the_tail_is_of_the_stage_that_failed(tmp_path: Path) -> None:
    with StageLog("", silent) as log:
        run_stage(Stage("a", "dvc.yaml", "echo first"), str(tmp_path), dict(os.environ), log)
        with pytest.raises(StageFailed) as caught:
            run_stage(Stage("b", "dvc.yaml", "exit 1"), str(tmp_path), dict(os.environ), log)
    assert caught.value.tail == ""


def test_the_log_is_there_before_the_command_starts(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    assert run(f"ls {log}", log=str(log)) == f"{log}\n"


def test_a_log_is_added_to(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_text("before\n")
    run("echo after", log=str(log))
    assert log.read_text() == "before\nafter\n"


def test_output_is_told_while_the_command_runs(tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    def report(event: Event) -> None:
        gate.touch()  # the command waits for this

    cmd = f"echo started; i=0; while [ ! -e {gate} ] && [ $i -lt 500 ]; do sleep 0.02; i=$((i+1)); done; [ -e {gate} ]"
    with StageLog("", report) as log:
        run_stage(Stage("s", "dvc.yaml", cmd), str(tmp_path), dict(os.environ), log)


def test_bytes_that_are_not_text_are_passed_on(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with pytest.raises(StageFailed) as caught:
        run(r"printf '\377\000x'; exit 1", log=str(log), LC_ALL="C")
    assert log.read_bytes() == b"\xff\x00x"
    assert caught.value.tail == "\ufffd\x00x"


def test_the_working_folder_is_the_stages(run: Run, tmp_path: Path) -> None:
    (tmp_path / "project" / "code").mkdir()
    assert run("pwd", wdir="code") == f"{tmp_path}/project/code\n"


def test_a_working_folder_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(BadInput, match=r"stages\.s\.wdir: the folder 'code' is not there"):
        run("pwd", wdir="code")


def test_standard_input_is_empty(run: Run) -> None:
    assert run("cat; echo end") == "end\n"


def test_no_descriptor_but_the_output_is_inherited(run: Run) -> None:
    with open("/dev/null", "rb") as file:
        os.set_inheritable(file.fileno(), True)
        assert run("ls /proc/self/fd | wc -l").strip() == "4"  # 0, 1, 2 and the folder that ls reads


@pytest.mark.parametrize(("shell", "flags"), [("bash", "--noprofile --norc"), ("zsh", "--no-rcs"), ("dash", "")])
def test_the_users_shell_runs_it_without_start_up_files(run: Run, tmp_path: Path, shell: str, flags: str) -> None:
    fake = tmp_path / shell
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    assert run("some command", SHELL=str(fake)) == f"{flags} -c some command\n".lstrip()


def test_without_a_shell_it_is_sh(run: Run) -> None:
    assert run("echo $0") == "/bin/sh\n"
    assert run("echo $0", SHELL="") == "/bin/sh\n"


def test_bash_knows_bash(run: Run) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    assert run("[[ a == a* ]] && echo yes", SHELL=bash) == "yes\n"


def test_a_shell_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(AssayError, match=r"The shell '/no/such/shell' cannot be started: No such file or directory\."):
        run("echo", SHELL="/no/such/shell")


def test_a_command_that_no_process_can_be_given_is_said(run: Run) -> None:
    with pytest.raises(AssayError, match=r"cannot be started: embedded null byte\."):
        run("echo \0")


def test_the_environment_has_dvcs_variables_and_the_callers() -> None:
    inherited = {"A": "1", "DVC_ROOT": "stale", "PATH": "/bin"}
    found = environment(inherited, "sub/dvc.yaml:t", "/p", "/venv/bin", {"DVC_EXP_NAME": "n"})
    assert found == {
        "A": "1", "DVC_ROOT": "/p", "DVC_STAGE": "sub/dvc.yaml:t", "DVC_EXP_NAME": "n", "PATH": "/venv/bin:/bin"
    }  # fmt: skip


def test_without_a_virtual_environment_the_path_stays() -> None:
    assert environment({"PATH": "/bin"}, "s", "/p", "", {})["PATH"] == "/bin"


def test_an_empty_path_gets_no_empty_entry() -> None:
    assert environment({"PATH": ""}, "s", "/p", "/v/bin", {})["PATH"] == "/v/bin"


def test_a_background_process_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    began = time.monotonic()
    assert run("(sleep 30; echo late) & echo $! > pid; echo now") == "now\n"
    assert time.monotonic() - began < 20
    os.kill(int((tmp_path / "project" / "pid").read_text()), signal.SIGKILL)


def test_a_background_process_that_never_stops_writing_does_not_hold_the_stage(run: Run, tmp_path: Path) -> None:
    run("yes & echo $! > pid")
    os.kill(int((tmp_path / "project" / "pid").read_text()), signal.SIGKILL)


@pytest.mark.usefixtures("impatient")
def test_a_full_disk_under_the_log_ends_the_stage(tmp_path: Path) -> None:
    def full(step: str, path: str) -> None:
        if step == "write":
            raise OSError(errno.ENOSPC, "No space left on device")

    with (
        disk.injected(full),
        pytest.raises(AssayError, match="No space left while writing"),
        StageLog(str(tmp_path / "log"), silent) as log,
    ):
        run_stage(Stage("s", "dvc.yaml", "echo x; sleep 60"), str(tmp_path), dict(os.environ), log)


def interrupt_process() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupt_without_waking() -> None:
    """An interrupt that no wait of the main thread is ended by, like one that comes just before the wait begins."""
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)


def interrupted(run: Run, tmp_path: Path, cmd: str, how: Callable[[], None] = interrupt_process) -> None:
    """Runs a command that touches `ready`, and interrupts this process once it has."""
    ready = tmp_path / "project" / "ready"

    def interrupt() -> None:
        while not ready.exists():
            time.sleep(0.01)
        how()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(cmd)
    thread.join()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_an_interrupt_reaches_the_command_and_lets_it_finish(run: Run, tmp_path: Path) -> None:
    cmd = "trap 'echo saved > saved; exit 1' INT; touch ready; while :; do sleep 0.05; done"
    interrupted(run, tmp_path, cmd)
    assert (tmp_path / "project" / "saved").read_text() == "saved\n"


def test_an_interrupt_just_before_a_wait_does_not_wait_for_the_command(run: Run, tmp_path: Path) -> None:
    interrupted(run, tmp_path, "touch ready; sleep 10; touch finished", interrupt_without_waking)
    assert not (tmp_path / "project" / "finished").exists()


def test_a_command_that_prints_much_while_it_ends_is_not_stuck(run: Run, tmp_path: Path) -> None:
    cmd = "trap 'head -c 1000000 /dev/zero; touch done; exit 1' INT; touch ready; while :; do sleep 0.05; done"
    interrupted(run, tmp_path, cmd)
    assert (tmp_path / "project" / "done").exists()


@pytest.mark.usefixtures("impatient")
def test_a_command_that_ignores_interrupts_is_killed_with_its_children(run: Run, tmp_path: Path) -> None:
    cmd = "trap '' INT TERM; sh -c 'trap \"\" INT TERM; echo $$ > child; touch ready; while :; do sleep 0.05; done'; :"
    interrupted(run, tmp_path, cmd)
    child = int((tmp_path / "project" / "child").read_text())
    deadline = time.monotonic() + 120
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


def test_a_command_does_not_outlive_whoever_runs_it(tmp_path: Path) -> None:
    script = (
        "import os; from assay.engine.pipeline import runner; from assay.engine.pipeline.stage import Stage\n"
        "with runner.StageLog('', lambda event: None) as log:\n"
        "    stage = Stage('s', 'dvc.yaml', 'echo $$ > pid; mv pid ready; sleep 60')\n"
        "    runner.run_stage(stage, os.getcwd(), os.environ, log)\n"
    )
    root = Path(__file__).resolve().parents[4]
    runs = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)})
    while not (tmp_path / "ready").exists():
        assert runs.poll() is None
        time.sleep(0.01)
    command = int((tmp_path / "ready").read_text())
    time.sleep(0.1)  # for the guard to be there
    runs.kill()
    runs.wait()
    deadline = time.monotonic() + 120
    while is_running(command) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(command)
