#include "host/pass_descriptors.h"

#include <pthread.h>

#include "base/descriptor_passing.h"
#include "base/executor.h"
#include "host/host.h"

struct passing {
  struct tproc_host *host;
  size_t count;
  int *numbers;
  int result;
};

static void receive_passed(void *argument) {
  struct passing *passing = argument;
  passing->result = descriptors_receive(passing->host->own_door, passing->numbers, passing->count);
}

static void drop_passed(void *argument) { descriptors_drop(((struct passing *)argument)->host->own_door); }

int host_pass_descriptors(struct tproc_host *host, int *numbers, size_t count) {
  struct passing passing = {.host = host, .count = count, .numbers = numbers};
  pthread_mutex_lock(&host->door_lock);
  passing.result = descriptors_send(host->door, numbers, count);
  executor_call(&host->executor, passing.result == 0 ? receive_passed : drop_passed, &passing);
  pthread_mutex_unlock(&host->door_lock);
  return passing.result;
}
