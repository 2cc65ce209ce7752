#ifndef TPROC_LAUNCHER_H
#define TPROC_LAUNCHER_H

/** The whole launcher. Returns its exit code, unless it ends by a signal. */
int launcher_main(char **argv, char **envp);

#endif
