package io.tproc.it;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** A copy of an ELF-64 file to be damaged: offsets from elf(5). */
final class Elf {
  static final int E_IDENT_CLASS = 4;
  static final int E_IDENT_DATA = 5;
  static final int E_IDENT_VERSION = 6;
  static final int E_TYPE = 16;
  static final int E_MACHINE = 18;
  static final int E_VERSION = 20;
  static final int E_ENTRY = 24;
  static final int E_PHOFF = 32;
  static final int E_PHENTSIZE = 54;
  static final int E_PHNUM = 56;
  static final int HEADER_SIZE = 64;

  static final int P_TYPE = 0;
  static final int P_FLAGS = 4;
  static final int P_OFFSET = 8;
  static final int P_VADDR = 16;
  static final int P_FILESZ = 32;
  static final int P_MEMSZ = 40;
  static final int P_ALIGN = 48;

  static final int ET_DYN = 3;
  static final int PT_LOAD = 1;
  static final int PT_DYNAMIC = 2;
  static final int PT_INTERP = 3;
  static final int PT_PHDR = 6;

  private final ByteBuffer bytes;

  private Elf(byte[] bytes) {
    this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads a program. */
  static Elf of(String path) throws IOException {
    return new Elf(Files.readAllBytes(Path.of(path)));
  }

  /** Whether a file starts like an ELF file of type ET_DYN. */
  static boolean isPositionIndependent(Path path) throws IOException {
    if (!Files.isReadable(path)) {
      return false;
    }
    try (InputStream file = Files.newInputStream(path)) {
      byte[] start = file.readNBytes(E_TYPE + 2);
      return start.length == E_TYPE + 2
          && start[0] == 0x7f
          && start[1] == 'E'
          && start[2] == 'L'
          && start[3] == 'F'
          && start[E_TYPE] == ET_DYN
          && start[E_TYPE + 1] == 0;
    }
  }

  /** Whether a file starts like an ELF file. */
  static boolean isElf(Path path) throws IOException {
    try (InputStream file = Files.newInputStream(path)) {
      return java.util.Arrays.equals(file.readNBytes(4), new byte[] {0x7f, 'E', 'L', 'F'});
    }
  }

  /** The machine that a file is for: EM_X86_64 is 62, EM_AARCH64 183. */
  static int machine(Path path) throws IOException {
    return of(path.toString()).bytes.getShort(E_MACHINE);
  }

  /** Where the first segment of a program for fixed addresses is loaded. */
  static long firstAddress(Path path) throws IOException {
    Elf elf = of(path.toString());
    return elf.getLong(elf.header(PT_LOAD) + P_VADDR);
  }

  Elf setByte(int offset, int value) {
    bytes.put(offset, (byte) value);
    return this;
  }

  Elf setShort(int offset, int value) {
    bytes.putShort(offset, (short) value);
    return this;
  }

  Elf setInt(int offset, int value) {
    bytes.putInt(offset, value);
    return this;
  }

  Elf setLong(int offset, long value) {
    bytes.putLong(offset, value);
    return this;
  }

  long getLong(int offset) {
    return bytes.getLong(offset);
  }

  int size() {
    return bytes.capacity();
  }

  /** Where the program headers of a type stand in the file. */
  List<Integer> headers(int type) {
    List<Integer> found = new ArrayList<>();
    int start = (int) bytes.getLong(E_PHOFF);
    int size = Short.toUnsignedInt(bytes.getShort(E_PHENTSIZE));
    for (int i = 0; i < Short.toUnsignedInt(bytes.getShort(E_PHNUM)); i++) {
      if (bytes.getInt(start + i * size + P_TYPE) == type) {
        found.add(start + i * size);
      }
    }
    return found;
  }

  int header(int type) {
    return headers(type).get(0);
  }

  /** Replaces the interpreter's path; the new one must not be longer. */
  Elf setInterpreter(String path) {
    int header = header(PT_INTERP);
    int offset = (int) bytes.getLong(header + P_OFFSET);
    int room = (int) bytes.getLong(header + P_FILESZ);
    byte[] text = path.getBytes();
    if (text.length >= room) {
      throw new IllegalArgumentException("longer than " + (room - 1) + " bytes: " + path);
    }
    for (int i = 0; i < room; i++) {
      bytes.put(offset + i, i < text.length ? text[i] : 0);
    }
    bytes.putLong(header + P_FILESZ, text.length + 1);
    bytes.putLong(header + P_MEMSZ, text.length + 1);
    return this;
  }

  /** Writes the whole file, executable. */
  Path write(Path to) throws IOException {
    return write(to, bytes.capacity());
  }

  /** Writes the first bytes of the file, executable. */
  Path write(Path to, int size) throws IOException {
    Files.write(to, java.util.Arrays.copyOf(bytes.array(), size));
    return Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
