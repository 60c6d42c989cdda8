"""Build the web service's application."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from agent_core import web
from agent_core.errors import AgentError
from webrtc_agent import page
from webrtc_agent.budget import Budgets, RequestBudget
from webrtc_agent.error_responses import answer_error, answer_http_error
from webrtc_agent.headers import SecurityHeaders
from webrtc_agent.routes import SESSION_ID, router
from webrtc_agent.web_service import WebService


def create_app(web_service: WebService) -> FastAPI:
    """Build the application from its parts; importing this module does nothing."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await web_service.aclose()

    app = FastAPI(
        title="webrtc-agent",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would repeat a Host header that the client made up
        lifespan=lifespan,
    )
    app.state.web_service = web_service
    web.install(app, web_service.agent)
    app.add_middleware(
        SecurityHeaders, daily=web_service.rooms is not None, https=web_service.settings.base_url.startswith("https:")
    )
    # Added after the security headers, so that it runs first: a refused request costs nothing else.
    budgets = Budgets(web_service.settings.rate_limit_requests_per_minute_per_address, time.monotonic)
    app.add_middleware(RequestBudget, budgets=budgets, clock=time.monotonic)
    # Browsers allow cross-origin requests only with these headers, so only configured sites get them.
    if origins := web_service.settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PATCH"],
            allow_headers=["content-type"],
            expose_headers=[SESSION_ID],
        )
    app.add_exception_handler(AgentError, answer_error)
    app.add_exception_handler(HTTPException, answer_http_error)
    app.include_router(router)
    page.install(
        app,
        web_service.agents,
        console=web_service.settings.serve_console,
        phone=web_service.settings.operator_phone,
    )
    return app
