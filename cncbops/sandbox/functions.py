"""Deploy the sandbox's functions, which are kept in `cncbops.fixtures`.

Each is one Python file with a `handler`; the modules they share are deployed with every one of them.
(The `check` stands alone: its stack deploys it, from the text of the file.)
"""

import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_lambda.literals import RuntimeType

ROLE_ARN = "arn:aws:iam::000000000000:role/cncb-john-role"  # the sandbox checks no permissions
_RUNTIME: "RuntimeType" = "python3.13"  # a name only: the server runs its own interpreter
_READY_S = 30.0


def function_source(name: str) -> Traversable:
    """Return the handler file of one of our functions.

    They are transformer, fault_monitor, check, listener, and the listener as it should not have been
    deployed: listener_broken, which loses events, and listener_faulting, which publishes faults for some.
    """
    return _ours().joinpath(f"{name}.py")


def deploy(clients: Clients, name: str, source: Traversable, *, environment: Mapping[str, str] | None = None) -> str:
    """Create the function, or update its code, from one Python file with a `handler`.

    Returns the function's ARN when the new code is what the next invocation runs. An existing
    function keeps its environment unless one is given.
    """
    archive = _zipped(source.read_bytes())
    if _exists(clients, name):
        arn = clients.lambda_.update_function_code(FunctionName=name, ZipFile=archive)["FunctionArn"]
        _wait_for_function(clients, name)
        if environment is not None:
            reconfigure(clients, name, environment)
    else:
        arn = _create_function(clients, name, archive, environment or {})
        _wait_for_function(clients, name)
    return arn


def reconfigure(clients: Clients, name: str, environment: Mapping[str, str]) -> None:
    """Replace the environment of a function, and return when the next invocation has it."""
    clients.lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": environment})
    _wait_for_function(clients, name)


def _create_function(clients: Clients, name: str, archive: bytes, environment: Mapping[str, str]) -> str:
    return clients.lambda_.create_function(
        FunctionName=name,
        Runtime=_RUNTIME,
        Role=ROLE_ARN,
        Handler="handler.handler",
        Code={"ZipFile": archive},
        Environment={"Variables": environment},
        Timeout=30,
        MemorySize=512,
    )["FunctionArn"]


def _exists(clients: Clients, name: str) -> bool:
    try:
        clients.lambda_.get_function_configuration(FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return True


def _wait_for_function(clients: Clients, name: str) -> None:
    def ready() -> bool:
        found = clients.lambda_.get_function_configuration(FunctionName=name)
        return found.get("State") == "Active" and found.get("LastUpdateStatus") == "Successful"

    wait_until(ready, _READY_S, what=f"deploying {name}", every_s=0.05)


def _zipped(source: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("handler.py", source)
        for module in _ours().joinpath("shared").iterdir():
            if module.name.endswith(".py"):
                members.writestr(module.name, module.read_bytes())
    return archive.getvalue()


def _ours() -> Traversable:
    return files("cncbops.fixtures").joinpath("functions")
