// Batches in the JVM's own process, by JNI and the Arrow C Data Interface.
#include <jni.h>
#include <tproc_arrow.h>

#include "totals.hpp"

namespace {

void release_schema(ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (schema->children[i]->release != nullptr) schema->children[i]->release(schema->children[i]);
    delete schema->children[i];
  }
  delete[] schema->children;
  schema->release = nullptr;
}

void release_array(ArrowArray *array) {
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release != nullptr) array->children[i]->release(array->children[i]);
    delete array->children[i];
  }
  delete[] array->children;
  std::free(array->private_data);
  delete[] array->buffers;
  array->release = nullptr;
}

// A batch of one column, with memory for its values.
double *prepare(int64_t rows, ArrowSchema *schema, ArrowArray *array) {
  auto *values = static_cast<double *>(std::malloc(static_cast<size_t>(rows) * sizeof(double)));
  auto *column = new ArrowSchema{};
  column->format = "g";
  column->name = "total";
  column->release = release_schema;
  *schema = ArrowSchema{};
  schema->format = "+s";
  schema->n_children = 1;
  schema->children = new ArrowSchema *[1]{column};
  schema->release = release_schema;
  auto *data = new ArrowArray{};
  data->length = rows;
  data->n_buffers = 2;
  data->buffers = new const void *[2]{nullptr, values};
  data->private_data = values;
  data->release = release_array;
  *array = ArrowArray{};
  array->length = rows;
  array->n_buffers = 1;
  array->buffers = new const void *[1]{nullptr};
  array->n_children = 1;
  array->children = new ArrowArray *[1]{data};
  array->release = release_array;
  return values;
}

}  // namespace

extern "C" JNIEXPORT void JNICALL Java_io_tproc_bench_executors_InProcess_totals(JNIEnv *, jclass, jlong schema_in,
                                                                                 jlong array_in, jlong schema_out,
                                                                                 jlong array_out) {
  auto *schema = reinterpret_cast<ArrowSchema *>(schema_in);
  auto *array = reinterpret_cast<ArrowArray *>(array_in);
  double *values = prepare(array->length, reinterpret_cast<ArrowSchema *>(schema_out),
                           reinterpret_cast<ArrowArray *>(array_out));
  const bool is_wide = array->n_children == 3;
  totals(array->length, static_cast<const double *>(array->children[0]->buffers[1]),
         static_cast<const int32_t *>(array->children[1]->buffers[1]),
         is_wide ? static_cast<const uint8_t *>(array->children[2]->buffers[1]) : nullptr,
         is_wide ? std::atoll(schema->children[2]->format + 2) : 0, values);
  array->release(array);
  schema->release(schema);
}
