/* Programs for fixed addresses (ET_EXEC): hosted at their own addresses, if these are free. */
#ifndef TPROC_FIXED_IMAGE_H
#define TPROC_FIXED_IMAGE_H

#include "host/host.h"
#include "loader/elf_file.h"
#include "memory/memory.h"
#include "tproc_core.h"

/**
 * Takes the program's addresses for the threadproc whose memory this is. Waits for those of a program that has ended
 * and is about to give them back.
 *
 * @return 0; -EADDRINUSE with a message that names the range and who has it
 */
int fixed_image_take(struct tproc_host *host, const struct elf_file *elf, struct memory *memory,
                     struct tproc_error *error);

#endif
