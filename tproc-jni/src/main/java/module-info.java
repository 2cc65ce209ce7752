/**
 * The provider of hosts: the Java side of the native library {@code libtproc-jni.so}. Nothing is
 * exported; programs use {@code io.tproc} and start the JVM with {@code
 * --enable-native-access=io.tproc.jni}.
 */
module io.tproc.jni {
  requires io.tproc;
  requires static jdk.jfr;
  requires static org.jspecify;
  requires org.scijava.nativelib;
  // For org.scijava.nativelib, which as an automatic module cannot name what it needs itself.
  requires org.slf4j;

  provides io.tproc.spi.TprocProvider with
      io.tproc.jni.JniProvider;
}
