"""Calls the method with a descriptor to write to, and reads from the one that it is given."""

import os

from bus_connection import NAME, PATH, Gio, GLib, connect

bus = connect()
reader, writer = os.pipe()
mine = Gio.UnixFDList()
arguments = GLib.Variant("(h)", (mine.append(writer),))
os.close(writer)
answer, theirs = bus.call_with_unix_fd_list_sync(
    NAME, PATH, NAME, "Exchange", arguments, None, Gio.DBusCallFlags.NONE, -1, mine, None
)
# Else the end of what is written would never come.
del mine
(handle,) = answer.unpack()
with open(reader, "rb") as pipe:
    print("through mine:", pipe.read().decode())
with open(theirs.steal_fds()[handle], "rb") as pipe:
    print("through theirs:", len(pipe.read()), "bytes")
bus.call_sync(NAME, PATH, NAME, "End", None, None, Gio.DBusCallFlags.NONE, -1, None)
