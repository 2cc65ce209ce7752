/*
 * Doubly linked lists whose elements have members `previous` and `next`; `first` is the head. An element is in one list
 * at a time. The lock that guards the list, if any, is the caller's.
 */
#ifndef TPROC_LIST_H
#define TPROC_LIST_H

#include <stddef.h>

#define LIST_PREPEND(first, element)                    \
  do {                                                  \
    (element)->previous = NULL;                         \
    (element)->next = (first);                          \
    if ((first) != NULL) (first)->previous = (element); \
    (first) = (element);                                \
  } while (0)

#define LIST_UNLINK(first, element)                                               \
  do {                                                                            \
    if ((element)->previous != NULL)                                              \
      (element)->previous->next = (element)->next;                                \
    else                                                                          \
      (first) = (element)->next;                                                  \
    if ((element)->next != NULL) (element)->next->previous = (element)->previous; \
  } while (0)

#endif
