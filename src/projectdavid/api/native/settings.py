"""The settings in force, for admins."""

from fastapi import Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import FORBIDDEN
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth
from projectdavid.protocol.settings import SettingList
from projectdavid.settings.report import describe_settings

router = router("settings")


@router.get("/settings", response_model=SettingList, responses=FORBIDDEN)
async def list_settings(caller: Auth) -> Response:
    """List the settings of the process that answers, and where each came from (admin). Secrets are not shown."""
    caller.check_admin()
    return json_answer({"settings": describe_settings(caller.platform.settings)})
