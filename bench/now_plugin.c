/* A plugin whose first metric is the time at which it ran, in ms since the epoch; others follow, with values that vary.
 *
 * Usage: now_plugin [METRICS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int count, char **arguments)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int metrics = count > 1 ? atoi(arguments[1]) : 1;
    printf("OK | now=%lld", now.tv_sec * 1000ll + now.tv_nsec / 1000000);
    for (int metric = 1; metric < metrics; metric++)
        printf(" m%02d=%ld.%02ld", metric, (now.tv_nsec / 1000 + metric * 7919) % 1000, now.tv_nsec / 10 % 100);
    putchar('\n');
    return 0;
}
