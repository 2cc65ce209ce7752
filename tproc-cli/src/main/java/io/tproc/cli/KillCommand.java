package io.tproc.cli;

import io.tproc.Signals;
import io.tproc.cli.client.HostClient;
import io.tproc.cli.client.RefusedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** {@code tproc kill}: a signal for threadprocs of a listening host. */
@Command(
    name = "kill",
    preprocessor = KillCommand.DashSignal.class,
    description =
        "Sends a signal to threadprocs of a listening host. It reaches them or none, never"
            + " another process that has got the pid of one that has ended.",
    footer = {
      "",
      "-SIGNAL is short for -s SIGNAL: tproc kill -9 SOCKET PID.",
      "",
      "Exit status: 0; 1 when a signal could not be sent; 125 when the host cannot be asked."
    })
final class KillCommand extends HostCommand {
  KillCommand() {
    super(1, Integer.MAX_VALUE);
  }

  @Option(
      names = {"-s", "--signal"},
      paramLabel = "SIGNAL",
      converter = SignalConverter.class,
      description =
          "A name, with or without SIG, or a number; 0 only asks whether it is there. Default:"
              + " TERM.")
  int signal = Signals.SIGTERM;

  @Parameters(
      arity = "0..*",
      hideParamSyntax = true,
      paramLabel = "[SOCKET] PID...",
      description = {SOCKET_HELP, "PID are the threadprocs' process ids."})
  List<String> words = new ArrayList<>();

  @Override
  List<String> words() {
    return words;
  }

  @Override
  int ask(HostClient host) throws IOException {
    int status = 0;
    for (int pid : pids()) {
      try {
        host.signal(pid, signal);
      } catch (RefusedException refused) {
        complain(String.valueOf(refused.getMessage()));
        status = 1;
      }
    }
    return status;
  }

  /** As kill(1): 0 sends nothing, and asks whether the program is there. */
  private static OptionalInt number(String text) {
    return text.equals("0") ? OptionalInt.of(0) : Signals.parse(text);
  }

  static final class SignalConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      OptionalInt signal = number(text);
      if (signal.isEmpty()) {
        throw new TypeConversionException("there is no signal '" + text + "'");
      }
      return signal.getAsInt();
    }
  }

  /** kill's traditional -9 and -KILL, as first argument. */
  static final class DashSignal implements IParameterPreprocessor {
    /** Also one that is none: then that is said, and not that there is no such option. */
    private static boolean isSignal(String first) {
      return first.matches("-[^-].*")
          && (number(first.substring(1)).isPresent() || !first.matches("-[hs].*"));
    }

    @Override
    @SuppressWarnings("JdkObsolete") // picocli's interface has it
    public boolean preprocess(
        Stack<String> arguments,
        CommandSpec command,
        ArgSpec argument,
        Map<String, Object> information) {
      if (!arguments.isEmpty()) {
        String first = arguments.peek();
        if (isSignal(first)) {
          arguments.pop();
          arguments.push(first.substring(1));
          arguments.push("-s");
        }
      }
      return false;
    }
  }
}
