/// The smallest honest datagram sender: one message, no connection.
/// Build: gdc -Wall -o dgram_sender dgram_sender.d
module dgram_sender;

import std.socket;
import std.stdio : stderr;

int main(string[] args)
{
    if (args.length != 3)
    {
        stderr.writeln("usage: dgram_sender PATH TEXT");
        return 1;
    }
    const path = args[1], text = args[2];

    try
    {
        // A zero in front makes it an abstract name: known to the kernel, without a file.
        const isAbstract = path.length > 0 && path[0] == '@';
        auto address = new UnixAddress(isAbstract ? '\0' ~ path[1 .. $] : path);
        auto socket = new Socket(AddressFamily.UNIX, SocketType.DGRAM);
        scope (exit) socket.close();
        // All of the message or nothing: a datagram is never sent in part. It waits while the
        // receiver's queue is full. This socket has no name, so nobody could answer it.
        if (socket.sendTo(text, address) == Socket.ERROR)
            throw new SocketOSException("socket call failed");
        return 0;
    }
    catch (SocketException error)
    {
        auto refused = cast(SocketOSException) error;
        const cause = refused ? formatSocketError(refused.errorCode) : error.msg;
        stderr.writefln("dgram_sender: send to %s: %s", path, cause);
        return 1;
    }
}
