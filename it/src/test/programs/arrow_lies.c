// A worker whose Arrow results are wrong. The first value of the column "do" says in which way.
#include <tproc_arrow.h>

/* Where a description has what: after the head and the root, which has one buffer and the format "+s". */
#define COLUMN (sizeof(struct tproc_arrow_head) + 24 + 24 + 8 + 8)
#define LENGTH COLUMN
#define NULLS (COLUMN + 8)
#define BUFFER_COUNT (COLUMN + 24 + 12)
#define BUFFERS (COLUMN + 48)

static void set(struct tproc_arrow_request *arrow, size_t at, int64_t value) {
  memcpy(arrow->result.bytes + at, &value, sizeof value);
}

static void set_word(struct tproc_arrow_request *arrow, size_t at, int32_t value) {
  memcpy(arrow->result.bytes + at, &value, sizeof value);
}

/* What the header itself writes; Java has to notice what became of it. */
static void tamper(struct tproc_arrow_request *arrow, int lie) {
  if (lie == 1) set(arrow, LENGTH, INT64_C(1) << 40);
  if (lie == 2) set(arrow, LENGTH, 1 << 18);
  if (lie == 3) set(arrow, LENGTH, -1);
  if (lie == 4) set(arrow, NULLS, 5);
  if (lie == 5) set(arrow, BUFFERS + 8, 0);
  if (lie == 6) set(arrow, BUFFERS + 8, 4096);
  if (lie == 7) set(arrow, BUFFERS, -8);
  if (lie == 8) set_word(arrow, BUFFER_COUNT, 3);
  if (lie == 9) set_word(arrow, BUFFER_COUNT, 1 << 30);
  if (lie == 10) set_word(arrow, BUFFER_COUNT + 4, -1);
  if (lie == 11) arrow->result.size = COLUMN + 16;
  if (lie == 12) set_word(arrow, COLUMN + 24, 1 << 30);
}

static int answer(struct tproc_arrow_request *arrow, const char *format, int64_t count, const void **buffers,
                  int64_t rows) {
  struct ArrowSchema column_schema = {.format = format, .name = "made", .flags = ARROW_FLAG_NULLABLE};
  struct ArrowArray column = {.length = rows, .null_count = 0, .n_buffers = count, .buffers = buffers};
  struct ArrowSchema *schemas[] = {&column_schema};
  struct ArrowArray *arrays[] = {&column};
  const void *none[] = {NULL};
  const struct ArrowSchema schema = {.format = "+s", .n_children = 1, .children = schemas};
  const struct ArrowArray array = {
      .length = rows, .n_buffers = 1, .buffers = none, .n_children = 1, .children = arrays};
  return tproc_arrow_respond(arrow, &schema, &array);
}

static int numbers(struct tproc_arrow_request *arrow, const char *format, int64_t count) {
  int32_t *values = tproc_arrow_alloc(arrow, 3 * sizeof *values);
  uint8_t *valid = tproc_arrow_alloc(arrow, 1);
  if (values == NULL || valid == NULL) return ENOMEM;
  memset(values, 0, 3 * sizeof *values);
  *valid = 7;
  const void *buffers[] = {valid, values};
  return answer(arrow, format, count, buffers, 3);
}

static int texts(struct tproc_arrow_request *arrow, int32_t second, int32_t last) {
  int32_t *offsets = tproc_arrow_alloc(arrow, 4 * sizeof *offsets);
  char *bytes = tproc_arrow_alloc(arrow, 8);
  if (offsets == NULL || bytes == NULL) return ENOMEM;
  memcpy(bytes, "abcdefgh", 8);
  memcpy(offsets, ((int32_t[]){0, second, 4, 8}), 4 * sizeof *offsets);
  const void *buffers[] = {NULL, offsets, bytes};
  const int failed = answer(arrow, "u", 3, buffers, 3);
  offsets[3] = last;
  return failed;
}

/* A slice of a struct, in memory of this program's own: all of it is copied, from bit 3 on. */
static int slice(struct tproc_arrow_request *arrow) {
  static const uint8_t valid[] = {0xb8, 0x01};
  static const int16_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const void *inner_buffers[] = {valid, values}, *outer_buffers[] = {NULL}, *none[] = {NULL};
  struct ArrowArray inner = {.length = 8, .null_count = -1, .offset = 1, .n_buffers = 2, .buffers = inner_buffers};
  struct ArrowArray *inners[] = {&inner};
  struct ArrowArray outer = {
      .length = 5, .offset = 2, .n_buffers = 1, .buffers = outer_buffers, .n_children = 1, .children = inners};
  struct ArrowArray *outers[] = {&outer};
  struct ArrowSchema inner_schema = {.format = "s", .name = "inner", .flags = ARROW_FLAG_NULLABLE};
  struct ArrowSchema *inner_schemas[] = {&inner_schema};
  struct ArrowSchema outer_schema = {.format = "+s", .name = "outer", .n_children = 1, .children = inner_schemas};
  struct ArrowSchema *outer_schemas[] = {&outer_schema};
  const struct ArrowSchema schema = {.format = "+s", .n_children = 1, .children = outer_schemas};
  const struct ArrowArray array = {.length = 5, .n_buffers = 1, .buffers = none, .n_children = 1, .children = outers};
  return tproc_arrow_respond(arrow, &schema, &array);
}

static int serve(struct tproc_arrow_request *arrow, void *context) {
  const struct ArrowArray *column = arrow->array.children[0];
  const int lie = ((const int32_t *)column->buffers[1])[column->offset];
  (void)context;
  if (lie == 20) return texts(arrow, 2, 8);
  if (lie == 21) return texts(arrow, 5, 8);
  if (lie == 22) return texts(arrow, 2, 1 << 30);
  if (lie == 23) return numbers(arrow, "vu", 2);
  if (lie == 24) return numbers(arrow, "i", 3);
  if (lie == 25) return slice(arrow);
  const int failed = numbers(arrow, "i", 2);
  tamper(arrow, lie);
  return failed;
}

/* Answers without the header. */
static int nonsense(struct tproc_request *request, void *context) {
  (void)context;
  return tproc_respond(request, "nonsense", 8);
}

int main(int count, char **arguments) {
  (void)arguments;
  return count > 1 ? tproc_serve(nonsense, NULL) : tproc_arrow_serve(serve, NULL);
}
