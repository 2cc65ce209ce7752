package io.tproc.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.testing.EqualsTester;
import java.util.Collections;
import org.junit.jupiter.api.Test;

class SignatureTest {
  @Test
  void textAndPlacesInAFrame() {
    CType large = CType.struct(CType.LONG, CType.LONG, CType.LONG);
    Signature signature = Signature.of(large, CType.INT, CType.struct(CType.BYTE), large);
    assertThat(signature.text()).isEqualTo("{lll}i{b}{lll}");
    assertThat(signature.offset(0)).isEqualTo(32);
    assertThat(signature.offset(1)).isEqualTo(40);
    assertThat(signature.offset(2)).isEqualTo(48);
    assertThat(signature.frameSize()).isEqualTo(80);
    assertThat(Signature.of(CType.VOID).frameSize()).isEqualTo(16);
  }

  @Test
  void structsAmongWhatIsGivenOrReturned() {
    CType struct = CType.struct(CType.BYTE);
    assertThat(Signature.of(struct).hasStruct()).isTrue();
    assertThat(Signature.of(CType.VOID, CType.INT, struct).hasStruct()).isTrue();
    assertThat(Signature.of(CType.VOID, CType.POINTER, CType.LONG_DOUBLE).hasStruct()).isFalse();
  }

  @Test
  void variadicOnes() {
    Signature printf = Signature.of(CType.INT, CType.STRING, CType.DOUBLE);
    assertThat(printf.variadicAfter(1).text()).isEqualTo("ip;d");
    assertThat(printf.variadicAfter(2).text()).isEqualTo("ipd;");
    assertThat(printf.variadicAfter(1)).hasToString("int32 [string, double] variadic after 1");
    assertThatThrownBy(() -> printf.variadicAfter(3)).hasMessage("variadic after 3 of 2 arguments");
    assertThatThrownBy(() -> Signature.of(CType.INT, CType.SHORT).variadicAfter(0))
        .hasMessageContaining("a variadic argument of type int16: C promotes it");
  }

  @Test
  void whatCannotBeCalled() {
    assertThatThrownBy(() -> Signature.of(CType.INT, CType.VOID))
        .hasMessage("an argument of type void");
    assertThatThrownBy(() -> Signature.of(CType.INT, Collections.nCopies(128, CType.INT)))
        .hasMessage("more than 127 arguments: 128");
  }

  @Test
  void equality() {
    Signature one = Signature.of(CType.INT, CType.STRING);
    new EqualsTester()
        .addEqualityGroup(one, Signature.of(CType.INT, CType.STRING))
        .addEqualityGroup(one.variadicAfter(1))
        .addEqualityGroup(Signature.of(CType.INT, CType.POINTER))
        .addEqualityGroup(Signature.of(CType.LONG, CType.STRING))
        .testEquals();
  }
}
