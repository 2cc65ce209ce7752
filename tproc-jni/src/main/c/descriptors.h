/* java.io.FileDescriptor, whose number is in a private field. */
#ifndef TPROC_JNI_DESCRIPTORS_H
#define TPROC_JNI_DESCRIPTORS_H

#include <jni.h>
#include <stdbool.h>

/** @return false with an exception pending */
bool descriptors_load(JNIEnv *env);

#endif
