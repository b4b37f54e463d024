"""A PostgreSQL of our own for tests: Debian's programs, a temporary cluster on loopback."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["cluster"]


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def cluster():
    """Give the URL of an empty database; skip the test where PostgreSQL is missing.

    initdb refuses root, so root starts it as the user postgres.
    """
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL (Debian: apt-get install postgresql)")
    user = {}
    if os.getuid() == 0:
        try:
            user = {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid}
        except KeyError:
            pytest.skip("needs a user postgres: initdb refuses root")
    folder = Path(tempfile.mkdtemp(prefix="pointline-pg-"))
    if user:
        shutil.chown(folder, "postgres")
    try:
        yield from _running(programs, folder, user)
    finally:
        shutil.rmtree(folder)


def _running(programs, folder, user):
    password, data = secrets.token_hex(12), folder / "data"
    (folder / "password").write_text(password)
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "pointline", "-A", "scram-sha-256",
         f"--pwfile={folder}/password", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True, capture_output=True, cwd=folder, **user,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1",
         "-k", folder, "-c", "fsync=off"],
        stdout=log, stderr=log, cwd=folder, **user,
    )  # fmt: skip
    try:
        _wait(port, server)
        yield f"postgresql+psycopg://pointline:{password}@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown
        server.wait(30)
        log.close()


def _wait(port, server):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("PostgreSQL did not start")
