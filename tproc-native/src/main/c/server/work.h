/* What a request asks for, carried out by a worker: it may take long, and hang in a file system. */
#ifndef TPROC_SERVER_WORK_H
#define TPROC_SERVER_WORK_H

#include "base/workers.h"

/* `work` is a struct request's first member. */
void work_launch(struct work *work);
void work_list(struct work *work);
void work_maps(struct work *work);
void work_signal(struct work *work);
void work_registry(struct work *work);
void work_heap(struct work *work);

#endif
