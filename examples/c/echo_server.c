/* The smallest honest stream server: one client after another gets its bytes back.
 * Build: gcc -Wall -Wextra -o echo_server echo_server.c */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *path;

static int fail(const char *doing)
{
    fprintf(stderr, "echo_server: %s %s: %s\n", doing, path, strerror(errno));
    return 1;
}

/* A bound path is a file and outlives the socket; an abstract name goes with it. */
static void remove_file(void)
{
    if (path[0] != '@')
        unlink(path);
}

static void stop(int signal_number)
{
    (void)signal_number;
    remove_file(); /* unlink and _exit are among the few calls a signal handler may make */
    _exit(0);
}

/* Fills in the address and returns its length, or 0 when the name does not fit. */
static socklen_t name_to_address(struct sockaddr_un *address)
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

static int echo(int client)
{
    char buffer[65536];
    ssize_t got;
    while ((got = recv(client, buffer, sizeof buffer, 0)) > 0)
        if (send_all(client, buffer, got) < 0)
            return -1;
    return got; /* 0: the client has shut down its writing side, everything is echoed */
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: echo_server PATH\n");
        return 1;
    }
    path = argv[1];

    struct sockaddr_un address;
    socklen_t length = name_to_address(&address);
    if (length == 0)
        return fail("bind");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return fail("open a socket for");
    /* bind creates the file, and fails when there is one, even if nobody serves it any more. */
    if (bind(listener, (struct sockaddr *)&address, length) < 0)
        return fail("bind");
    signal(SIGTERM, stop); /* cannot fail for these two; from here on the file is ours to remove */
    signal(SIGINT, stop);
    /* From here on clients can connect; up to SOMAXCONN of them wait until they are accepted. */
    if (listen(listener, SOMAXCONN) == 0 && printf("listening on %s\n", path) > 0 && fflush(stdout) == 0) {
        int client;
        /* accept makes a new socket for one client; the listener only ever makes more of them. */
        while ((client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
            if (echo(client) < 0)
                fail("echo to a client of"); /* its misfortune, not the server's */
            close(client);
        }
    }
    int status = fail("serve");
    remove_file();
    return status;
}
