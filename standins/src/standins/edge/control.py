"""The control API: registers and deregisters targets, as a deployment does. JSON over HTTP/1.1.

GET    /health    health check
GET    /targets   every target: group, address, health, whether it is draining, and its open requests
POST   /targets   {"group": "PhoneTargetGroup", "address": "127.0.0.1:7861"}: register a target
DELETE /targets   the same body: deregister it; it is removed when idle, or after the drain time
"""

from collections.abc import Mapping

from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from standins.edge.server import Edge
from standins.edge.targets import EdgeTarget


class Order(BaseModel):
    """The target of a request."""

    group: str
    address: str = Field(pattern=r"^[^:]+:\d+$")


def control_app(edge: Edge) -> Starlette:
    """Return the control application of a running load balancer."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "standin": "edge"})

    async def targets(request: Request) -> Response:
        # GET needs no body.
        if request.method != "GET":
            order = Order.model_validate_json(await request.body())
            if order.group not in edge.groups:
                return JSONResponse({"message": f"no such target group: {order.group}"}, 404)
            problem = _register(edge, order) if request.method == "POST" else _deregister(edge, order)
            if problem is not None:
                return problem
        return JSONResponse([_as_json(group, one) for group in edge.groups for one in edge.targets(group)])

    routes = [Route("/health", health), Route("/targets", targets, methods=["GET", "POST", "DELETE"])]
    return Starlette(routes=routes, exception_handlers={ValidationError: _invalid})


def _register(edge: Edge, order: Order) -> Response | None:
    if _find(edge, order) is not None:
        return JSONResponse({"message": "already registered"}, 409)
    host, _, port = order.address.rpartition(":")
    edge.register(order.group, (host, int(port)))
    return None


def _deregister(edge: Edge, order: Order) -> Response | None:
    target = _find(edge, order)
    if target is None:
        return JSONResponse({"message": "no such target"}, 404)
    edge.deregister(order.group, target)
    return None


def _find(edge: Edge, order: Order) -> EdgeTarget | None:
    # A draining target may be registered again meanwhile.
    return next((one for one in edge.targets(order.group) if one.address == order.address and not one.leaving), None)


def _as_json(group: str, target: EdgeTarget) -> Mapping[str, object]:
    return {
        "group": group,
        "address": target.address,
        "healthy": target.health.healthy,
        "leaving": target.leaving,
        "outstanding": target.outstanding,
    }


async def _invalid(_: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, 400)
