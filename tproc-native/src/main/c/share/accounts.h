/* Accounts, as the host gives them to launches with a limit: how much the processes of one may own. */
#ifndef TPROC_ACCOUNTS_H
#define TPROC_ACCOUNTS_H

#include <stdint.h>

#include "shared/view.h"

/**
 * Opens an account for a launch. Any thread.
 *
 * @param limit bytes, above 0
 * @return 0; -EAGAIN when there are too many
 */
int accounts_open(const struct tproc_view *view, uint64_t limit, struct tproc_account_of_launch *account);

/** No process joins it from now on. Those that are in it stay there, and it is not given anew before they have gone. */
void accounts_close(const struct tproc_view *view, struct tproc_account_of_launch account);

#endif
