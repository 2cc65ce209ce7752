/* A worker that answers each request with its own bytes. */
#include <tproc.h>

static int echo(struct tproc_request *request, void *context) {
  (void)context;
  return tproc_respond(request, request->data, request->size);
}

int main(void) { return tproc_serve(echo, NULL); }
