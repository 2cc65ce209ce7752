/* A library that needs a function of another one that it does not name: provider.c's. */
int provided(void);

int uses_provided(void) { return provided(); }
int needs_nothing(void) { return 1; }
