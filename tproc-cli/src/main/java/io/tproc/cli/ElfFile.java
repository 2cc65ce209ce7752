package io.tproc.cli;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** What a debugger has to know of a program or library. */
final class ElfFile {
  private static final int MAGIC = 0x464c457f; // "\177ELF", little endian
  private static final int CLASS_AT = 4;
  private static final int CLASS_64 = 2;
  private static final int HEADER_SIZE = 64;
  private static final int ENTRY_AT = 24;
  private static final int PHOFF_AT = 32;
  private static final int PHENTSIZE_AT = 54;
  private static final int PHNUM_AT = 56;
  private static final int PHDR_SIZE = 56;
  private static final int PT_LOAD = 1;
  private static final int PT_INTERP = 3;
  private static final int OFFSET_AT = 8;
  private static final int VADDR_AT = 16;

  /** The smallest there is: linkers let the first segment begin with the file. */
  private static final long PAGE = 4096;

  private ElfFile() {}

  /**
   * How far from the addresses in it its memory is: what debuggers call the load bias.
   *
   * @param lowest where its first segment is mapped
   * @return empty when the file cannot be read, or is no 64-bit ELF file with something to load
   */
  static OptionalLong loadBias(Path file, long lowest) {
    return of(file, (channel, header) -> bias(channel, header, lowest));
  }

  /**
   * The address of its first instruction.
   *
   * @param lowest where its first segment is mapped
   * @return empty as for the load bias
   */
  static OptionalLong entry(Path file, long lowest) {
    return of(
        file,
        (channel, header) -> {
          OptionalLong bias = bias(channel, header, lowest);
          return bias.isPresent()
              ? OptionalLong.of(bias.getAsLong() + header.getLong(ENTRY_AT))
              : bias;
        });
  }

  /** Whether it names a program that begins in its place: a dynamic linker. */
  static boolean hasInterpreter(Path file) {
    return of(
            file,
            (channel, header) ->
                segment(channel, header, PT_INTERP) != null
                    ? OptionalLong.of(1)
                    : OptionalLong.empty())
        .isPresent();
  }

  /** Reads something of an ELF file. */
  private interface Question {
    OptionalLong answer(FileChannel channel, ByteBuffer header) throws IOException;
  }

  private static OptionalLong of(Path file, Question question) {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer header = read(channel, 0, HEADER_SIZE);
      if (header.getInt(0) != MAGIC || header.get(CLASS_AT) != CLASS_64) {
        return OptionalLong.empty();
      }
      return question.answer(channel, header);
    } catch (IOException | IllegalArgumentException unreadable) { // or an offset that is none
      return OptionalLong.empty();
    }
  }

  private static OptionalLong bias(FileChannel channel, ByteBuffer header, long lowest)
      throws IOException {
    @Nullable ByteBuffer first = segment(channel, header, PT_LOAD);
    if (first == null) {
      return OptionalLong.empty();
    }
    // A mapping begins at a page of the file, the segment perhaps in the middle of it.
    long before = first.getLong(OFFSET_AT) % PAGE;
    return OptionalLong.of(lowest - (first.getLong(VADDR_AT) - before));
  }

  /** The first program header of a type, or null. */
  private static @Nullable ByteBuffer segment(FileChannel channel, ByteBuffer header, int type)
      throws IOException {
    int count = Short.toUnsignedInt(header.getShort(PHNUM_AT));
    int size = Short.toUnsignedInt(header.getShort(PHENTSIZE_AT));
    for (int i = 0; i < count; i++) {
      ByteBuffer segment = read(channel, header.getLong(PHOFF_AT) + (long) i * size, PHDR_SIZE);
      if (segment.getInt(0) == type) {
        return segment;
      }
    }
    return null;
  }

  private static ByteBuffer read(FileChannel channel, long at, int size) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, at + bytes.position()) < 0) {
        throw new EOFException();
      }
    }
    return bytes;
  }
}
