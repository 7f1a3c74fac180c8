"""CloudFormation stacks as the book names them; their templates are kept in `cncbops.fixtures`."""

from importlib.resources import files
from typing import TYPE_CHECKING

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

STAGE = "john"
_READY_S = 30.0


def create_stack(clients: Clients, service: str, **parameters: str) -> dict[str, str]:
    """Create the stack of a service, and return its outputs when all its resources are there."""
    name = stack_name(service)
    given: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in {"Stage": STAGE, **parameters}.items()
    ]
    clients.cloudformation.create_stack(StackName=name, TemplateBody=_template(service), Parameters=given)

    def complete() -> bool:
        return _described(clients, service)["StackStatus"] == "CREATE_COMPLETE"

    wait_until(complete, _READY_S, what=f"creating the stack {name}", every_s=0.02)
    return outputs(clients, service)


def outputs(clients: Clients, service: str) -> dict[str, str]:
    """Return what the stack of a service tells of itself."""
    found = _described(clients, service).get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in found}


def stack_name(service: str) -> str:
    """The name of a service's stack in the sandbox's stage."""
    return f"{service}-{STAGE}"


def _described(clients: Clients, service: str) -> "StackTypeDef":
    return clients.cloudformation.describe_stacks(StackName=stack_name(service))["Stacks"][0]


def _template(service: str) -> str:
    return files("cncbops.fixtures").joinpath("stacks", f"{service}.json").read_text("utf-8")
