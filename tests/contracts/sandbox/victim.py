"""A process of the host that code in a sandbox must not find: it listens, keeps a secret, and counts signals."""

import ctypes
import json
import os
import selectors
import signal
import socket
import sys
from pathlib import Path

PR_SET_DUMPABLE = 4
ABSTRACT = "projectdavid-victim"


def main(folder: str, secret: str, uid: int) -> None:
    """Say on one line where it is; answer each line with the number of signals so far; end with the input."""
    counted: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: counted.append(number))
    path, abstract = f"{folder}/victim.sock", f"{ABSTRACT}-{secret[-12:]}"
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    named, nameless = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    for listener, address in ((tcp, ("", 0)), (udp, ("", 0)), (named, path), (nameless, f"\0{abstract}")):
        listener.bind(address)
    Path(path).chmod(0o666)
    if uid >= 0:
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    memory = ctypes.create_string_buffer(secret.encode())
    told = {
        "victim": os.getpid(),
        "victim_address": ctypes.addressof(memory),
        "tcp": tcp.getsockname()[1],
        "udp": udp.getsockname()[1],
        "unix_path": path,
        "unix_abstract": abstract,
    }
    selector = selectors.DefaultSelector()
    for listener in (tcp, named, nameless):
        listener.listen()
    for source in (tcp, udp, named, nameless, sys.stdin):
        selector.register(source, selectors.EVENT_READ)
    print(json.dumps(told), flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                if not sys.stdin.readline():
                    return
                print(len(counted), flush=True)
            elif key.fileobj is udp:
                data, sender = udp.recvfrom(100)
                udp.sendto(data, sender)
            elif isinstance(key.fileobj, socket.socket):
                key.fileobj.accept()[0].close()


if __name__ == "__main__":
    main(sys.argv[1], os.environ["VICTIM_SECRET"], int(sys.argv[2]))
