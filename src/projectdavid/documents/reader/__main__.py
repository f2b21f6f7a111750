"""`python -m projectdavid.documents.reader`: standard input is the socket on which files are handed over."""

import socket
import sys
from typing import Any, cast

from projectdavid.documents.reader.loop import serve

# openpyxl imports numpy where it finds it, and that starts threads, which a process that forks must not have.
cast("dict[str, Any]", sys.modules)["numpy"] = None
# Once so much was freed, glibc keeps what is smaller; else each page of a PDF is given back to the system, and taken
# again, which is a fifth of the time.
_ = bytes(16 << 20)
del _
serve(socket.socket(fileno=0))
