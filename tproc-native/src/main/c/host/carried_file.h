/* Files that are opened for a launch, and are never in the table of the process that asks for it. */
#ifndef TPROC_CARRIED_FILE_H
#define TPROC_CARRIED_FILE_H

/** Takes the file out of what tproc_carry_file has given, into this thread's table. @return it, or a negative errno */
int carried_file_take(int carrier);

#endif
