package io.tproc.jni;

import io.tproc.PreparedProgram;

/** What the core has said of programs that wait. */
record JniPreparedProgram(
    String program,
    Depth depth,
    int wanted,
    int ready,
    long mapped,
    long resident,
    long started,
    long missed,
    long changed,
    long ended,
    long expired,
    long failed,
    String problem)
    implements PreparedProgram {}
