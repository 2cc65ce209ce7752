/* What an event of the server's epoll set is about: the first member of what the event's data point to. */
#ifndef TPROC_SERVER_WATCH_H
#define TPROC_SERVER_WATCH_H

enum watch { WATCH_SOCKET, WATCH_NEWS, WATCH_CONNECTION, WATCH_CLIENT_PROGRAM };

#endif
