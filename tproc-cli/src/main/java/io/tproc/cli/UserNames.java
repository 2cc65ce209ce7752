package io.tproc.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** User ids with their names, as far as that can be known: Java tells only our own. */
final class UserNames {
  private final long ownId;
  private final String ownName;

  private UserNames(long ownId, String ownName) {
    this.ownId = ownId;
    this.ownName = ownName;
  }

  static UserNames read() {
    String name = System.getProperty("user.name", "?");
    try {
      Object id = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      return new UserNames(Integer.toUnsignedLong((Integer) id), name);
    } catch (IOException unknown) {
      return new UserNames(-1, name);
    }
  }

  /** The name, or the number when there is none. */
  String of(long id) {
    return id == ownId && !ownName.equals("?") ? ownName : Long.toString(id);
  }
}
