"""The floor of the framework: a FastAPI application with one route that answers constant bytes. No store, no auth."""

from fastapi import FastAPI, Response

from bench import serving

BODY = b'{"id":"asst_0000000000000000000000","text":"' + b"x" * 620 + b'"}'
"""As long as an assistant."""


def create_app() -> FastAPI:
    """The application."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/empty")
    async def empty() -> Response:
        return Response(BODY, media_type="application/json")

    return app


if __name__ == "__main__":
    serving.run(create_app())
