"""A service with a method that takes a descriptor to write to and gives one to read from."""

import os
import threading

from bus_connection import NAME, PATH, Gio, GLib, connect, take_name

INTERFACE = """
<node><interface name='org.example.Sockeye'>
  <method name='Exchange'><arg type='h' direction='in'/><arg type='h' direction='out'/></method>
  <method name='End'/>
</interface></node>
"""


def write(descriptor, content):
    with open(descriptor, "wb") as pipe:
        pipe.write(content)


def called(_bus, _sender, _path, _interface, method, arguments, invocation):
    if method == "End":
        invocation.return_value(None)
        bus.flush_sync(None)
        loop.quit()
        return
    # Taken out of the message, which is kept: who reads waits until nobody has the other end.
    passed = invocation.get_message().get_unix_fd_list().steal_fds()
    (handle,) = arguments.unpack()
    write(passed[handle], b"a word for you")
    reader, writer = os.pipe()
    given = Gio.UnixFDList()
    answer = GLib.Variant("(h)", (given.append(reader),))
    os.close(reader)
    invocation.return_value_with_unix_fd_list(answer, given)
    # More than a pipe holds: it is read only when the answer has arrived.
    threading.Thread(target=write, args=(writer, bytes(3_000_000))).start()


bus = connect()
interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
bus.register_object(PATH, interface, called, None, None)
take_name(bus, NAME)
loop = GLib.MainLoop()
print("serving", flush=True)
loop.run()
