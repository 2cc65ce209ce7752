package io.tproc.it;

import static io.tproc.Errno.EACCES;
import static io.tproc.Errno.ELIBBAD;
import static io.tproc.Errno.ELOOP;
import static io.tproc.Errno.ENOENT;
import static io.tproc.Errno.ENOEXEC;
import static io.tproc.Errno.ENOTDIR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tproc.LaunchException;
import io.tproc.TprocHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What cannot be hosted is refused with a clear exception, and leaves nothing behind. */
@ExtendWith(HostExtension.class)
class BadProgramsIT {

  /** Every message so far: no two different mistakes may read the same. */
  private static final Set<String> MESSAGES = new HashSet<>();

  @TempDir Path directory;
  private Resources before;

  @BeforeEach
  void snapshot(TprocHost host) throws Exception {
    Outcome.hosted(host, Programs.nothing());
    before = Resources.now();
  }

  @AfterEach
  void nothingIsLeft() {
    before.assertAsBefore();
  }

  private LaunchException refusal(TprocHost host, Path program) {
    return refusal(() -> host.command(program.toString()).start(), program.toString());
  }

  private interface Launch {
    AutoCloseable start() throws IOException;
  }

  private LaunchException refusal(Launch launch, String subject) {
    LaunchException[] refusal = new LaunchException[1];
    assertThatThrownBy(() -> launch.start().close())
        .isInstanceOfSatisfying(LaunchException.class, e -> refusal[0] = e)
        .hasMessageContaining(subject);
    String message = refusal[0].getMessage();
    System.out.println("refused: " + message);
    assertThat(MESSAGES.add(message.replace(directory.toString(), "")))
        .as("a message of its own: %s", message)
        .isTrue();
    return refusal[0];
  }

  private Path executable(String name, String content) throws IOException {
    Path file = Files.writeString(directory.resolve(name), content);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Elf program() throws IOException {
    return Elf.of(Programs.probe("nothing"));
  }

  @Test
  void missing(TprocHost host) {
    assertThat(refusal(host, directory.resolve("missing")).errno()).isEqualTo(ENOENT);
  }

  @Test
  void missingDirectoryInThePath(TprocHost host) {
    assertThat(refusal(host, directory.resolve("no/such/program")).errno()).isEqualTo(ENOENT);
  }

  @Test
  void fileAsADirectoryInThePath(TprocHost host) throws Exception {
    Path file = executable("file", "text");
    assertThat(refusal(host, file.resolve("program")).errno()).isEqualTo(ENOTDIR);
  }

  @Test
  void aDirectory(TprocHost host) {
    assertThat(refusal(host, directory).errno()).isEqualTo(EACCES);
  }

  @Test
  void aTextFile(TprocHost host) throws Exception {
    assertThat(
            refusal(
                    host,
                    executable(
                        "text", "just some text, longer than an ELF header is, which is 64 bytes"))
                .errno())
        .isEqualTo(ENOEXEC);
  }

  @Test
  void anEmptyFile(TprocHost host) throws Exception {
    assertThat(refusal(host, executable("empty", "")).errno()).isEqualTo(ENOEXEC);
  }

  @Test
  void notExecutable(TprocHost host) throws Exception {
    Path file = program().write(directory.resolve("not-executable"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    assertThat(refusal(host, file).errno()).isEqualTo(EACCES);
  }

  @Test
  void notReadable(TprocHost host) throws Exception {
    assumeFalse(Programs.isRoot(), "skipped: root reads everything");
    Path file = program().write(directory.resolve("not-readable"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("--x--x--x"));
    assertThat(refusal(host, file).errno()).isEqualTo(EACCES);
  }

  @Test
  void aFifo(TprocHost host) throws Exception {
    Path fifo = directory.resolve("fifo");
    assertThat(
            Outcome.natively(Programs.installed("mkfifo"), "-m", "755", fifo.toString()).exitValue)
        .isZero();
    assertThat(refusal(host, fifo).errno()).isEqualTo(EACCES);
  }

  @Test
  void aDevice(TprocHost host) {
    assertThat(refusal(host, Path.of("/dev/null")).errno()).isEqualTo(EACCES);
    assertThat(refusal(host, Path.of("/dev/tty")).errno()).isIn(EACCES, 6);
  }

  @Test
  void aLoopOfLinks(TprocHost host) throws Exception {
    Path link = directory.resolve("loop");
    Files.createSymbolicLink(link, link);
    assertThat(refusal(host, link).errno()).isEqualTo(ELOOP);
  }

  @Test
  void aDanglingLink(TprocHost host) throws Exception {
    Path link = Files.createSymbolicLink(directory.resolve("dangling"), Path.of("nowhere"));
    assertThat(refusal(host, link).errno()).isEqualTo(ENOENT);
  }

  @Test
  void truncatedInsideTheHeader(TprocHost host) throws Exception {
    assertThat(refusal(host, program().write(directory.resolve("cut-header"), 40)).errno())
        .isEqualTo(ENOEXEC);
  }

  @Test
  void truncatedInsideTheProgramHeaders(TprocHost host) throws Exception {
    assertThat(refusal(host, program().write(directory.resolve("cut-headers"), 100)).errno())
        .isEqualTo(ENOEXEC);
  }

  @Test
  void truncatedInsideASegment(TprocHost host) throws Exception {
    Elf elf = program();
    int lastSegment = elf.headers(Elf.PT_LOAD).get(elf.headers(Elf.PT_LOAD).size() - 1);
    int size = (int) elf.getLong(lastSegment + Elf.P_OFFSET);
    assertThat(refusal(host, elf.write(directory.resolve("cut-segment"), size)).errno())
        .isEqualTo(ENOEXEC);
  }

  @Test
  void ofAnotherMachine(TprocHost host) throws Exception {
    int s390 = 22;
    Path file = program().setShort(Elf.E_MACHINE, s390).write(directory.resolve("other-machine"));
    assertThat(refusal(host, file).errno()).isEqualTo(ENOEXEC);
  }

  @Test
  void of32Bits(TprocHost host) throws Exception {
    int i386 = 3;
    Path file =
        program()
            .setByte(Elf.E_IDENT_CLASS, 1)
            .setShort(Elf.E_MACHINE, i386)
            .write(directory.resolve("32-bits"));
    assertThat(refusal(host, file).errno()).isEqualTo(ENOEXEC);
  }

  @Test
  void ofTheOtherByteOrder(TprocHost host) throws Exception {
    int s390InTheOtherOrder = 22 << 8;
    Path file =
        program()
            .setByte(Elf.E_IDENT_DATA, 2)
            .setShort(Elf.E_MACHINE, s390InTheOtherOrder)
            .write(directory.resolve("big-endian"));
    assertThat(refusal(host, file).errno()).isEqualTo(ENOEXEC);
  }

  @Test
  void aRelocatableObject(TprocHost host) throws Exception {
    Path file = program().setShort(Elf.E_TYPE, 1).write(directory.resolve("object"));
    assertThat(refusal(host, file).errno()).isEqualTo(ENOEXEC);
  }

  @Test
  void withAMissingInterpreter(TprocHost host) throws Exception {
    Path file =
        program().setInterpreter("/lib/no-such-ld.so").write(directory.resolve("no-interpreter"));
    assertThat(refusal(host, file))
        .hasMessageContaining("/lib/no-such-ld.so")
        .returns(ENOENT, LaunchException::errno);
  }

  @Test
  void withADirectoryAsInterpreter(TprocHost host) throws Exception {
    Path file = program().setInterpreter("/tmp").write(directory.resolve("directory-interpreter"));
    assertThat(refusal(host, file))
        .hasMessageContaining("/tmp")
        .returns(EACCES, LaunchException::errno);
  }

  @Test
  void withAnInterpreterThatIsNoProgram(TprocHost host) throws Exception {
    assumeTrue(Files.exists(Path.of("/etc/passwd")), "skipped: there is no /etc/passwd");
    Path file =
        program().setInterpreter("/etc/passwd").write(directory.resolve("text-interpreter"));
    assertThat(refusal(host, file).errno()).isIn(EACCES, ELIBBAD);
  }

  @Test
  void inAMissingDirectory(TprocHost host) {
    Path missing = directory.resolve("missing-directory");
    assertThat(
            refusal(
                    () -> host.command(Programs.probe("nothing")).directory(missing).start(),
                    missing.toString())
                .errno())
        .isEqualTo(ENOENT);
  }

  @Test
  void inADirectoryThatIsAFile(TprocHost host) throws Exception {
    Path file = executable("a-file", "text");
    assertThat(
            refusal(
                    () -> host.command(Programs.probe("nothing")).directory(file).start(),
                    file.toString())
                .errno())
        .isEqualTo(ENOTDIR);
  }

  @Test
  void inADirectoryThatCannotBeEntered(TprocHost host) throws Exception {
    assumeFalse(Programs.isRoot(), "skipped: root enters every directory");
    Path closed =
        Files.createDirectory(
            directory.resolve("closed"), PosixFilePermissions.asFileAttribute(Set.of()));
    assertThat(
            refusal(
                    () -> host.command(Programs.probe("nothing")).directory(closed).start(),
                    closed.toString())
                .errno())
        .isEqualTo(EACCES);
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
  }
}
