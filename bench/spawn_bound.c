/* How many trivial plugins a second this machine can start, read to the end and reap: the bound for any scheduler.
 *
 * Usage: spawn_bound SECONDS THREADS PROGRAM [ARGUMENT...]
 * Each thread does the least that a scheduler must: a pipe for stdout, vfork and execve, read to end of file, wait.
 * Prints one JSON object; processor times are for each plugin. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char **program;
static atomic_int stopping;
static atomic_long done;

static int run_one(void)
{
    char *environment[] = {"LC_ALL=C", NULL}, buffer[4096];
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t child = vfork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execve(program[0], program, environment);
        _exit(127);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return -1;
    }
    while (read(ends[0], buffer, sizeof buffer) > 0)
        ;
    close(ends[0]);
    return waitpid(child, &status, 0) == child ? status : -1;
}

static void *keep_running(void *unused)
{
    while (!stopping) {
        if (run_one() != 0) {
            fprintf(stderr, "spawn_bound: %s failed\n", program[0]);
            exit(1);
        }
        done++;
    }
    return unused;
}

static double seconds_used(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

int main(int count, char **arguments)
{
    pthread_t threads[256];
    if (count < 4)
        return fprintf(stderr, "usage: spawn_bound SECONDS THREADS PROGRAM [ARGUMENT...]\n"), 2;
    double length = atof(arguments[1]);
    int threads_len = atoi(arguments[2]);
    program = arguments + 3;
    if (threads_len < 1 || threads_len > 256)
        return fprintf(stderr, "spawn_bound: 1 to 256 threads\n"), 2;
    double begun = now();
    for (int i = 0; i < threads_len; i++)
        pthread_create(&threads[i], NULL, keep_running, NULL);
    usleep((useconds_t)(length * 1e6));
    stopping = 1;
    for (int i = 0; i < threads_len; i++)
        pthread_join(threads[i], NULL);
    double per_s = done / (now() - begun);
    printf("{\"threads\":%d,\"n\":%ld,\"per_s\":%.1f,\"own_cpu_us\":%.1f,\"plugin_cpu_us\":%.1f}\n", threads_len, done,
           per_s, seconds_used(RUSAGE_SELF) / done * 1e6, seconds_used(RUSAGE_CHILDREN) / done * 1e6);
    return 0;
}
