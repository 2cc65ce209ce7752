package io.tproc.share;

/**
 * How often one who waits looks before it parks: more often where that has paid, less where it has
 * not, and now and then as often as ever, to see whether times have changed. {@code spinning.h} is
 * the programs' side. Only a hint, so any thread may use it.
 */
final class Looks {
  /** Most looks; 0 where the other side could not work meanwhile. */
  static final int MOST = Runtime.getRuntime().availableProcessors() > 1 ? 200 : 0;

  private static final int FEW = Math.min(4, MOST);
  private static final int TRIAL = 64;

  private int looks = MOST;
  private int waits;

  /** How often to look now. */
  int begin() {
    return isTrial() ? MOST : looks;
  }

  /**
   * What has become of it.
   *
   * @param looked what {@link #begin} said
   * @param paid whether the thread did not have to park
   */
  void end(int looked, boolean paid) {
    int before = isTrial() && !paid ? looks : looked;
    looks = Math.max(FEW, Math.min(MOST, paid ? 2 * before : before / 2));
    waits = isTrial() ? 0 : waits + 1;
  }

  private boolean isTrial() {
    return waits >= TRIAL;
  }
}
