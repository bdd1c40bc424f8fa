/* The smallest honest datagram receiver: takes one message, prints it and leaves.
 * Build: gcc -Wall -Wextra -o dgram_receiver dgram_receiver.c */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *doing, const char *path)
{
    fprintf(stderr, "dgram_receiver: %s %s: %s\n", doing, path, strerror(errno));
    return 1;
}

/* Fills in the address and returns its length, or 0 when the name does not fit. */
static socklen_t name_to_address(const char *path, struct sockaddr_un *address)
{
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return 0;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    if (path[0] == '@')
        address->sun_path[0] = '\0'; /* a zero in front: an abstract name, counted, not terminated */
    else
        length++; /* a path: its terminating zero belongs to the address */
    return offsetof(struct sockaddr_un, sun_path) + length;
}

static int receive_one(int fd, const char *path)
{
    static char buffer[1 << 20];
    if (printf("listening on %s\n", path) < 0 || fflush(stdout) != 0)
        return fail("print the name of", path);
    /* What does not fit in the buffer is lost; with MSG_TRUNC the result is the true length. */
    ssize_t got = recv(fd, buffer, sizeof buffer, MSG_TRUNC);
    if (got < 0)
        return fail("receive on", path);
    if ((size_t)got > sizeof buffer) {
        errno = EMSGSIZE;
        return fail("receive on", path);
    }
    if (fwrite(buffer, 1, got, stdout) != (size_t)got || putchar('\n') == EOF || fflush(stdout) != 0)
        return fail("print the message from", path);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: dgram_receiver PATH\n");
        return 1;
    }
    const char *path = argv[1];

    struct sockaddr_un address;
    socklen_t length = name_to_address(path, &address);
    if (length == 0)
        return fail("bind", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail("open a socket for", path);
    /* bind is all a datagram socket needs: from here on messages arrive, without listen or accept. */
    if (bind(fd, (struct sockaddr *)&address, length) < 0)
        return fail("bind", path);

    int status = receive_one(fd, path);
    /* The bound path is a file and outlives the socket; an abstract name goes with it. */
    if (path[0] != '@' && unlink(path) < 0)
        status = fail("remove", path);
    return status;
}
