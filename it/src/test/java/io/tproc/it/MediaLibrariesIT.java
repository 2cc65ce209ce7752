package io.tproc.it;

import static io.tproc.it.Natively.bytes;
import static io.tproc.it.Natively.direct;
import static io.tproc.it.Natively.read;
import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.TprocHost;
import io.tproc.library.CType;
import io.tproc.library.ContainedFunction;
import io.tproc.library.ContainedLibrary;
import io.tproc.library.Signature;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Unmodified libraries of images, text and video, each at its real task: with the result that Java
 * has, or that the same library gives in an ordinary process.
 */
@ExtendWith(HostExtension.class)
class MediaLibrariesIT {
  private static final CType INT = CType.INT;
  private static final CType LONG = CType.LONG;
  private static final CType POINTER = CType.POINTER;
  private static final CType STRING = CType.STRING;
  private static final CType VOID = CType.VOID;

  private static final String FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
  private static final int WIDTH = 320;
  private static final int HEIGHT = 200;

  private static BufferedImage image() {
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        image.setRGB(x, y, 0xff000000 | (x % 256) << 16 | y << 8 | x * y % 256);
      }
    }
    return image;
  }

  /** As the libraries have them: red, green, blue. */
  private static ByteBuffer pixels(BufferedImage image) {
    ByteBuffer pixels = direct(3 * WIDTH * HEIGHT);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
      int rgb = image.getRGB(i % WIDTH, i / WIDTH);
      pixels.put((byte) (rgb >> 16)).put((byte) (rgb >> 8)).put((byte) rgb);
    }
    return pixels.flip();
  }

  private static Path write(BufferedImage image, String format, Path file) throws Exception {
    assertThat(ImageIO.write(image, format, file.toFile())).isTrue();
    return file;
  }

  /** A png_image of libpng's simplified interface. */
  private static ByteBuffer pngImage() {
    return direct(104).putInt(8, 1); // PNG_IMAGE_VERSION
  }

  @Test
  void png(TprocHost host, @TempDir Path directory) throws Exception {
    try (ContainedLibrary library = Natively.open(host, "libpng16.so.16")) {
      ByteBuffer pixels = pixels(image());
      int rgb = 2;
      ByteBuffer image = pngImage().putInt(12, WIDTH).putInt(16, HEIGHT).putInt(20, rgb);
      ByteBuffer png = direct(1 << 20);
      ByteBuffer length = direct(8).putLong(0, png.capacity());
      ContainedFunction write =
          library.function(
              "png_image_write_to_memory",
              INT,
              POINTER,
              POINTER,
              POINTER,
              INT,
              POINTER,
              INT,
              POINTER);
      assertThat(write.callInt(image, png, length, 0, pixels, 0, null)).isEqualTo(1);
      byte[] written = bytes(png, (int) length.getLong(0));
      assertThat(pixels(ImageIO.read(new ByteArrayInputStream(written)))).isEqualTo(pixels);

      byte[] file = Files.readAllBytes(write(image(), "png", directory.resolve("image.png")));
      ByteBuffer ofJava = direct(file.length).put(0, file);
      ByteBuffer header = pngImage();
      assertThat(
              library
                  .function("png_image_begin_read_from_memory", INT, POINTER, POINTER, LONG)
                  .callInt(header, ofJava, ofJava.remaining()))
          .isEqualTo(1);
      assertThat(header.getInt(12)).isEqualTo(WIDTH);
      header.putInt(20, rgb);
      ByteBuffer again = direct(pixels.capacity());
      assertThat(
              library
                  .function("png_image_finish_read", INT, POINTER, POINTER, POINTER, INT, POINTER)
                  .callInt(header, null, again, 0, null))
          .isEqualTo(1);
      assertThat(again).isEqualTo(pixels);
    }
  }

  /**
   * libpng leaves by longjmp where a file is broken, inside one call: that is the library's own.
   */
  @Test
  void aBrokenPng(TprocHost host, @TempDir Path directory) throws Exception {
    try (ContainedLibrary library = Natively.open(host, "libpng16.so.16")) {
      byte[] file = Files.readAllBytes(write(image(), "png", directory.resolve("image.png")));
      file[20] ^= 0x55;
      ByteBuffer broken = direct(file.length).put(0, file);
      ByteBuffer header = pngImage();
      assertThat(
              library
                  .function("png_image_begin_read_from_memory", INT, POINTER, POINTER, LONG)
                  .callInt(header, broken, broken.remaining()))
          .isZero();
      assertThat(StandardCharsets.US_ASCII.decode(header.slice(36, 64)).toString())
          .startsWith("IHDR: CRC error");
    }
  }

  @Test
  void tiff(TprocHost host, @TempDir Path directory) throws Exception {
    try (ContainedLibrary library = Natively.open(host, "libtiff.so.6", "libtiff.so.5")) {
      ByteBuffer pixels = pixels(image());
      Path file = directory.resolve("written.tif");
      ContainedFunction openFile = library.function("TIFFOpen", POINTER, STRING, STRING);
      ContainedFunction closeFile = library.function("TIFFClose", VOID, POINTER);
      ContainedFunction set =
          library.function(
              "TIFFSetField", Signature.of(INT, POINTER, CType.UNSIGNED_INT, INT).variadicAfter(2));
      long tiff = openFile.callLong(file.toString(), "w");
      int lzw = 5;
      int[][] fields = {
        {256, WIDTH}, {257, HEIGHT}, {258, 8}, {259, lzw}, {262, 2}, {277, 3}, {278, 16}, {284, 1}
      };
      for (int[] field : fields) {
        assertThat(set.callInt(tiff, field[0], field[1])).isEqualTo(1);
      }
      ContainedFunction strip =
          library.function("TIFFWriteEncodedStrip", LONG, POINTER, INT, POINTER, LONG);
      int size = 16 * 3 * WIDTH;
      for (int i = 0, at = 0; at < pixels.capacity(); i++, at += size) {
        int bytes = Math.min(size, pixels.capacity() - at);
        assertThat(strip.callLong(tiff, i, pixels.slice(at, bytes), bytes)).isEqualTo(bytes);
      }
      closeFile.call(tiff);
      assertThat(pixels(ImageIO.read(file.toFile()))).isEqualTo(pixels);

      Path ofJava = write(image(), "tiff", directory.resolve("java.tif"));
      tiff = openFile.callLong(ofJava.toString(), "r");
      ByteBuffer raster = direct(4 * WIDTH * HEIGHT);
      int topLeft = 1;
      assertThat(
              library
                  .function("TIFFReadRGBAImageOriented", INT, POINTER, INT, INT, POINTER, INT, INT)
                  .callInt(tiff, WIDTH, HEIGHT, raster, topLeft, 0))
          .isEqualTo(1);
      closeFile.call(tiff);
      ByteBuffer again = direct(pixels.capacity());
      for (int i = 0; i < raster.capacity(); i += 4) {
        again.put(raster.get(i)).put(raster.get(i + 1)).put(raster.get(i + 2));
      }
      assertThat(again.flip()).isEqualTo(pixels);
    }
  }

  @Test
  void freetype(TprocHost host) throws Exception {
    Path font = Natively.file(FONT);
    String letters = "Tg%é@";
    List<String> lines = new ArrayList<>();
    try (ContainedLibrary library = Natively.open(host, "libfreetype.so.6")) {
      ByteBuffer out = direct(8);
      assertThat(library.function("FT_Init_FreeType", INT, POINTER).callInt(out)).isZero();
      byte[] file = Files.readAllBytes(font);
      ByteBuffer memory = direct(file.length).put(0, file);
      ByteBuffer face = direct(8);
      assertThat(
              library
                  .function("FT_New_Memory_Face", INT, POINTER, POINTER, LONG, LONG, POINTER)
                  .callInt(out.getLong(0), memory, memory.remaining(), 0, face))
          .isZero();
      long address = face.getLong(0);
      library.function("FT_Set_Pixel_Sizes", INT, POINTER, INT, INT).callInt(address, 0, 28);
      ContainedFunction load = library.function("FT_Load_Char", INT, POINTER, LONG, INT);
      for (char letter : letters.toCharArray()) {
        int render = 4;
        assertThat(load.callInt(address, (long) letter, render)).isZero();
        ByteBuffer slot = read(library, read(library, address + 152, 8).getLong(0), 176);
        int rows = slot.getInt(152);
        byte[] bitmap = new byte[rows * slot.getInt(160)];
        read(library, slot.getLong(168), bitmap.length).get(bitmap);
        lines.add(
            String.format(
                "%c %d %d %d %s",
                letter,
                rows,
                slot.getInt(156),
                slot.getLong(128),
                HexFormat.of().formatHex(bitmap)));
      }
      library.function("FT_Done_FreeType", INT, POINTER).callInt(out.getLong(0));
    }
    assertThat(lines).hasSize(letters.length());
    assertThat(String.join("\n", lines))
        .isEqualTo(Natively.result("glyphs", "libfreetype.so.6", FONT, letters));
  }

  @Test
  void harfbuzz(TprocHost host) throws Exception {
    Path font = Natively.file(FONT);
    String text = "AVATAR affinity – سلام";
    List<String> lines = new ArrayList<>();
    try (ContainedLibrary library = Natively.open(host, "libharfbuzz.so.0")) {
      byte[] file = Files.readAllBytes(font);
      ByteBuffer memory = direct(file.length).put(0, file);
      int readOnly = 1;
      long blob =
          library
              .function("hb_blob_create", POINTER, POINTER, INT, INT, POINTER, POINTER)
              .callLong(memory, memory.remaining(), readOnly, null, null);
      long face = library.function("hb_face_create", POINTER, POINTER, INT).callLong(blob, 0);
      long hbFont = library.function("hb_font_create", POINTER, POINTER).callLong(face);
      long buffer = library.function("hb_buffer_create", POINTER).callLong();
      library
          .function("hb_buffer_add_utf8", VOID, POINTER, STRING, INT, INT, INT)
          .call(buffer, text, -1, 0, -1);
      library.function("hb_buffer_guess_segment_properties", VOID, POINTER).call(buffer);
      library
          .function("hb_shape", VOID, POINTER, POINTER, POINTER, INT)
          .call(hbFont, buffer, null, 0);
      ByteBuffer count = direct(4);
      long infos =
          library
              .function("hb_buffer_get_glyph_infos", POINTER, POINTER, POINTER)
              .callLong(buffer, count);
      long places =
          library
              .function("hb_buffer_get_glyph_positions", POINTER, POINTER, POINTER)
              .callLong(buffer, count);
      ByteBuffer glyphs = read(library, infos, 20 * count.getInt(0));
      ByteBuffer positions = read(library, places, 20 * count.getInt(0));
      for (int at = 0; at < glyphs.capacity(); at += 20) {
        lines.add(
            String.format(
                "%d %d %d %d %d",
                glyphs.getInt(at),
                glyphs.getInt(at + 8),
                positions.getInt(at),
                positions.getInt(at + 8),
                positions.getInt(at + 12)));
      }
      java.lang.ref.Reference.reachabilityFence(memory);
    }
    assertThat(lines).hasSizeLessThan(text.length()); // ligatures are one glyph
    assertThat(String.join("\n", lines))
        .isEqualTo(Natively.result("shaping", "libharfbuzz.so.0", FONT, text));
  }

  /** libavcodec 59 and 61 have the same members at these places. */
  private static final int FRAME_LINE_SIZE = 64;

  private static final int FRAME_WIDTH = 104;
  private static final int FRAME_HEIGHT = 108;
  private static final int FRAME_FORMAT = 116;
  private static final int PACKET_DATA = 24;
  private static final int PACKET_SIZE = 32;

  private static int gray(int x, int y) {
    return x * y / 16 % 256;
  }

  private static long frame(TprocHost host, ContainedLibrary library) {
    long frame = library.function("av_frame_alloc", POINTER).callLong();
    int format = library.function("av_get_pix_fmt", INT, STRING).callInt("gray");
    ByteBuffer members = host.view(frame, 128).order(java.nio.ByteOrder.nativeOrder());
    members.putInt(FRAME_WIDTH, WIDTH).putInt(FRAME_HEIGHT, HEIGHT).putInt(FRAME_FORMAT, format);
    assertThat(library.function("av_frame_get_buffer", INT, POINTER, INT).callInt(frame, 0))
        .isZero();
    ByteBuffer pixels = host.view(members.getLong(0), members.getInt(FRAME_LINE_SIZE) * HEIGHT);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        pixels.put(y * members.getInt(FRAME_LINE_SIZE) + x, (byte) gray(x, y));
      }
    }
    return frame;
  }

  private static long codec(ContainedLibrary library, String finder) {
    long codec = library.function(finder, POINTER, STRING).callLong("ffv1");
    long context = library.function("avcodec_alloc_context3", POINTER, POINTER).callLong(codec);
    ContainedFunction option = library.function("av_opt_set", INT, POINTER, STRING, STRING, INT);
    assertThat(option.callInt(context, "video_size", WIDTH + "x" + HEIGHT, 0)).isZero();
    assertThat(option.callInt(context, "pixel_format", "gray", 0)).isZero();
    assertThat(option.callInt(context, "time_base", "1/25", 0)).isZero();
    assertThat(
            library
                .function("avcodec_open2", INT, POINTER, POINTER, POINTER)
                .callInt(context, codec, null))
        .isZero();
    return context;
  }

  private static void step(ContainedLibrary library, String function, long context, long what) {
    assertThat(library.function(function, INT, POINTER, POINTER).callInt(context, what)).isZero();
  }

  @Test
  void avcodec(TprocHost host) throws Exception {
    try (ContainedLibrary library =
        Natively.open(host, "libavcodec.so.61", "libavcodec.so.60", "libavcodec.so.59")) {
      long encoder = codec(library, "avcodec_find_encoder_by_name");
      long packet = library.function("av_packet_alloc", POINTER).callLong();
      step(library, "avcodec_send_frame", encoder, frame(host, library));
      step(library, "avcodec_receive_packet", encoder, packet);
      ByteBuffer members = read(library, packet, 40);
      int size = members.getInt(PACKET_SIZE);
      assertThat(size).isBetween(100, WIDTH * HEIGHT);
      String encoded =
          HexFormat.of().formatHex(bytes(read(library, members.getLong(PACKET_DATA), size), size));
      int release = library.function("avcodec_version", INT).callInt() >> 16;
      String utilities = "libavutil.so." + (release - 2);
      assertThat(encoded)
          .isEqualTo(
              Natively.result(
                  "video",
                  "libavcodec.so." + release,
                  utilities,
                  Integer.toString(WIDTH),
                  Integer.toString(HEIGHT)));

      long decoder = codec(library, "avcodec_find_decoder_by_name");
      long frame = library.function("av_frame_alloc", POINTER).callLong();
      step(library, "avcodec_send_packet", decoder, packet);
      step(library, "avcodec_receive_frame", decoder, frame);
      ByteBuffer decoded = read(library, frame, 128);
      assertThat(decoded.getInt(FRAME_WIDTH)).isEqualTo(WIDTH);
      int line = decoded.getInt(FRAME_LINE_SIZE);
      ByteBuffer pixels = read(library, decoded.getLong(0), line * HEIGHT);
      for (int i = 0; i < WIDTH * HEIGHT; i++) {
        int x = i % WIDTH;
        int y = i / WIDTH;
        assertThat(pixels.get(y * line + x) & 0xff).isEqualTo(gray(x, y));
      }
    }
  }
}
