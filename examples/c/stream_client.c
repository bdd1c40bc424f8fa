/* The smallest honest stream client: send one line, say that it was all, print the answer.
 * Build: gcc -Wall -Wextra -o stream_client stream_client.c */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int fail(const char *doing, const char *path)
{
    fprintf(stderr, "stream_client: %s %s: %s\n", doing, path, strerror(errno));
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

static int send_all(int fd, const char *bytes, size_t left)
{
    while (left > 0) {
        /* send may take only a part. MSG_NOSIGNAL: a peer that left is an error, not a SIGPIPE. */
        ssize_t sent = send(fd, bytes, left, MSG_NOSIGNAL);
        if (sent < 0)
            return -1;
        bytes += sent;
        left -= sent;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: stream_client PATH TEXT\n");
        return 1;
    }
    const char *path = argv[1], *text = argv[2];

    struct sockaddr_un address;
    socklen_t length = name_to_address(path, &address);
    if (length == 0)
        return fail("connect", path);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail("open a socket for", path);
    /* connect succeeds as soon as the server's queue has room, before the server has accepted. */
    if (connect(fd, (struct sockaddr *)&address, length) < 0)
        return fail("connect", path);
    if (send_all(fd, text, strlen(text)) < 0 || send_all(fd, "\n", 1) < 0)
        return fail("send to", path);
    /* Half-close: the server reads end of stream, and this side can still receive. */
    if (shutdown(fd, SHUT_WR) < 0)
        return fail("shut down", path);

    char buffer[65536];
    ssize_t got;
    while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0) /* 0 is the end of the stream */
        if (fwrite(buffer, 1, got, stdout) != (size_t)got)
            return fail("copy the answer of", path);
    if (got < 0 || fflush(stdout) != 0)
        return fail("copy the answer of", path);
    return 0; /* leaving the program closes the socket */
}
