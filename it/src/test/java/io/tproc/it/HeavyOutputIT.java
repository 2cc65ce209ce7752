package io.tproc.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.ExitStatus.Exited;
import io.tproc.ThreadProc;
import io.tproc.TprocHost;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A lot of output, compared word by word. */
@ExtendWith(HostExtension.class)
class HeavyOutputIT {
  /** 1 GiB, less on a slow machine. A multiple of the block. */
  private static final long SIZE = Patience.scaled(1024) << 20;

  private static final int BLOCK = 1 << 16;

  /** As in spew.c. */
  private static final long FACTOR = 0x9e3779b97f4a7c15L;

  @Test
  void aGibibyteOfOutputArrivesUnharmed(TprocHost host) throws Exception {
    try (ThreadProc program = host.command(Programs.probe("spew"), Long.toString(SIZE)).start();
        InputStream output = program.getInputStream()) {
      byte[] bytes = new byte[BLOCK];
      LongBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
      long index = 0;
      for (int size; (size = output.readNBytes(bytes, 0, BLOCK)) > 0; ) {
        for (int i = 0; i < size / Long.BYTES; i++) {
          if (words.get(i) != index * FACTOR) {
            throw new AssertionError("word " + index + " is " + Long.toHexString(words.get(i)));
          }
          index++;
        }
      }
      assertThat(index * Long.BYTES).isEqualTo(SIZE);
      assertThat(program.waitForExit()).isEqualTo(new Exited(0));
    }
  }
}
