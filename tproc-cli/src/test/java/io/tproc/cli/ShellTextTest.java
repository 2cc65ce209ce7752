package io.tproc.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShellTextTest {
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "/usr/bin/g++,/usr/bin/g++",
        "é,é",
        "\"\",''",
        "a b,'a b'",
        "it's,'it'\\''s'",
        "$HOME,'$HOME'",
        "\"a\nb\",$'a\\nb'",
        "\"\t'\\\",$'\\t\\'\\\\'",
        "\"\u202ex\",$'\\u202ex'"
      })
  void isQuotedAsAShellReadsIt(String argument, String word) {
    assertThat(ShellText.word(argument)).isEqualTo(word);
  }

  @Test
  void aCommandIsItsWords() {
    assertThat(ShellText.command(List.of("sh", "-c", "exit 3"))).isEqualTo("sh -c 'exit 3'");
  }
}
