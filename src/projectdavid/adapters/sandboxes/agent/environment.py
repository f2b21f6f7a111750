"""The environment variables of the code: few, and none of the host's."""

import os
import sys
from pathlib import Path

_PROGRAMS = str(Path(__file__).with_name("programs"))
"""Programs that replace those of the system: pagers that do not wait, and a `sudo` that explains itself."""
_WHEELS = Path(__file__).parent.with_name("wheels")
"""The operator's wheels, if there are any."""
PACKAGES = ".packages"
"""The hidden folder, among the files, for packages that pip installs from them; it is not collected."""
_NO_QUESTIONS = {
    **dict.fromkeys(("PAGER", "GIT_PAGER", "MANPAGER", "SYSTEMD_PAGER", "PSQL_PAGER", "GH_PAGER", "BAT_PAGER"), "cat"),
    "AWS_PAGER": "",
    **dict.fromkeys(("EDITOR", "VISUAL"), "false"),
    **dict.fromkeys(("GIT_EDITOR", "GIT_SEQUENCE_EDITOR"), "true"),  # accepts the proposed text
    "GIT_ASKPASS": "true",  # answers with an empty line, so git does not ask the terminal
    "SSH_ASKPASS": "false",
    "SSH_ASKPASS_REQUIRE": "force",
    "GCM_INTERACTIVE": "never",
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "TF_INPUT": "0",
    **dict.fromkeys(("CONDA_ALWAYS_YES", "npm_config_yes"), "true"),
    **dict.fromkeys(("npm_config_update_notifier", "npm_config_fund", "npm_config_audit"), "false"),
}
"""There is no keyboard: programs print without a pager, open no editor and ask no questions."""
_NO_NETWORK = {"PIP_NO_INDEX": "1", "npm_config_fetch_retries": "0", "UV_OFFLINE": "1"}
"""Without a network, installers fail at once instead of retrying for minutes."""
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Threads that libraries start during import would prevent a fork."""


def environment(root: str, scratch: str, proxy: int | None) -> dict[str, str]:
    """Return the environment of the worker and its programs.

    `HOME` is the scratch folder, because files that programs leave at home are not results.
    """
    found = {
        "PATH": os.pathsep.join((_PROGRAMS, str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": scratch,
        "TMPDIR": scratch,
        "PWD": root,
        "USER": "sandbox",
        "EMAIL": "sandbox@localhost",  # git's default if nothing is configured
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{scratch}/.matplotlib",
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(_ONE_THREAD, "1"),
        **_NO_QUESTIONS,
    }
    if proxy is None:
        found |= _NO_NETWORK
    if _WHEELS.is_dir():
        packages = f"{root}/{PACKAGES}"
        found |= {"PIP_FIND_LINKS": str(_WHEELS), "PIP_TARGET": packages, "PYTHONPATH": packages}
    if proxy is not None:
        url = f"http://127.0.0.1:{proxy}"
        found |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), url)
        found |= dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
    return found


def replace(wanted: dict[str, str]) -> None:
    """Make this the environment of this process."""
    os.environ.clear()
    os.environ.update(wanted)
