package io.tproc.jni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.doThrow;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.verifyNoMoreInteractions;
import static org.mockito.Mockito.when;

import io.tproc.TprocUnavailableException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.InOrder;
import org.mockito.Mock;
import org.mockito.junit.jupiter.MockitoExtension;

@ExtendWith(MockitoExtension.class)
class NativeLibraryTest {
  @Mock NativeLibrary.Loader loader;

  private void load(String file) {
    new NativeLibrary(loader, null).load(Machine.X86_64, file);
  }

  private void notOnTheLibraryPath() {
    doThrow(new UnsatisfiedLinkError("no tproc-jni in java.library.path"))
        .when(loader)
        .loadLibrary("tproc-jni");
  }

  @Test
  void aNamedFileIsTheOnlyOneTried() {
    load("/opt/libtproc-jni.so");

    verify(loader).load(Path.of("/opt/libtproc-jni.so"));
    verifyNoMoreInteractions(loader);
  }

  @Test
  void aNamedFileThatDoesNotLoadIsNotReplacedByAnother() {
    doThrow(new UnsatisfiedLinkError("file too short")).when(loader).load(any());

    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> load("/opt/x.so"))
        .withMessageContaining("-Dtproc.library=/opt/x.so")
        .withMessageContaining("file too short");
    verify(loader).load(Path.of("/opt/x.so"));
    verifyNoMoreInteractions(loader);
  }

  @Test
  void theLibraryPathComesBeforeTheJar() {
    load(null);

    verify(loader).loadLibrary("tproc-jni");
    verifyNoMoreInteractions(loader);
  }

  @Test
  void theJarIsForThisMachine() throws IOException {
    notOnTheLibraryPath();
    when(loader.loadFromJar("natives/linux_64/", "tproc-jni")).thenReturn(true);

    load("");

    InOrder order = inOrder(loader);
    order.verify(loader).loadLibrary("tproc-jni");
    order.verify(loader).loadFromJar("natives/linux_64/", "tproc-jni");
  }

  @Test
  void withoutAJarTheMessageNamesTheClassifier() throws IOException {
    notOnTheLibraryPath();
    when(loader.loadFromJar(anyString(), anyString())).thenReturn(false);

    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> load(null))
        .withMessageContaining("io.tproc:tproc-jni")
        .withMessageContaining("classifier linux-x86_64")
        .withMessageContaining("-Dtproc.library");
  }

  @Test
  void aJarThatCannotBeUnpackedIsExplained() throws IOException {
    notOnTheLibraryPath();
    when(loader.loadFromJar(anyString(), anyString()))
        .thenThrow(new IOException("Read-only file system"));

    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> load(null))
        .withMessageContaining("Read-only file system")
        .withMessageContaining(System.getProperty("java.io.tmpdir"))
        .satisfies(
            failure ->
                assertThat(failure.getCause().getSuppressed())
                    .as("why it was not on the path")
                    .hasSize(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by x.so)",
        "x.so: undefined symbol: pthread_atfork",
        "Error relocating x.so: __isoc23_strtol: symbol not found",
        "Error loading shared library libgcc_s.so.1: No such file or directory (needed by x.so)"
      })
  void whatCannotBeLinkedIsNotBlamedOnTheDirectory(String linker) throws IOException {
    notOnTheLibraryPath();
    when(loader.loadFromJar(anyString(), anyString())).thenThrow(new UnsatisfiedLinkError(linker));
    doThrow(new UnsatisfiedLinkError(linker)).when(loader).load(any());

    for (String file : new String[] {"", "/opt/x.so"}) {
      assertThatExceptionOfType(TprocUnavailableException.class)
          .isThrownBy(() -> load(file))
          .withMessageContaining(linker)
          .withMessageContaining("cannot be linked")
          .withMessageNotContaining("noexec");
    }
  }

  @Test
  void aPlaceWithoutTheRightToExecuteIsBlamed() throws IOException {
    notOnTheLibraryPath();
    when(loader.loadFromJar(anyString(), anyString()))
        .thenThrow(
            new UnsatisfiedLinkError("failed to map segment from shared object: Not permitted"));

    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> load(null))
        .withMessageContaining("noexec")
        .withMessageContaining(System.getProperty("java.io.tmpdir"))
        .withMessageContaining("-Dtproc.tmpdir=")
        .withMessageNotContaining("linked");
  }

  @Test
  void aJvmThatDeniesNativeAccessIsToldTheOption() {
    doThrow(new IllegalCallerException("Illegal native access"))
        .when(loader)
        .loadLibrary(anyString());

    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> new NativeLibrary(loader, "io.tproc.jni").load(Machine.AARCH64, null))
        .withMessageContaining("--enable-native-access=io.tproc.jni");
    assertThatExceptionOfType(TprocUnavailableException.class)
        .isThrownBy(() -> load(null))
        .withMessageContaining("--enable-native-access=ALL-UNNAMED");
  }
}
