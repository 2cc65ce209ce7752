/**
 * The provider of hosts: the Java side of the native library {@code libtproc-jni.so}. Nothing is
 * exported but to the modules of native code; programs use {@code io.tproc} and start the JVM with
 * {@code --enable-native-access=io.tproc.jni}.
 */
module io.tproc.jni {
  requires io.tproc;
  requires static jdk.jfr;
  requires static org.jspecify;

  exports io.tproc.jni.natives to
      io.tproc.jni.linux.x86_64,
      io.tproc.jni.linux.aarch64;

  // When this module is resolved, so are those, if they are there.
  uses io.tproc.jni.natives.NativeCode;

  provides io.tproc.spi.TprocProvider with
      io.tproc.jni.JniProvider;
}
