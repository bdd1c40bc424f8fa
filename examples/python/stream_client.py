#!/usr/bin/env python3
"""The smallest honest stream client: send one line, say that it was all, print the answer."""

import os
import socket
import sys

if len(sys.argv) != 3:
    sys.exit("usage: stream_client PATH TEXT")
path, text = sys.argv[1:]
# A zero in front makes it an abstract name: known to the kernel, without a file.
address = "\0" + path[1:] if path.startswith("@") else path

doing = "connect"
try:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        # Succeeds as soon as the server's queue has room, before the server has accepted.
        sock.connect(address)
        doing = "send to"
        sock.sendall(os.fsencode(text) + b"\n")
        # Half-close: the server reads end of stream, and this side can still receive.
        sock.shutdown(socket.SHUT_WR)
        doing = "copy the answer of"
        while chunk := sock.recv(65536):  # empty is the end of the stream
            while chunk:
                chunk = chunk[os.write(sys.stdout.fileno(), chunk) :]
except OSError as error:
    sys.exit(f"stream_client: {doing} {path}: {error.strerror or error}")
