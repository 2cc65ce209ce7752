package io.tproc;

import io.tproc.spi.Printable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Where a program was when a signal of its own making ended it: a wrong pointer, {@code abort()},
 * an instruction that does not exist. Made for programs that were started with {@link
 * ThreadProcBuilder#crashReport(boolean)}.
 *
 * <p>Signal, address and registers are as the kernel had them at the crash. Whose the address is,
 * and in which file the instruction is, is looked up a moment later, when the exit is collected:
 * what a neighbour or the JVM has mapped or returned in between shows as it is then.
 *
 * @param signal the signal's Linux number: 11 for SIGSEGV, 6 for SIGABRT, …
 * @param code {@code si_code} of sigaction(2): why the signal was sent
 * @param address the address that could not be accessed; empty when the signal has none, and when
 *     the processor did not tell it (an address that is not canonical)
 * @param owner whose the address is: a file or {@code [heap]}, {@code [stack]}, {@code own memory}
 *     of the program's, {@code null pointer}, {@code pid 123} (a neighbour's slot), {@code the
 *     shared heap}, {@code the JVM's memory} (which the Java heap is part of), {@code the JVM's
 *     /lib/libx.so}, {@code not mapped}; empty without an address
 * @param stackOverflow whether the address is near the stack pointer and not mapped, so that a
 *     stack has overflowed
 * @param programCounter the address of the instruction
 * @param file the file that the instruction is in; empty when it is in none, as after a jump
 *     through a wrong pointer
 * @param offset where in the file's memory the instruction is, counted from its first mapping, as
 *     {@code addr2line -e file} wants it for position-independent files; 0 without a file
 * @param stackPointer the thread's
 * @param thread the thread's id (tid); that of the main thread is the pid
 * @param registers the thread's general registers by their names, in the machine's order
 */
public record CrashReport(
    int signal,
    int code,
    OptionalLong address,
    String owner,
    boolean stackOverflow,
    long programCounter,
    String file,
    long offset,
    long stackPointer,
    long thread,
    Map<String, Long> registers) {
  private static final Map<Integer, String[]> CODES =
      Map.of(
          4,
          names("ILL", "ILLOPC", "ILLOPN", "ILLADR", "ILLTRP", "PRVOPC", "PRVREG", "COPROC"),
          5,
          names("TRAP", "BRKPT", "TRACE", "BRANCH", "HWBKPT"),
          7,
          names("BUS", "ADRALN", "ADRERR", "OBJERR", "MCEERR_AR", "MCEERR_AO"),
          8,
          names("FPE", "INTDIV", "INTOVF", "FLTDIV", "FLTOVF", "FLTUND", "FLTRES", "FLTINV"),
          11,
          names("SEGV", "MAPERR", "ACCERR", "BNDERR", "PKUERR"),
          31,
          names("SYS", "SECCOMP"));

  private static final int SI_KERNEL = 128;

  private static String[] names(String signal, String... codes) {
    String[] names = new String[codes.length];
    for (int i = 0; i < codes.length; i++) {
      names[i] = signal + "_" + codes[i];
    }
    return names;
  }

  /** Copies the registers and keeps their order; refuses null. */
  public CrashReport {
    Objects.requireNonNull(address, "address");
    Objects.requireNonNull(owner, "owner");
    Objects.requireNonNull(file, "file");
    registers = Collections.unmodifiableMap(new LinkedHashMap<>(registers));
  }

  /**
   * The signal's name.
   *
   * @return {@code SIGSEGV}, {@code SIGABRT}, …
   */
  public String signalName() {
    return Signals.name(signal);
  }

  /**
   * The code's name, as sigaction(2) has it.
   *
   * @return {@code SEGV_MAPERR}, {@code SI_TKILL}, …; of one that has none the number
   */
  public String codeName() {
    String[] names = CODES.getOrDefault(signal, new String[0]);
    if (code >= 1 && code <= names.length) {
      return names[code - 1];
    }
    return switch (code) {
      case SI_KERNEL -> "SI_KERNEL";
      case 0 -> "SI_USER";
      case -1 -> "SI_QUEUE";
      case -6 -> "SI_TKILL";
      default -> Integer.toString(code);
    };
  }

  private String access() {
    return address.isPresent()
        ? (stackOverflow ? "stack overflow, accessing 0x" : "accessing 0x")
            + Long.toHexString(address.getAsLong())
            + " ("
            + Printable.text(owner)
            + "), "
        : "";
  }

  /**
   * The registers in one line.
   *
   * @return {@code rip=0x55… rsp=0x7f… …}
   */
  public String registersText() {
    return registers.entrySet().stream()
        .map(each -> each.getKey() + "=0x" + Long.toHexString(each.getValue()))
        .collect(Collectors.joining(" "));
  }

  /**
   * In one line, without the registers: {@code SIGSEGV (SEGV_MAPERR), accessing 0x10 (null
   * pointer), in /opt/x/server+0x1139, thread 1234}. What a terminal would obey in the names is
   * escaped.
   */
  @Override
  public String toString() {
    String place =
        file.isEmpty() ? "at 0x" + Long.toHexString(programCounter) : "in " + Printable.text(file);
    String inFile = file.isEmpty() ? "" : "+0x" + Long.toHexString(offset);
    return signalName()
        + " ("
        + codeName()
        + "), "
        + access()
        + place
        + inFile
        + ", thread "
        + thread;
  }
}
