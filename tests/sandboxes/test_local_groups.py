"""Control groups that supervisors leave: those of the dead go, those of the living stay."""

import os
from pathlib import Path

from projectdavid.adapters.sandboxes.local.jail import cgroups


def test_groups_of_dead_supervisors_are_removed(tmp_path: Path):
    dead = next(pid for pid in range(1 << 22, 1, -1) if not Path(f"/proc/{pid}").exists())
    for name in (f"projectdavid-{dead}/7", f"projectdavid-{os.getpid()}/1", "projectdavid-odd", "other"):
        (tmp_path / name).mkdir(parents=True)
    cgroups.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", f"projectdavid-{os.getpid()}"]
    assert (tmp_path / f"projectdavid-{os.getpid()}" / "1").exists()
