"""Work that several tests share and that takes long: done once per run, by whichever worker of pytest-xdist comes first."""

import fcntl
import os


def once(tmp_path_factory, name, make):
    """The folder `name`, which `make(folder)` fills; other workers wait for it and then find it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    place = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            part = root / f"{name}.part"
            part.mkdir()
            make(part)
            part.rename(place)
    return place
