"""A connection to the bus at a path, of GLib's."""

import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.example.Sockeye"
PATH = "/org/example/Sockeye"


def connect():
    flags = Gio.DBusConnectionFlags
    flags = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync("unix:path=" + sys.argv[1], flags, None, None)


def take_name(bus, name):
    arguments = GLib.Variant("(su)", (name, 0))
    there = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
    bus.call_sync(*there, "RequestName", arguments, None, Gio.DBusCallFlags.NONE, -1, None)
