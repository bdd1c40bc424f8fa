#!/usr/bin/env python3
"""The smallest honest datagram receiver: takes one message, prints it and leaves."""

import errno
import os
import socket
import sys

if len(sys.argv) != 2:
    sys.exit("usage: dgram_receiver PATH")
path = sys.argv[1]
# A zero in front makes it an abstract name: known to the kernel, without a file.
address = "\0" + path[1:] if path.startswith("@") else path

doing = "bind"
try:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        # bind is all a datagram socket needs: from here on messages arrive, no listen, no accept.
        sock.bind(address)
        doing = "receive on"
        try:
            print(f"listening on {path}", flush=True)
            message, _, flags, _ = sock.recvmsg(1 << 20)
            if flags & socket.MSG_TRUNC:  # what does not fit in the buffer is lost
                raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        finally:
            if address == path:
                os.unlink(path)  # the file outlives the socket; an abstract name goes with it
        doing = "print the message from"
        message += b"\n"
        while message:
            message = message[os.write(sys.stdout.fileno(), message) :]
except OSError as error:
    sys.exit(f"dgram_receiver: {doing} {path}: {error.strerror or error}")
