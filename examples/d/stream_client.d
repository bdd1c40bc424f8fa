/// The smallest honest stream client: send one line, say that it was all, print the answer.
/// Build: gdc -Wall -o stream_client stream_client.d
module stream_client;

import std.socket;
import std.stdio : stderr, stdout;

/// `send` and `receive` report a failure as a result; `connect` throws.
size_t checked(ptrdiff_t result)
{
    if (result == Socket.ERROR)
        throw new SocketOSException("socket call failed");
    return result;
}

int main(string[] args)
{
    if (args.length != 3)
    {
        stderr.writeln("usage: stream_client PATH TEXT");
        return 1;
    }
    const path = args[1], text = args[2];

    string doing = "connect";
    try
    {
        // A zero in front makes it an abstract name: known to the kernel, without a file.
        const isAbstract = path.length > 0 && path[0] == '@';
        auto address = new UnixAddress(isAbstract ? '\0' ~ path[1 .. $] : path);
        auto socket = new Socket(AddressFamily.UNIX, SocketType.STREAM);
        scope (exit) socket.close();
        // Succeeds as soon as the server's queue has room, before the server has accepted.
        socket.connect(address);

        doing = "send to";
        const(char)[] line = text ~ '\n';
        while (line.length > 0)
            line = line[checked(socket.send(line)) .. $]; // may take only a part
        // Half-close: the server reads end of stream, and this side can still receive.
        socket.shutdown(SocketShutdown.SEND);

        doing = "copy the answer of";
        ubyte[65_536] buffer;
        for (;;)
        {
            const got = checked(socket.receive(buffer[]));
            if (got == 0) // the end of the stream
                break;
            stdout.rawWrite(buffer[0 .. got]);
        }
        stdout.flush();
        return 0;
    }
    catch (Exception error)
    {
        auto refused = cast(SocketOSException) error;
        const cause = refused ? formatSocketError(refused.errorCode) : error.msg;
        stderr.writefln("stream_client: %s %s: %s", doing, path, cause);
        return 1;
    }
}
