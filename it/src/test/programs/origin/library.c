extern const char *tproc_origin(void);
const char *tproc_origin(void) { return "found beside the program"; }
