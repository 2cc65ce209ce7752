package io.tproc.worker;

import io.tproc.ThreadProc;
import io.tproc.ThreadProcBuilder;
import io.tproc.TprocHost;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a {@link WorkerPoolBuilder} has been told. */
record Options(
    TprocHost host,
    String name,
    List<String> command,
    List<Consumer<ThreadProcBuilder>> changes,
    int count,
    int inFlight,
    int queue,
    @Nullable Duration requestLimit,
    Duration startLimit,
    Duration closeLimit,
    BackOff.Policy restarts) {

  /** The same with another program; messages call it by that, unless it has a name. */
  Options withCommand(List<String> other) {
    String called = name.equals(command.get(0)) ? other.get(0) : name;
    return new Options(
        host,
        called,
        other,
        changes,
        count,
        inFlight,
        queue,
        requestLimit,
        startLimit,
        closeLimit,
        restarts);
  }

  ThreadProc start(String variable) throws IOException {
    ThreadProcBuilder builder = host.command(new ArrayList<>(command)).inheritIO();
    changes.forEach(change -> change.accept(builder));
    builder.environment().put(Wire.VARIABLE, variable);
    return builder.start();
  }
}
