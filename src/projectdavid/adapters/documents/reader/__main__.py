"""`python -m projectdavid.adapters.documents.reader`: standard input is the socket that passes the files."""

import os
import socket

from projectdavid.adapters.documents.reader.loop import serve

# After freeing this much, glibc keeps smaller blocks. Otherwise each page of a PDF returns memory to the system and
# takes it again, a fifth of the time.
_ = bytes(16 << 20)
del _
# Output so far explains why the reader could not start; later output of libraries is not read.
os.dup2(1, 2)
serve(socket.socket(fileno=0))
