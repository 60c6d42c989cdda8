"""Build the phone service's web application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from agent_core import web
from phone_agent import called_routes, person_routes, routes
from phone_agent.phone_service import PhoneService


def create_app(phone: PhoneService) -> FastAPI:
    """Build the application from its parts; importing this module does nothing."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await phone.prewarm_pool.aclose()

    # No page that lists the routes: only Twilio uses them.
    app = FastAPI(
        title="phone-agent",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would repeat a Host header that the client made up
        lifespan=lifespan,
    )
    app.state.phone = phone
    web.install(app, phone.agent)
    app.include_router(routes.router)
    app.include_router(person_routes.router)
    app.include_router(called_routes.router)
    return app
