"""The command for a shell's PATH, run by a process that has its modules already: see `warm.py`.

Its interpreter is started without the installed packages, and this imports next to nothing: that is what it is for.
"""

import json
import os
import socket
import sys


def _run(address: str, arguments: list[str]) -> int:
    """Have the command run with this process's environment, folder and streams; its exit code."""
    request = json.dumps({"arguments": arguments, "env": dict(os.environ), "folder": os.getcwd()})  # noqa: PTH109  `pathlib` is slow to import
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(address)
        socket.send_fds(connection, [request.encode()], [0, 1, 2])
        connection.recv(64)  # its process id
        return int(connection.recv(64))


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1], sys.argv[2:]))
