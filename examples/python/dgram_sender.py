#!/usr/bin/env python3
"""The smallest honest datagram sender: one message, no connection."""

import os
import socket
import sys

if len(sys.argv) != 3:
    sys.exit("usage: dgram_sender PATH TEXT")
path, text = sys.argv[1:]
# A zero in front makes it an abstract name: known to the kernel, without a file.
address = "\0" + path[1:] if path.startswith("@") else path

try:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        # All of the message or nothing: a datagram is never sent in part. It waits while the
        # receiver's queue is full. This socket has no name, so nobody could answer it.
        sock.sendto(os.fsencode(text), address)
except OSError as error:
    sys.exit(f"dgram_sender: send to {path}: {error.strerror or error}")
