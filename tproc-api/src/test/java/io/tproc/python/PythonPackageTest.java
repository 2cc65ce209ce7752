package io.tproc.python;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TimeZone;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;

class PythonPackageTest {
  @Test
  void hasTheSources() throws Exception {
    List<String> names = new ArrayList<>();
    try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(PythonPackage.zip()))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        names.add(entry.getName());
        assertThat(new String(zip.readAllBytes(), StandardCharsets.UTF_8))
            .contains("import ctypes");
      }
    }
    assertThat(names).containsExactly("tproc/__init__.py", "tproc/calls.py", "tproc/arrow.py");
  }

  @Test
  void isTheSameAnywhere() throws Exception {
    byte[] here = PythonPackage.zip();
    TimeZone before = TimeZone.getDefault();
    try {
      TimeZone.setDefault(TimeZone.getTimeZone("Pacific/Auckland"));
      assertThat(PythonPackage.zip()).isEqualTo(here);
    } finally {
      TimeZone.setDefault(before);
    }
  }
}
