package io.tproc.it;

import static io.tproc.it.Natively.bytes;
import static io.tproc.it.Natively.direct;
import static io.tproc.it.Natively.open;
import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.Callback;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.Signature;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Inflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Unmodified libraries of the distribution, each at a real task whose result is known. */
@ExtendWith(HostExtension.class)
class RealLibrariesIT {
  private static final CType INT = CType.INT;
  private static final CType LONG = CType.LONG;
  private static final CType POINTER = CType.POINTER;
  private static final CType STRING = CType.STRING;
  private static final CType DOUBLE = CType.DOUBLE;
  private static final CType VOID = CType.VOID;

  private static final int SIZE = 1 << 20;

  private static ByteBuffer text() {
    ByteBuffer data = direct(SIZE);
    for (int i = 0; i < SIZE; i++) {
      data.put(i, (byte) ("contained ".charAt(i % 10) + i / 5000 % 3));
    }
    return data;
  }

  /** What was compressed is smaller, and what comes back is the same. */
  private static void assertSame(ByteBuffer original, ByteBuffer again, long compressed) {
    assertThat(compressed).isBetween(1L, SIZE / 2L);
    assertThat(again).isEqualTo(original);
  }

  @Test
  void zlib(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libz.so.1")) {
      ByteBuffer data = text();
      CRC32 expected = new CRC32();
      expected.update(data.duplicate());
      assertThat(library.function("crc32", LONG, LONG, POINTER, INT).callLong(0, data, SIZE))
          .isEqualTo(expected.getValue());
      ByteBuffer compressed = direct(SIZE + 1000);
      ByteBuffer length = direct(8).putLong(0, compressed.capacity());
      assertThat(
              library
                  .function("compress", INT, POINTER, POINTER, POINTER, LONG)
                  .callInt(compressed, length, data, SIZE))
          .isZero();
      Inflater inflater = new Inflater();
      inflater.setInput(bytes(compressed, (int) length.getLong(0)));
      byte[] again = new byte[SIZE];
      assertThat(inflater.inflate(again)).isEqualTo(SIZE);
      inflater.end();
      assertThat(again).isEqualTo(bytes(data, SIZE));
    }
  }

  @Test
  void zstd(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libzstd.so.1")) {
      ByteBuffer data = text();
      ByteBuffer compressed = direct(2 * SIZE);
      ByteBuffer again = direct(SIZE);
      long size =
          library
              .function("ZSTD_compress", LONG, POINTER, LONG, POINTER, LONG, INT)
              .callLong(compressed, 2 * SIZE, data, SIZE, 3);
      library
          .function("ZSTD_decompress", LONG, POINTER, LONG, POINTER, LONG)
          .callLong(again, SIZE, compressed, size);
      assertSame(data, again, size);
    }
  }

  @Test
  void lz4(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "liblz4.so.1")) {
      ByteBuffer data = text();
      ByteBuffer compressed = direct(2 * SIZE);
      ByteBuffer again = direct(SIZE);
      int size =
          library
              .function("LZ4_compress_default", INT, POINTER, POINTER, INT, INT)
              .callInt(data, compressed, SIZE, 2 * SIZE);
      library
          .function("LZ4_decompress_safe", INT, POINTER, POINTER, INT, INT)
          .callInt(compressed, again, size, SIZE);
      assertSame(data, again, size);
    }
  }

  @Test
  void brotli(TprocHost host) throws Exception {
    ByteBuffer data = text();
    ByteBuffer compressed = direct(2 * SIZE);
    ByteBuffer length = direct(8).putLong(0, 2 * SIZE);
    try (ContainedLibrary encoder = open(host, "libbrotlienc.so.1")) {
      encoder
          .function("BrotliEncoderCompress", INT, INT, INT, INT, LONG, POINTER, POINTER, POINTER)
          .callInt(5, 22, 0, SIZE, data, length, compressed);
    }
    long size = length.getLong(0);
    ByteBuffer again = direct(SIZE);
    length.putLong(0, SIZE);
    try (ContainedLibrary decoder = open(host, "libbrotlidec.so.1")) {
      decoder
          .function("BrotliDecoderDecompress", INT, LONG, POINTER, POINTER, POINTER)
          .callInt(size, compressed, length, again);
    }
    assertSame(data, again, size);
  }

  @Test
  void bzip2(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libbz2.so.1.0")) {
      ByteBuffer data = text();
      ByteBuffer compressed = direct(2 * SIZE);
      ByteBuffer length = direct(4).putInt(0, 2 * SIZE);
      library
          .function("BZ2_bzBuffToBuffCompress", INT, POINTER, POINTER, POINTER, INT, INT, INT, INT)
          .callInt(compressed, length, data, SIZE, 9, 0, 0);
      int size = length.getInt(0);
      ByteBuffer again = direct(SIZE);
      length.putInt(0, SIZE);
      library
          .function("BZ2_bzBuffToBuffDecompress", INT, POINTER, POINTER, POINTER, INT, INT, INT)
          .callInt(again, length, compressed, size, 0, 0);
      assertSame(data, again, size);
    }
  }

  @Test
  void lzma(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "liblzma.so.5")) {
      ByteBuffer data = text();
      ByteBuffer compressed = direct(2 * SIZE);
      ByteBuffer at = direct(8);
      library
          .function(
              "lzma_easy_buffer_encode",
              INT,
              INT,
              INT,
              POINTER,
              POINTER,
              LONG,
              POINTER,
              POINTER,
              LONG)
          .callInt(1, 4, null, data, SIZE, compressed, at, 2 * SIZE);
      long size = at.getLong(0);
      ByteBuffer limit = direct(8).putLong(0, Long.MAX_VALUE);
      ByteBuffer in = direct(8);
      ByteBuffer again = direct(SIZE);
      at.putLong(0, 0);
      library
          .function(
              "lzma_stream_buffer_decode",
              INT,
              POINTER,
              INT,
              POINTER,
              POINTER,
              POINTER,
              LONG,
              POINTER,
              POINTER,
              LONG)
          .callInt(limit, 0, null, compressed, in, size, again, at, SIZE);
      assertSame(data, again, size);
    }
  }

  @Test
  void deflate(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libdeflate.so.0")) {
      ByteBuffer data = text();
      ByteBuffer compressed = direct(2 * SIZE);
      long compressor = library.function("libdeflate_alloc_compressor", POINTER, INT).callLong(6);
      long size =
          library
              .function("libdeflate_zlib_compress", LONG, POINTER, POINTER, LONG, POINTER, LONG)
              .callLong(compressor, data, SIZE, compressed, 2 * SIZE);
      Inflater inflater = new Inflater();
      inflater.setInput(bytes(compressed, (int) size));
      byte[] again = new byte[SIZE];
      assertThat(inflater.inflate(again)).isEqualTo(SIZE);
      inflater.end();
      assertThat(again).isEqualTo(bytes(data, SIZE));
    }
  }

  @Test
  void snappy(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libsnappy.so.1")) {
      ByteBuffer data = text();
      ByteBuffer compressed = direct(2 * SIZE);
      ByteBuffer length = direct(8).putLong(0, 2 * SIZE);
      library
          .function("snappy_compress", INT, POINTER, LONG, POINTER, POINTER)
          .callInt(data, SIZE, compressed, length);
      long size = length.getLong(0);
      ByteBuffer again = direct(SIZE);
      length.putLong(0, SIZE);
      library
          .function("snappy_uncompress", INT, POINTER, LONG, POINTER, POINTER)
          .callInt(compressed, size, again, length);
      assertSame(data, again, size);
    }
  }

  @Test
  void turboJpeg(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libturbojpeg.so.0")) {
      int side = 256;
      ByteBuffer pixels = direct(side * side * 3);
      for (int i = 0; i < pixels.capacity(); i++) {
        pixels.put(i, (byte) (i / 3 % side));
      }
      long compressor = library.function("tjInitCompress", POINTER).callLong();
      ByteBuffer jpeg = direct(1 << 20);
      ByteBuffer address = direct(8).putLong(0, host.addressOf(jpeg));
      ByteBuffer length = direct(8).putLong(0, jpeg.capacity());
      int noRealloc = 1024;
      assertThat(
              library
                  .function(
                      "tjCompress2",
                      INT,
                      POINTER,
                      POINTER,
                      INT,
                      INT,
                      INT,
                      INT,
                      POINTER,
                      POINTER,
                      INT,
                      INT,
                      INT)
                  .callInt(compressor, pixels, side, 0, side, 0, address, length, 0, 95, noRealloc))
          .isZero();
      byte[] file = bytes(jpeg, (int) length.getLong(0));
      java.awt.image.BufferedImage image =
          javax.imageio.ImageIO.read(new java.io.ByteArrayInputStream(file));
      assertThat(image.getWidth()).isEqualTo(side);
      assertThat(image.getRGB(100, 7) & 0xff).isBetween(95, 105);
    }
  }

  @Test
  void webp(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libwebp.so.7")) {
      int side = 64;
      ByteBuffer pixels = direct(side * side * 3);
      for (int i = 0; i < pixels.capacity(); i++) {
        pixels.put(i, (byte) (i * 7));
      }
      ByteBuffer out = direct(8);
      long size =
          library
              .function("WebPEncodeLosslessRGB", LONG, POINTER, INT, INT, INT, POINTER)
              .callLong(pixels, side, side, side * 3, out);
      ByteBuffer again = direct(side * side * 3);
      library
          .function("WebPDecodeRGBInto", POINTER, POINTER, LONG, POINTER, LONG, INT)
          .callLong(out.getLong(0), size, again, again.capacity(), side * 3);
      assertThat(again).isEqualTo(pixels);
    }
  }

  @Test
  void sqlite(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libsqlite3.so.0")) {
      ByteBuffer database = direct(8);
      assertThat(
              library.function("sqlite3_open", INT, STRING, POINTER).callInt(":memory:", database))
          .isZero();
      List<String> rows = new ArrayList<>();
      Signature ofRow = Signature.of(INT, POINTER, INT, POINTER, POINTER);
      try (Callback row =
          library.callback(
              ofRow,
              arguments -> {
                ByteBuffer values = direct(8);
                library.read((long) arguments[2], values);
                rows.add(library.text(values.getLong(0)));
                return 0;
              })) {
        ContainedFunction exec =
            library.function("sqlite3_exec", INT, POINTER, STRING, POINTER, POINTER, POINTER);
        String statements =
            "create table t(a); insert into t values (1),(2),(3); select sum(a) from t;"
                + " select group_concat(a) from t";
        assertThat(exec.callInt(database.getLong(0), statements, row, null, null)).isZero();
      }
      assertThat(rows).containsExactly("6", "1,2,3");
      assertThat(library.function("sqlite3_close", INT, POINTER).callInt(database.getLong(0)))
          .isZero();
    }
  }

  @Test
  void pcre2(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libpcre2-8.so.0")) {
      ByteBuffer error = direct(8);
      long code =
          library
              .function("pcre2_compile_8", POINTER, STRING, LONG, INT, POINTER, POINTER, POINTER)
              .callLong("(\\d+)-(\\w+)", 11, 0, error, direct(8), null);
      long match =
          library
              .function("pcre2_match_data_create_from_pattern_8", POINTER, POINTER, POINTER)
              .callLong(code, null);
      assertThat(
              library
                  .function(
                      "pcre2_match_8", INT, POINTER, STRING, LONG, LONG, INT, POINTER, POINTER)
                  .callInt(code, "ab 12-xyz", 9, 0, 0, match, null))
          .isEqualTo(3);
      long vector =
          library.function("pcre2_get_ovector_pointer_8", POINTER, POINTER).callLong(match);
      ByteBuffer offsets = direct(48);
      library.read(vector, offsets);
      assertThat(offsets.getLong(0)).isEqualTo(3);
      assertThat(offsets.getLong(32)).isEqualTo(6);
    }
  }

  @Test
  void libcrypto(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libcrypto.so.3")) {
      ByteBuffer data = text();
      ByteBuffer hash = direct(32);
      library.function("SHA256", POINTER, POINTER, LONG, POINTER).call(data, SIZE, hash);
      byte[] expected = MessageDigest.getInstance("SHA-256").digest(bytes(data, SIZE));
      assertThat(bytes(hash, 32)).isEqualTo(expected);
    }
  }

  @Test
  void sodium(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libsodium.so.23")) {
      assertThat(library.function("sodium_init", INT).callInt()).isNotNegative();
      ByteBuffer hash = direct(32);
      ByteBuffer message = direct(3).put(0, "abc".getBytes(StandardCharsets.US_ASCII));
      library.function("crypto_hash_sha256", INT, POINTER, POINTER, LONG).call(hash, message, 3);
      assertThat(HexFormat.of().formatHex(bytes(hash, 4))).isEqualTo("ba7816bf");
    }
  }

  @Test
  void nettle(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libnettle.so.8")) {
      ByteBuffer context = direct(1024);
      ByteBuffer hash = direct(16);
      ByteBuffer message = direct(3).put(0, "abc".getBytes(StandardCharsets.US_ASCII));
      library.function("nettle_md5_init", VOID, POINTER).call(context);
      library.function("nettle_md5_update", VOID, POINTER, LONG, POINTER).call(context, 3, message);
      library.function("nettle_md5_digest", VOID, POINTER, LONG, POINTER).call(context, 16, hash);
      assertThat(HexFormat.of().formatHex(bytes(hash, 16)))
          .isEqualTo("900150983cd24fb0d6963f7d28e17f72");
    }
  }

  @Test
  void curl(TprocHost host, @TempDir Path directory) throws Exception {
    try (ContainedLibrary library = open(host, "libcurl.so.4")) {
      Path file = Files.writeString(directory.resolve("page"), "what was fetched");
      StringBuilder got = new StringBuilder();
      long handle = library.function("curl_easy_init", POINTER).callLong();
      Signature writing = Signature.of(LONG, POINTER, LONG, LONG, POINTER);
      try (Callback write =
          library.callback(
              writing,
              arguments -> {
                long size = (long) arguments[1] * (long) arguments[2];
                ByteBuffer part = direct((int) size);
                library.read((long) arguments[0], part);
                got.append(StandardCharsets.UTF_8.decode(part));
                return size;
              })) {
        Signature setting = Signature.of(INT, POINTER, INT, POINTER).variadicAfter(2);
        ContainedFunction set = library.function("curl_easy_setopt", setting);
        int url = 10002;
        int writeFunction = 20011;
        long address = library.function("strdup", POINTER, STRING).callLong("file://" + file);
        assertThat(set.callInt(handle, url, address)).isZero();
        assertThat(set.callInt(handle, writeFunction, write)).isZero();
        assertThat(library.function("curl_easy_perform", INT, POINTER).callInt(handle)).isZero();
        library.function("curl_easy_cleanup", VOID, POINTER).call(handle);
      }
      assertThat(got).hasToString("what was fetched");
    }
  }

  @Test
  void expat(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libexpat.so.1")) {
      List<String> names = new ArrayList<>();
      long parser = library.function("XML_ParserCreate", POINTER, POINTER).callLong((Object) null);
      try (Callback start =
              library.callback(
                  Signature.of(VOID, POINTER, STRING, POINTER),
                  arguments -> {
                    names.add((String) arguments[1]);
                    return null;
                  });
          Callback end = library.callback(Signature.of(VOID, POINTER, STRING), unused -> null)) {
        library
            .function("XML_SetElementHandler", VOID, POINTER, POINTER, POINTER)
            .call(parser, start, end);
        String text = "<a><b/><c>d</c></a>";
        assertThat(
                library
                    .function("XML_Parse", INT, POINTER, STRING, INT, INT)
                    .callInt(parser, text, text.length(), 1))
            .isEqualTo(1);
      }
      assertThat(names).containsExactly("a", "b", "c");
    }
  }

  @Test
  void xml2(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libxml2.so.2")) {
      String text = "<a><b/></a>";
      long document =
          library
              .function("xmlReadMemory", POINTER, STRING, INT, STRING, STRING, INT)
              .callLong(text, text.length(), "x.xml", null, 0);
      long root = library.function("xmlDocGetRootElement", POINTER, POINTER).callLong(document);
      assertThat(library.function("xmlChildElementCount", LONG, POINTER).callLong(root))
          .isEqualTo(1);
      assertThat(library.function("xmlGetNodePath", STRING, POINTER).callString(root))
          .isEqualTo("/a");
      library.function("xmlFreeDoc", VOID, POINTER).call(document);
    }
  }

  @Test
  void fftw(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libfftw3.so.3")) {
      int count = 64;
      ByteBuffer in = direct(16 * count);
      ByteBuffer out = direct(16 * count);
      long plan =
          library
              .function("fftw_plan_dft_1d", POINTER, INT, POINTER, POINTER, INT, INT)
              .callLong(count, in, out, -1, 1 << 6);
      for (int i = 0; i < count; i++) {
        in.putDouble(16 * i, Math.cos(2 * Math.PI * 5 * i / count));
      }
      library.function("fftw_execute", VOID, POINTER).call(plan);
      assertThat(out.getDouble(16 * 5)).isCloseTo(32, org.assertj.core.data.Offset.offset(1e-9));
      assertThat(out.getDouble(16 * 6)).isCloseTo(0, org.assertj.core.data.Offset.offset(1e-9));
    }
  }

  @Test
  void blas(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libblas.so.3")) {
      ByteBuffer count = direct(4).putInt(0, 3);
      ByteBuffer step = direct(4).putInt(0, 1);
      ByteBuffer x = direct(24).putDouble(0, 1).putDouble(8, 2).putDouble(16, 3);
      assertThat(
              library
                  .function("ddot_", DOUBLE, POINTER, POINTER, POINTER, POINTER, POINTER)
                  .callDouble(count, x, step, x, step))
          .isEqualTo(14);
    }
  }

  @Test
  void gmp(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libgmp.so.10")) {
      ByteBuffer number = direct(16);
      library.function("__gmpz_init", VOID, POINTER).call(number);
      library.function("__gmpz_fac_ui", VOID, POINTER, LONG).call(number, 30L);
      assertThat(
              library
                  .function("__gmpz_get_str", STRING, POINTER, INT, POINTER)
                  .callString(null, 10, number))
          .isEqualTo("265252859812191058636308480000000");
    }
  }

  @Test
  void libm(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libm.so.6")) {
      assertThat(library.function("pow", DOUBLE, DOUBLE, DOUBLE).callDouble(2.0, 0.5))
          .isEqualTo(Math.sqrt(2));
      assertThat(library.function("cosf", CType.FLOAT, CType.FLOAT).call(0f)).isEqualTo(1f);
    }
  }

  @Test
  void lua(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "liblua5.4.so.0")) {
      long state = library.function("luaL_newstate", POINTER).callLong();
      library.function("luaL_openlibs", VOID, POINTER).call(state);
      assertThat(
              library
                  .function("luaL_loadstring", INT, POINTER, STRING)
                  .callInt(state, "return string.rep('ab', 3)"))
          .isZero();
      library
          .function("lua_pcallk", INT, POINTER, INT, INT, INT, LONG, POINTER)
          .call(state, 0, 1, 0, 0L, null);
      assertThat(
              library
                  .function("lua_tolstring", STRING, POINTER, INT, POINTER)
                  .callString(state, -1, null))
          .isEqualTo("ababab");
    }
  }

  /** A whole interpreter as a library: what it prints to itself is what it computes. */
  @Test
  void python(TprocHost host) throws Exception {
    try (ContainedLibrary library = openThreaded(host, "libpython3.11.so.1.0")) {
      library.function("Py_Initialize", VOID).call();
      ByteBuffer cell = direct(8);
      String script =
          "import ctypes, json\n"
              + "ctypes.c_long.from_address(%d).value = len(json.dumps(list(range(100))))\n";
      assertThat(
              library
                  .function("PyRun_SimpleString", INT, STRING)
                  .callInt(String.format(script, host.addressOf(cell))))
          .isZero();
      assertThat(cell.getLong(0)).isEqualTo(390);
    }
  }

  private static ContainedLibrary openThreaded(TprocHost host, String name) throws Exception {
    open(host, name).close();
    return host.libraryBuilder(name)
        .threads(io.tproc.library.LibraryThreads.MAIN)
        .global(true)
        .open();
  }

  /** Whole numbers, so that every order of summing gives the same. */
  @Test
  void openBlas(TprocHost host) throws Exception {
    try (ContainedLibrary library = open(host, "libopenblas.so.0")) {
      int n = 200;
      ByteBuffer a = direct(8 * n * n);
      ByteBuffer b = direct(8 * n * n);
      ByteBuffer c = direct(8 * n * n);
      for (int i = 0; i < n * n; i++) {
        a.putDouble(8 * i, i % 13 - 6);
        b.putDouble(8 * i, i % 11 - 5);
        c.putDouble(8 * i, i % 7);
      }
      DoubleBuffer expected = ByteBuffer.allocate(8 * n * n).asDoubleBuffer();
      for (int row = 0; row < n; row++) {
        for (int column = 0; column < n; column++) {
          double sum = 0;
          for (int k = 0; k < n; k++) {
            sum += a.getDouble(8 * (row * n + k)) * b.getDouble(8 * (k * n + column));
          }
          expected.put(2 * sum + 3 * c.getDouble(8 * (row * n + column)));
        }
      }
      int rowMajor = 101;
      int asIs = 111;
      library
          .function(
              "cblas_dgemm",
              VOID,
              INT,
              INT,
              INT,
              INT,
              INT,
              INT,
              DOUBLE,
              POINTER,
              INT,
              POINTER,
              INT,
              DOUBLE,
              POINTER,
              INT)
          .call(rowMajor, asIs, asIs, n, n, n, 2.0, a, n, b, n, 3.0, c, n);
      assertThat(c.asDoubleBuffer()).isEqualTo(expected.flip());
    }
  }

  @Test
  void hunspell(TprocHost host) throws Exception {
    String affixes = Natively.file("/usr/share/hunspell/en_US.aff").toString();
    String dictionary = Natively.file("/usr/share/hunspell/en_US.dic").toString();
    List<String> lines = new ArrayList<>();
    try (ContainedLibrary library = open(host, "libhunspell-1.7.so.0")) {
      long speller =
          library
              .function("Hunspell_create", POINTER, STRING, STRING)
              .callLong(affixes, dictionary);
      ContainedFunction spell = library.function("Hunspell_spell", INT, POINTER, STRING);
      ContainedFunction suggest =
          library.function("Hunspell_suggest", INT, POINTER, POINTER, STRING);
      ContainedFunction free = library.function("Hunspell_free_list", VOID, POINTER, POINTER, INT);
      for (String word : List.of("libraries", "speling", "contaned")) {
        boolean right = spell.callInt(speller, word) != 0;
        ByteBuffer list = direct(8);
        int count = right ? 0 : suggest.callInt(speller, list, word);
        StringBuilder line = new StringBuilder(word + (right ? " 1" : " 0"));
        ByteBuffer texts = Natively.read(library, list.getLong(0), 8 * count);
        for (int i = 0; i < count; i++) {
          line.append(' ').append(library.text(texts.getLong(8 * i)));
        }
        if (!right) {
          free.call(speller, list, count);
        }
        lines.add(line.toString());
      }
      library.function("Hunspell_destroy", VOID, POINTER).call(speller);
    }
    assertThat(lines).contains("libraries 1");
    assertThat(lines.get(2)).startsWith("contaned 0 contained");
    assertThat(String.join("\n", lines))
        .isEqualTo(
            Natively.result(
                "words",
                "libhunspell-1.7.so.0",
                affixes,
                dictionary,
                "libraries",
                "speling",
                "contaned"));
  }
}
