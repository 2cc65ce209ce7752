package io.tproc.cli.client;

import java.net.ProtocolException;

/** The host has ended, or has closed the connection without an answer. */
public final class HostGoneException extends ProtocolException {
  private static final long serialVersionUID = 1;

  HostGoneException(String message) {
    super(message);
  }
}
