"""nginx with the echo module, from Debian, when it is not there yet."""

import os
import shutil
import subprocess

from benchmarks.errors import CannotMeasure
from benchmarks.nginx_config import ECHO_MODULE

_PACKAGES = ("nginx-light", "libnginx-mod-http-echo")


def nginx_program() -> str:
    """The path of nginx, installed with apt-get if need be. Raises CannotMeasure."""
    if not _is_there():
        _install()
    program = _found("nginx")
    if not program or not ECHO_MODULE.exists():
        raise CannotMeasure(f"nginx with its echo module is missing: install {' and '.join(_PACKAGES)}")
    return program


def _is_there() -> bool:
    return bool(_found("nginx")) and ECHO_MODULE.exists()


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _install() -> None:
    apt_get = _found("apt-get")
    if not apt_get or os.geteuid() != 0:
        raise CannotMeasure(f"nginx is missing: as root, apt-get install {' '.join(_PACKAGES)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *_PACKAGES]):
        run = subprocess.run([apt_get, "-qq", *arguments], env=environment, capture_output=True, text=True, check=False)
        if run.returncode:
            raise CannotMeasure(f"apt-get {arguments[0]} failed, so nginx is missing: {run.stderr.strip()[-300:]}")
