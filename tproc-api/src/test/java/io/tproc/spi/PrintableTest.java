package io.tproc.spi;

import static org.assertj.core.api.Assertions.assertThat;

import io.tproc.LaunchException;
import io.tproc.TprocUnavailableException;
import io.tproc.share.SharedMemoryException;
import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void whatATerminalWouldObeyIsEscaped() {
    assertThat(Printable.text("a\r\n\t\u001b[31m\u009b\u202eb"))
        .isEqualTo("a\\r\\n\\t\\e[31m\\u009b\\u202eb");
  }

  @Test
  void theRestStaysAsItIs() {
    String text = "open /x/ä\\r: 'no such file'";
    assertThat(Printable.text(text)).isSameAs(text);
  }

  @Test
  void exceptionsNameThingsSo() {
    String name = "no\u001b[31m\r";
    String shown = "no\\e[31m\\r";
    assertThat(new LaunchException(2, name)).hasMessage(shown);
    assertThat(new TprocUnavailableException(name)).hasMessage(shown);
    assertThat(new SharedMemoryException(2, name)).hasMessage(shown);
  }
}
