import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;

/**
 * The smallest honest stream client: send one line, say that it was all, print the answer.
 * Run: java StreamClient.java PATH TEXT (Java 16 or newer; it knows paths, no abstract names)
 */
public class StreamClient {
    public static void main(String[] args) {
        if (args.length != 2) {
            System.err.println("usage: stream_client PATH TEXT");
            System.exit(1);
        }
        String path = args[0];
        String doing = "connect";
        try (SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            // Succeeds as soon as the server's queue has room, before the server has accepted.
            socket.connect(UnixDomainSocketAddress.of(path));

            doing = "send to";
            ByteBuffer line = StandardCharsets.UTF_8.encode(args[1] + "\n");
            while (line.hasRemaining()) {
                socket.write(line); // may take only a part
            }
            // Half-close: the server reads end of stream, and this side can still receive.
            socket.shutdownOutput();

            doing = "copy the answer of";
            // Not System.out: a PrintStream hides its failures.
            Channels.newInputStream(socket).transferTo(new FileOutputStream(FileDescriptor.out));
        } catch (IOException | InvalidPathException error) {
            System.err.println("stream_client: " + doing + " " + path + ": " + error.getMessage());
            System.exit(1);
        }
    }
}
