package io.tproc.spi;

import io.tproc.Finding;
import io.tproc.TprocHost;
import io.tproc.TprocUnavailableException;
import java.io.IOException;
import java.util.List;

/**
 * Makes hosts. Found with {@link java.util.ServiceLoader}, so an implementation has a public
 * constructor without parameters that does nothing that could fail: loading native code belongs
 * into the methods.
 *
 * <p>Implementations are thread-safe.
 */
public interface TprocProvider {
  /**
   * Makes this JVM a host.
   *
   * @return a new host, to be closed by the caller
   * @throws TprocUnavailableException when this machine or JVM cannot be a host; the message says
   *     what is missing and what to do
   */
  TprocHost open();

  /**
   * Tells the service manager that has started this process something, as sd_notify(3).
   *
   * @param state lines such as {@code READY=1}
   * @return whether there is one: the environment variable NOTIFY_SOCKET names it
   * @throws IOException when it cannot be told
   */
  boolean notifyService(String state) throws IOException;

  /**
   * Probes what this machine offers, without side effects that outlive the call.
   *
   * @return the findings, in the order in which they are to be shown
   * @throws TprocUnavailableException when not even probing is possible, for example because there
   *     is no native library for this machine
   */
  List<Finding> check();
}
