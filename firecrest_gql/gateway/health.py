"""What a load balancer asks: whether the process lives, and whether it can serve."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from firecrest_gql.errors import FirecrestError
from firecrest_gql.status.book import HealthBook


def health_routes(book: HealthBook, redis_answers: Callable[[], Awaitable[object]]) -> list[BaseRoute]:
    """`/livez`: the process answers. `/readyz`: so does what it cannot serve without, else 503."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "HEALTHY"})

    async def ready(_: Request) -> Response:
        try:
            await redis_answers()
        except FirecrestError as error:
            return JSONResponse({"status": "UNAVAILABLE", "message": error.message}, status_code=503)
        return JSONResponse({"status": "HEALTHY", "components": {part.name: part.status for part in book.components}})

    return [Route("/livez", live), Route("/readyz", ready)]
