/* What a dynamic linker has loaded, as its list for debuggers says (link.h): names and dynamic sections. */
#ifndef TPROC_LINKED_OBJECTS_H
#define TPROC_LINKED_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/file_identity.h"
#include "loader/image.h"

/**
 * Adds each library's file, under the name by which it was found, and the linker's own files.
 *
 * @param program in this address space, whose linker has run
 * @return false when they cannot be told, or where they lie may depend on more than these files: a run path, a library
 *     that is named by a relative path, a linker without its cache
 */
bool linked_objects_add(const struct image *program, uint16_t program_header_count, struct file_list *files);

/** The same of a program that has run, and found its libraries wherever that was. @return false when it cannot be told
 */
bool linked_objects_add_loaded(const struct image *program, uint16_t program_header_count, struct file_list *files);

#endif
