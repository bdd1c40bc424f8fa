/* The smallest honest datagram sender: one message, no connection.
 * Build: gcc -Wall -Wextra -o dgram_sender dgram_sender.c */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int fail(const char *doing, const char *path)
{
    fprintf(stderr, "dgram_sender: %s %s: %s\n", doing, path, strerror(errno));
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

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: dgram_sender PATH TEXT\n");
        return 1;
    }
    const char *path = argv[1], *text = argv[2];

    struct sockaddr_un address;
    socklen_t length = name_to_address(path, &address);
    if (length == 0)
        return fail("send to", path);

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail("open a socket for", path);
    /* All of the message or nothing: a datagram is never sent in part. It waits while the
     * receiver's queue is full. This socket has no name, so nobody could answer it. */
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, length) < 0)
        return fail("send to", path);
    return 0;
}
