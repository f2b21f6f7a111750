"""The native API, `/v1`: the API page, and the Project David wire around it; one module per resource."""

from fastapi import APIRouter

from projectdavid.server.native import (
    actions,
    assistants,
    completions,
    computer,
    files,
    keys,
    messages,
    models,
    runs,
    steps,
    threads,
    usage,
    users,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    assistants.router,
    threads.router,
    messages.router,
    runs.router,
    steps.router,
    actions.router,
    completions.router,
    models.router,
    users.router,
    keys.router,
    usage.router,
    webhooks.router,
    files.router,
    computer.router,
)
