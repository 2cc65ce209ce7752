/* What needy.c needs, and does not name; and a library with plug-ins, of which needy.c may be one. */
#include <dlfcn.h>
#include <stddef.h>

int provided(void) { return 42; }

int loads_plug_in(const char *file) { return dlopen(file, RTLD_NOW) != NULL; }
