"""Takes a name, and keeps it as long as its input is open."""

import sys

from bus_connection import NAME, connect, take_name

bus = connect()
take_name(bus, NAME)
print("named", flush=True)
sys.stdin.read()
