/*
 * A program that is in a library: its main() is a function of the library's, as Python's is Py_BytesMain.
 */
#ifndef TPROC_PROGRAM_H
#define TPROC_PROGRAM_H

/*
 * Loads the library arguments[0], calls its function arguments[1] with the arguments from the third on, up to NULL, as
 * main() gets them, and returns what that returns. 2 after a message on standard error: there is no such thing.
 */
int program_run(int count, char **arguments);

#endif
