/* The gates of a broker: how they are opened (broker.h), and how they end. */
#ifndef TPROC_GATES_H
#define TPROC_GATES_H

#include "broker/broker.h"

/** Nobody is left behind this fence (EPOLLHUP). May free the gate. */
void gates_hang_up(struct broker *broker, struct gate *gate);

/**
 * What cannot be answered any more must not wait for ever: the threadproc is killed, and its descendants get ENOSYS.
 * Frees nothing.
 */
void gates_give_up(struct broker *broker, struct gate *gate);

/** An errand_done; `broker` is a struct broker. May free the gate. */
void gates_errand_is_done(void *broker, struct gate *gate);

/** When the broker's thread and all errands have ended. */
void gates_close_all(struct broker *broker);

#endif
