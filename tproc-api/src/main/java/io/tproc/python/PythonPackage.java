package io.tproc.python;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Python's package {@code tproc}, which is in this jar, as Python imports it. */
final class PythonPackage {
  static final String NAME = "tproc-python.zip";

  private static final List<String> SOURCES =
      List.of("tproc/__init__.py", "tproc/calls.py", "tproc/arrow.py");

  /**
   * The same sources are the same file. With the first moment that such a file can name Java would
   * write the time zone's one, too.
   */
  private static final LocalDateTime MOMENT = LocalDateTime.of(1980, 1, 2, 0, 0);

  private PythonPackage() {}

  /** A zip file, which is not compressed: a Python need not have zlib. */
  static byte[] zip() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (String source : SOURCES) {
        byte[] text = read(source);
        zip.putNextEntry(stored(source, text));
        zip.write(text);
      }
    }
    return bytes.toByteArray();
  }

  private static byte[] read(String source) throws IOException {
    try (InputStream stream = PythonPackage.class.getResourceAsStream(source)) {
      if (stream == null) {
        throw new FileNotFoundException("no " + source + " in tproc-api.jar, where it belongs");
      }
      return stream.readAllBytes();
    }
  }

  private static ZipEntry stored(String name, byte[] contents) {
    CRC32 crc = new CRC32();
    crc.update(contents);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(contents.length);
    entry.setCrc(crc.getValue());
    entry.setTimeLocal(MOMENT);
    return entry;
  }
}
