// Forks at will.
//
// Preloaded. The first call of getppid makes a copy of the process, which does nothing; the next one
// ends it.

#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t copy;

pid_t getppid(void) {
    if (copy > 0) {
        kill(copy, SIGKILL);
        waitpid(copy, NULL, 0);
        copy = 0;
        return 1;
    }
    copy = fork();
    if (copy == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) pause();
    }
    return copy;
}
