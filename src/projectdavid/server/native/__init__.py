"""The native API, `/v1`: the API page, and the Project David wire around it; one module per resource."""

from fastapi import APIRouter

from projectdavid.server.native import (
    actions,
    assistants,
    completions,
    computer,
    erasures,
    file_batches,
    file_uploads,
    files,
    keys,
    messages,
    models,
    runs,
    searching,
    steps,
    store_files,
    threads,
    usage,
    users,
    vector_stores,
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
    erasures.router,
    keys.router,
    usage.router,
    webhooks.router,
    files.router,
    file_uploads.router,
    vector_stores.router,
    store_files.router,
    file_batches.router,
    searching.router,
    computer.router,
)
