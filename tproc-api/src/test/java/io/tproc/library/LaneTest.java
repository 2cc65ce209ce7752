package io.tproc.library;

import static io.tproc.library.CType.DOUBLE;
import static io.tproc.library.CType.LONG;
import static io.tproc.library.CType.VOID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.verifyNoMoreInteractions;
import static org.mockito.Mockito.when;

import io.tproc.spi.CalleeSupport;
import java.nio.Buffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The callee is played: what it would write is put into the lane's memory. */
class LaneTest {
  private static final long ADDRESS = 0x7f00_0000_0000L;
  private static final int AT_TURN = 0;
  private static final int WAITING = 0x100;
  private static final int AT_HOST_PROCESSOR = 176;
  private static final int AT_CALLEE_PROCESSOR = 180;
  private static final int SHORT_FRAME = 32;
  private static final int STACK = 512;

  private final CalleeSupport support = mock(CalleeSupport.class);
  private final Lane lane = newLane();

  private Lane newLane() {
    when(support.address(any(Buffer.class))).thenReturn(ADDRESS);
    return new Lane(support, 1_000_000_000);
  }

  private int turn() {
    return lane.memory().getInt(AT_TURN);
  }

  private void calleeSays(int turn) {
    lane.memory().putInt(AT_TURN, turn);
  }

  private void calleeIsApart() {
    lane.memory().putInt(AT_CALLEE_PROCESSOR, 1);
  }

  private static Signature longs(int arguments) {
    return Signature.of(LONG, Collections.nCopies(arguments, LONG));
  }

  @Test
  void aFewArgumentsTravelWithTheTurn() {
    int frame = lane.pushFrame(longs(10));
    lane.frameFilled(frame);
    assertThat(frame).isEqualTo(SHORT_FRAME);
    assertThat(lane.top()).isEqualTo(STACK);
    lane.askCall(0x1234, frame);
    assertThat(lane.memory().getInt(4)).isEqualTo(Lane.CALL);
    assertThat(lane.memory().getLong(8)).isEqualTo(0x1234);
    assertThat(lane.memory().getLong(16)).isEqualTo(ADDRESS + SHORT_FRAME);
  }

  @Test
  void moreArgumentsAndStructsDoNot() {
    CType struct = CType.struct(DOUBLE);
    assertThat(lane.pushFrame(longs(11))).isEqualTo(STACK);
    int second = lane.top();
    assertThat(second).isEqualTo(STACK + 112);
    assertThat(lane.pushFrame(Signature.of(struct))).isEqualTo(second);
    assertThat(lane.pushFrame(Signature.of(VOID, struct))).isEqualTo(second + 16);
    lane.pop(STACK);
    assertThat(lane.top()).isEqualTo(STACK);
  }

  @Test
  void theShortFrameIsOneCallsAtATimeUntilItIsFilled() {
    int outer = lane.pushFrame(longs(1));
    int inner = lane.pushFrame(longs(1));
    assertThat(inner).isEqualTo(STACK);
    lane.frameFilled(inner);
    assertThat(lane.pushFrame(longs(1)))
        .as("the outer one is still being filled")
        .isNotEqualTo(outer);
    lane.frameFilled(outer);
    assertThat(lane.pushFrame(longs(1))).isEqualTo(outer);
  }

  @Test
  void noRoom() {
    assertThatThrownBy(() -> lane.push(Lane.SIZE))
        .hasMessageContaining("no room for 32768 bytes of arguments")
        .hasMessageContaining("at most " + (Lane.SIZE - STACK));
  }

  @Test
  void passingTheTurnOnWakesOnlyWhoSleeps() {
    lane.post(Lane.TURN_CALL);
    assertThat(turn()).isEqualTo(Lane.TURN_CALL);
    verify(support, never()).wakeFromHere(anyLong(), anyLong());
    calleeSays(Lane.TURN_HOST | WAITING);
    lane.post(Lane.TURN_CALL);
    assertThat(turn()).isEqualTo(Lane.TURN_CALL);
    verify(support).wakeFromHere(ADDRESS + AT_TURN, ADDRESS + AT_HOST_PROCESSOR);
  }

  @Test
  void aCallInACallbackAndTheReturnOfTheCallback() {
    calleeSays(Lane.TURN_CALLBACK);
    lane.post(Lane.TURN_CALL);
    assertThat(turn()).isEqualTo(Lane.TURN_CALL);
    calleeSays(Lane.TURN_HOST | WAITING);
    lane.post(Lane.TURN_RETURN);
    assertThat(turn()).isEqualTo(Lane.TURN_RETURN);
    verify(support).wakeFromHere(ADDRESS + AT_TURN, ADDRESS + AT_HOST_PROCESSOR);
  }

  @Test
  void aDeadLaneStaysDead() {
    lane.die();
    verify(support).wakeAll(ADDRESS + AT_TURN);
    lane.post(Lane.TURN_CALL);
    assertThat(lane.isDead()).isTrue();
    assertThat(lane.await((asleep, turn) -> {})).isEqualTo(Lane.TURN_DEAD);
    calleeSays(Lane.TURN_DEAD | WAITING);
    lane.post(Lane.TURN_RETURN);
    assertThat(lane.isDead()).isTrue();
    verifyNoMoreWakeUps();
  }

  private void verifyNoMoreWakeUps() {
    verify(support).address(any(Buffer.class));
    verifyNoMoreInteractions(support);
  }

  @Test
  void ringingTakesTheWaitingBitFirst() {
    calleeSays(Lane.TURN_CALL | WAITING);
    lane.ring();
    assertThat(turn()).isEqualTo(Lane.TURN_CALL);
    verify(support).wakeAll(ADDRESS + AT_TURN);
  }

  @Test
  void onOneProcessorItSleepsAtOnce() {
    calleeSays(Lane.TURN_CALL);
    List<Integer> slept = new ArrayList<>();
    int turn =
        lane.await(
            (asleep, at) -> {
              slept.add(at);
              calleeSays(Lane.TURN_HOST);
            });
    assertThat(turn).isEqualTo(Lane.TURN_HOST);
    assertThat(slept).containsExactly(Lane.TURN_CALL | WAITING);
  }

  @Test
  void onTwoItSpinsAndDoesNotSleepForWhatIsThere() {
    calleeIsApart();
    calleeSays(Lane.TURN_CALLBACK);
    assertThat(lane.await((asleep, turn) -> assertThat(turn).isNull()))
        .isEqualTo(Lane.TURN_CALLBACK);
  }

  @Test
  void itSleepsAgainAfterAWakeUpForNothing() {
    calleeSays(Lane.TURN_RETURN);
    List<Integer> slept = new ArrayList<>();
    Lane.Waiting twice =
        (asleep, turn) -> {
          slept.add(turn);
          if (slept.size() == 2) {
            calleeSays(Lane.TURN_CALLBACK | WAITING);
          } else {
            lane.ring();
          }
        };
    assertThat(lane.await(twice)).isEqualTo(Lane.TURN_CALLBACK);
    assertThat(slept).containsExactly(Lane.TURN_RETURN | WAITING, Lane.TURN_RETURN | WAITING);
  }
}
