"""Control groups that supervisors leave: those of the dead go, those of the living stay."""

import os
import signal
import subprocess
import threading
from pathlib import Path

from projectdavid.adapters.sandboxes.local.jail import cgroups
from tests.timeouts import EVENT_TIMEOUT


def test_groups_of_dead_supervisors_are_removed(tmp_path: Path):
    dead = next(pid for pid in range(1 << 22, 1, -1) if not Path(f"/proc/{pid}").exists())
    for name in (f"projectdavid-{dead}/7", f"projectdavid-{os.getpid()}/1", "projectdavid-odd", "other"):
        (tmp_path / name).mkdir(parents=True)
    cgroups.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", f"projectdavid-{os.getpid()}"]
    assert (tmp_path / f"projectdavid-{os.getpid()}" / "1").exists()


def test_groups_of_a_supervisor_that_its_parent_has_not_waited_for_are_removed(tmp_path: Path):
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    (tmp_path / f"projectdavid-{child}" / "7").mkdir(parents=True)
    cgroups.sweep(tmp_path)
    os.waitpid(child, 0)
    assert list(tmp_path.iterdir()) == []


def test_groups_are_removed_once_the_processes_in_them_have_exited(tmp_path: Path):
    held = tmp_path / "group"
    process = held / "still-exiting"
    held.mkdir()
    process.write_text("")
    release = threading.Timer(0.05, process.unlink)
    release.start()
    cgroups.SupervisorGroups({"memory": held}).remove(EVENT_TIMEOUT)
    assert not held.exists()


def test_a_process_that_outlived_its_supervisor_is_killed(tmp_path: Path):
    left = subprocess.Popen(["sleep", "1000"])
    held = tmp_path / "group"
    held.mkdir()
    (held / "cgroup.procs").write_text(f"{left.pid}\n")
    cgroups.SupervisorGroups({"memory": held}).remove()
    assert left.wait(EVENT_TIMEOUT) == -signal.SIGKILL
