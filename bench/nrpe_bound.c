/* How fast any server of NRPE can be on this machine, with this load generator beside it.
 *
 * Usage: nrpe_bound PORT THREADS [CERTIFICATE KEY AUTHORITY]
 * Each thread does the least that a server must: accept a connection, make the handshake if there are certificates (the
 * client has to show one, too), read a query of version 4, send one and the same answer, close. It looks at nothing. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUERY_BYTES = 1036, BACKLOG = 1024 };

/* "NRPE v4.1.0" with the result 0. */
static const unsigned char answer[28] = {0, 4, 0, 2, 0x0d, 0xaa, 0xd2, 0x45, 0, 0, 0, 0, 0, 0, 0, 12,
                                         'N', 'R', 'P', 'E', ' ', 'v', '4', '.', '1', '.', '0', 0};
static int listener;
static SSL_CTX *context;

static void serve_plain(int client)
{
    unsigned char query[4096];
    ssize_t got;
    for (size_t have = 0; have < QUERY_BYTES; have += (size_t)got)
        if ((got = recv(client, query, sizeof query, 0)) <= 0)
            return;
    send(client, answer, sizeof answer, MSG_NOSIGNAL);
}

static void serve_tls(int client)
{
    unsigned char query[4096];
    int got;
    SSL *tls = SSL_new(context);
    if (tls && SSL_set_fd(tls, client) && SSL_accept(tls) == 1) {
        size_t have = 0;
        while (have < QUERY_BYTES && (got = SSL_read(tls, query, sizeof query)) > 0)
            have += (size_t)got;
        if (have >= QUERY_BYTES && SSL_write(tls, answer, sizeof answer) > 0)
            SSL_shutdown(tls);
    }
    SSL_free(tls);
}

static void *serve(void *unused)
{
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        context ? serve_tls(client) : serve_plain(client);
        close(client);
    }
    return unused;
}

static int prepare_tls(char **files)
{
    context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, files[0]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, files[1], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_locations(context, files[2], NULL) != 1)
        return -1;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    return 0;
}

int main(int count, char **words)
{
    int on = 1;
    pthread_t thread;
    if (count != 3 && count != 6) {
        fprintf(stderr, "usage: nrpe_bound PORT THREADS [CERTIFICATE KEY AUTHORITY]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0 ||
        (count == 6 && prepare_tls(words + 3) < 0)) {
        perror("nrpe_bound");
        return 1;
    }
    for (int more = atoi(words[2]); more > 1; more--)
        pthread_create(&thread, NULL, serve, NULL);
    serve(NULL);
}
