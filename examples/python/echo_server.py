#!/usr/bin/env python3
"""The smallest honest stream server: one client after another gets its bytes back."""

import os
import signal
import socket
import sys


def echo(client):
    while chunk := client.recv(65536):  # empty: the client has shut down its writing side
        client.sendall(chunk)


def serve(listener):
    # From here on clients can connect; some of them wait until they are accepted.
    listener.listen()
    print(f"listening on {path}", flush=True)
    while True:
        # accept makes a new socket for one client; the listener only ever makes more of them.
        client, _ = listener.accept()
        with client:
            try:
                echo(client)
            except OSError as error:  # that client's misfortune, not the server's
                print(f"echo_server: echo to a client of {path}: {error.strerror}", file=sys.stderr)


if len(sys.argv) != 2:
    sys.exit("usage: echo_server PATH")
path = sys.argv[1]
# A zero in front makes it an abstract name: known to the kernel, without a file.
address = "\0" + path[1:] if path.startswith("@") else path

# sys.exit unwinds, so that the file is removed below.
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: sys.exit())

doing = "bind"
try:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        # Creates the file, and fails when there is one, even if nobody serves it any more.
        listener.bind(address)
        doing = "serve"
        try:
            serve(listener)
        finally:
            if address == path:
                os.unlink(path)  # the file outlives the socket; an abstract name goes with it
except OSError as error:
    sys.exit(f"echo_server: {doing} {path}: {error.strerror or error}")
