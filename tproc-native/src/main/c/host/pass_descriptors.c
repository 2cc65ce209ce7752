#include "host/pass_descriptors.h"

#include "base/descriptor_passing.h"
#include "base/executor.h"
#include "host/host.h"

struct passing {
  struct tproc_host *host;
  size_t count;
  int *numbers;
  int result;
};

static void drop(void *argument) {
  struct tproc_host *host = argument;
  descriptors_drop(host->own_door);
  gate_open(&host->door_gate);
}

void host_drop_descriptors(struct tproc_host *host) { executor_call(&host->executor, drop, host); }

int host_send_descriptors(struct tproc_host *host, const int *numbers, size_t count) {
  gate_enter(&host->door_gate);
  const int failed = descriptors_send(host->door, numbers, count);
  if (failed) host_drop_descriptors(host); /* what was sent before the failure */
  return failed;
}

int host_receive_descriptors(struct tproc_host *host, int *numbers, size_t count) {
  const int failed = descriptors_receive(host->own_door, numbers, count);
  gate_open(&host->door_gate);
  return failed;
}

static void receive(void *argument) {
  struct passing *passing = argument;
  passing->result = host_receive_descriptors(passing->host, passing->numbers, passing->count);
}

int host_pass_descriptors(struct tproc_host *host, int *numbers, size_t count) {
  struct passing passing = {.host = host, .count = count, .numbers = numbers};
  passing.result = host_send_descriptors(host, numbers, count);
  if (passing.result == 0) executor_call(&host->executor, receive, &passing);
  return passing.result;
}
