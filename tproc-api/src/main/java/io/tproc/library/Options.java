package io.tproc.library;

import io.tproc.ResourceLimit;
import io.tproc.spi.StartState;
import java.io.File;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a {@link LibraryBuilder} has been told. */
record Options(
    String library,
    List<String> preloaded,
    int flags,
    Map<String, String> environment,
    @Nullable File directory,
    Redirect input,
    Redirect output,
    Redirect error,
    LibraryThreads threads,
    long stackSize,
    boolean interruptible,
    @Nullable Duration limit,
    Duration startLimit,
    long spin,
    Map<ResourceLimit, StartState.Limit> limits) {}
