package io.tproc.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.testing.EqualsTester;
import org.junit.jupiter.api.Test;

class CTypeTest {
  @Test
  void structsAreLaidOutAsCompilersDo() {
    CType mixed = CType.struct(CType.BYTE, CType.DOUBLE, CType.SHORT);
    assertThat(mixed.size()).isEqualTo(24);
    assertThat(mixed.alignment()).isEqualTo(8);
    CType nested = CType.struct(CType.struct(CType.INT, CType.BYTE), CType.BYTE);
    assertThat(nested.size()).isEqualTo(12);
    assertThat(nested.text()).isEqualTo("{{ib}b}");
    assertThat(nested.members()).containsExactly(CType.struct(CType.INT, CType.BYTE), CType.BYTE);
  }

  @Test
  void whatCannotBeAMember() {
    assertThatThrownBy(CType::struct).hasMessage("a struct without members");
    assertThatThrownBy(() -> CType.struct(CType.VOID)).hasMessage("a member of type void");
    assertThatThrownBy(() -> CType.struct(CType.LONG_DOUBLE)).hasMessageContaining("long_double");
  }

  @Test
  void equality() {
    new EqualsTester()
        .addEqualityGroup(CType.INT)
        .addEqualityGroup(CType.UNSIGNED_INT)
        .addEqualityGroup(CType.POINTER)
        .addEqualityGroup(CType.STRING)
        .addEqualityGroup(CType.BOOL)
        .addEqualityGroup(CType.UNSIGNED_BYTE)
        .addEqualityGroup(CType.struct(CType.INT), CType.struct(CType.INT))
        .testEquals();
  }

  @Test
  void names() {
    assertThat(CType.UNSIGNED_SHORT).hasToString("uint16");
    assertThat(CType.struct(CType.LONG, CType.STRING)).hasToString("struct [int64, string]");
  }
}
