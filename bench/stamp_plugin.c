/* A plugin that says when it ran: ok_plugin, and a record of 16 bytes appended to FILE: ID and CLOCK_MONOTONIC in
 * nanoseconds, as two unsigned 64-bit numbers of this machine. A write that appends is never torn by another one.
 *
 * Usage: stamp_plugin FILE ID */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    static const char line[] = "OK | a=1\n";
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (count != 3)
        return 3;
    int file = open(arguments[1], O_WRONLY | O_APPEND | O_CLOEXEC);
    uint64_t record[2] = {strtoull(arguments[2], NULL, 10), now.tv_sec * 1000000000ull + now.tv_nsec};
    if (file < 0 || write(file, record, sizeof record) != sizeof record)
        return 3;
    return write(STDOUT_FILENO, line, sizeof line - 1) != sizeof line - 1;
}
