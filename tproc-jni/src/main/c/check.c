#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exceptions.h"
#include "io_tproc_jni_Native.h"

/* Of each finding four texts: name, verdict (a digit), value, advice. Findings.java reads them. */
static void write_finding(FILE *block, const struct tproc_finding *finding) {
  fwrite(finding->name, strlen(finding->name) + 1, 1, block);
  fprintf(block, "%d%c", (int)finding->verdict, '\0');
  fwrite(finding->value, strlen(finding->value) + 1, 1, block);
  fwrite(finding->advice, strlen(finding->advice) + 1, 1, block);
}

/* @return a block to be freed, or NULL without memory */
static char *write_findings(size_t *size) {
  struct tproc_finding findings[TPROC_FINDINGS_MAX];
  char *text = NULL;
  FILE *block = open_memstream(&text, size);
  if (block == NULL) return NULL;
  const size_t count = tproc_check(findings, TPROC_FINDINGS_MAX);
  for (size_t i = 0; i < count; i++) write_finding(block, &findings[i]);
  const int incomplete = ferror(block);
  if (fclose(block) == 0 && !incomplete) return text;
  free(text);
  return NULL;
}

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_check(JNIEnv *env, jclass type) {
  (void)type;
  size_t size = 0;
  char *text = write_findings(&size);
  if (text == NULL) {
    throw_out_of_memory(env, "native memory for what was found");
    return NULL;
  }
  jbyteArray block = (*env)->NewByteArray(env, (jsize)size);
  if (block != NULL) (*env)->SetByteArrayRegion(env, block, 0, (jsize)size, (const jbyte *)text);
  free(text);
  return block;
}
