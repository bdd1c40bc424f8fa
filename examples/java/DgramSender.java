import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import jdk.incubator.foreign.CLinker;
import jdk.incubator.foreign.FunctionDescriptor;
import jdk.incubator.foreign.MemoryAccess;
import jdk.incubator.foreign.MemoryAddress;
import jdk.incubator.foreign.MemorySegment;
import jdk.incubator.foreign.ResourceScope;

/**
 * The smallest honest datagram sender: one message, no connection.
 *
 * <p>The JDK has Unix stream sockets and no Unix datagram sockets, so this calls the C library itself,
 * with the foreign function interface as it is in Java 17 (an incubator module; Java 22 has it for good,
 * under other names). Run: java --add-modules jdk.incubator.foreign --enable-native-access=ALL-UNNAMED
 * DgramSender.java PATH TEXT
 */
public class DgramSender {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SUN_PATH = 2; // offset of sun_path in struct sockaddr_un
    private static final int SUN_PATH_SIZE = 108;

    /** A C function as something Java can call. */
    private static MethodHandle c(String name, MethodType type, FunctionDescriptor layout) {
        MemoryAddress function = CLinker.systemLookup().lookup(name).orElseThrow();
        return CLinker.getInstance().downcallHandle(function, type, layout);
    }

    private static final MethodHandle SOCKET = c("socket",
            MethodType.methodType(int.class, int.class, int.class, int.class),
            FunctionDescriptor.of(CLinker.C_INT, CLinker.C_INT, CLinker.C_INT, CLinker.C_INT));
    private static final MethodHandle SENDTO = c("sendto",
            MethodType.methodType(long.class, int.class, MemoryAddress.class, long.class, int.class,
                    MemoryAddress.class, int.class),
            FunctionDescriptor.of(CLinker.C_LONG, CLinker.C_INT, CLinker.C_POINTER, CLinker.C_LONG,
                    CLinker.C_INT, CLinker.C_POINTER, CLinker.C_INT));
    private static final MethodHandle ERRNO = c("__errno_location",
            MethodType.methodType(MemoryAddress.class), FunctionDescriptor.of(CLinker.C_POINTER));
    private static final MethodHandle STRERROR = c("strerror",
            MethodType.methodType(MemoryAddress.class, int.class),
            FunctionDescriptor.of(CLinker.C_POINTER, CLinker.C_INT));

    /**
     * What the last call of this thread complained about. Java 17 cannot keep errno for us: if the virtual
     * machine makes a system call of its own in between, the words are wrong. The result never is.
     */
    private static String lastError() throws Throwable {
        MemoryAddress errno = (MemoryAddress) ERRNO.invokeExact();
        int number = MemoryAccess.getInt(errno.asSegment(Integer.BYTES, ResourceScope.globalScope()));
        return CLinker.toJavaString((MemoryAddress) STRERROR.invokeExact(number));
    }

    /** Sends the message; the answer is null, or what went wrong. */
    private static String send(byte[] name, byte[] text) throws Throwable {
        if (name.length >= SUN_PATH_SIZE) {
            return "File name too long";
        }
        try (ResourceScope scope = ResourceScope.newConfinedScope()) {
            // struct sockaddr_un: the family in two bytes, then the name; new memory is all zero.
            MemorySegment address = MemorySegment.allocateNative(SUN_PATH + SUN_PATH_SIZE, scope);
            MemoryAccess.setShort(address, (short) AF_UNIX);
            address.asSlice(SUN_PATH).copyFrom(MemorySegment.ofArray(name));
            int length = SUN_PATH + name.length;
            if (name.length > 0 && name[0] == '@') {
                MemoryAccess.setByteAtOffset(address, SUN_PATH, (byte) 0); // a zero in front: an abstract name
            } else {
                length++; // a path: its terminating zero belongs to the address
            }
            MemorySegment message = MemorySegment.allocateNative(Math.max(text.length, 1), scope);
            message.copyFrom(MemorySegment.ofArray(text));

            int socket = (int) SOCKET.invokeExact(AF_UNIX, SOCK_DGRAM, 0);
            if (socket < 0) {
                return lastError();
            }
            // All of the message or nothing: a datagram is never sent in part. It waits while the
            // receiver's queue is full. Leaving the program closes the socket.
            long sent = (long) SENDTO.invokeExact(socket, message.address(), (long) text.length, 0,
                    address.address(), length);
            return sent < 0 ? lastError() : null;
        }
    }

    public static void main(String[] args) throws Throwable {
        if (args.length != 2) {
            System.err.println("usage: dgram_sender PATH TEXT");
            System.exit(1);
        }
        String cause = send(args[0].getBytes(StandardCharsets.UTF_8), args[1].getBytes(StandardCharsets.UTF_8));
        if (cause != null) {
            System.err.println("dgram_sender: send to " + args[0] + ": " + cause);
            System.exit(1);
        }
    }
}
