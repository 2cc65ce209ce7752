package io.tproc.cli.client;

import java.io.IOException;

/** What the other end sent is not what a host of this version sends. */
public final class ProtocolException extends IOException {
  private static final long serialVersionUID = 1;

  ProtocolException(String message) {
    super(message);
  }
}
