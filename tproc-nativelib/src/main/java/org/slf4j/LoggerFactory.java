package org.slf4j;

import java.lang.System.Logger.Level;

/** Loggers that hand on to the JDK's, which an application directs to where it likes. */
public final class LoggerFactory {
  private LoggerFactory() {}

  /** The logger of that name. */
  public static Logger getLogger(String name) {
    System.Logger logger = System.getLogger(name);
    return new Logger() {
      @Override
      public void debug(String message) {
        logger.log(Level.DEBUG, message);
      }

      @Override
      public void error(String message, Throwable cause) {
        logger.log(Level.ERROR, message, cause);
      }
    };
  }
}
