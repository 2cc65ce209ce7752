/* views, with so many paths of the own executable, far from each other, that the fence has no place left. */
#include "views.c"

__attribute__((used)) static const char crowd[][256] = {"/proc/self/exe", "/proc/self/exe", "/proc/self/exe",
                                                        "/proc/self/exe"};
