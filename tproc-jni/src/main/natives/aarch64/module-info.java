/**
 * The native library for Linux on aarch64. Open: a library is a resource that another module reads.
 */
open module io.tproc.jni.linux.aarch64 {
  requires io.tproc.jni;

  provides io.tproc.jni.natives.NativeCode with
      io.tproc.jni.linux.aarch64.Provided;
}
