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

  /** Each is a tag, or a note, that is written with two units; or one of two such units alone. */
  @Test
  void controlsBeyondSixteenBitsAreEscaped() {
    assertThat(Printable.text("a\udb40\udc01b\ud834\udd73")).isEqualTo("a\\U000e0001b\\U0001d173");
    assertThat(Printable.text("\ud83d|\ude00|\ude00\ud83d"))
        .isEqualTo("\\ud83d|\\ude00|\\ude00\\ud83d");
    String face = "\ud83d\ude00";
    assertThat(Printable.text(face)).isSameAs(face);
    assertThat(Printable.text(face + "\n")).isEqualTo(face + "\\n");
  }

  /** They turn the direction of writing, or isolate it. */
  @Test
  void controlsOfDirectionAreEscaped() {
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"
        .chars()
        .forEach(
            each ->
                assertThat(Printable.text("x" + (char) each))
                    .isEqualTo(String.format("x\\u%04x", each)));
    for (int c1 = 0x80; c1 < 0xa0; c1++) {
      assertThat(Printable.text("x" + (char) c1)).isEqualTo(String.format("x\\u%04x", c1));
    }
  }

  @Test
  void linesStayLines() {
    assertThat(Printable.lines("a\n\tb\r\u001b[31m\u202e")).isEqualTo("a\n\tb\\r\\e[31m\\u202e");
    String traceback = "Traceback:\n  File \"x\"\n";
    assertThat(Printable.lines(traceback)).isSameAs(traceback);
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
