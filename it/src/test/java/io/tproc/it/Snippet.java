package io.tproc.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A piece of code in a document, as a reader would copy it.
 *
 * <p>Found in Markdown (fenced blocks), in Javadoc and its overview ({@code <pre>{@code}) and in man pages ({@code
 * .EX}). A comment in front of it, {@code <!-- not run: REASON -->}, {@code <!-- run in the project
 * -->}, {@code <!-- Java 22 -->} (or newer) or in a man page {@code .\" not run: REASON}, says what
 * the test cannot know by itself. A block of language {@code text} after it is what it prints.
 *
 * @param document the file, below the project's root
 * @param line where the code begins
 * @param language {@code java}, {@code c}, {@code sh}, {@code xml}, …
 * @param remark what the comment in front says, or empty
 * @param output what it is to print
 */
record Snippet(
    Path document, int line, String language, String text, String remark, Optional<String> output) {
  private static final Pattern REMARK = Pattern.compile("(?:<!-- |\\.\\\\\" )(.*?)(?: -->)?");
  private static final Pattern FILE_NAME =
      Pattern.compile("\\A(?://|/\\*|#) ([\\w.-]+\\.(?:java|c|cpp|sh|py))\\b");

  /** The name that the first line of the code gives its file. */
  Optional<String> fileName() {
    Matcher named = FILE_NAME.matcher(text);
    return named.find() ? Optional.of(named.group(1)) : Optional.empty();
  }

  /** Why it is not run, when the document says so. */
  Optional<String> notRun() {
    return remark.startsWith("not run: ")
        ? Optional.of(remark.substring("not run: ".length()))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return document + ":" + line + " (" + language + ")";
  }

  /** All of a file, in its order. */
  static List<Snippet> of(Path root, Path document) throws IOException {
    List<String> lines = Files.readAllLines(root.resolve(document));
    String name = document.toString();
    if (name.endsWith(".md")) {
      return new Finder(document, lines, "```(\\w+)", "```", line -> line).find();
    }
    if (name.endsWith(".java")) {
      return new Finder(
              document,
              lines,
              " *\\* <pre>\\{@code",
              " *\\* }</pre>",
              line -> line.replaceFirst("^ *\\* ?", ""))
          .find();
    }
    if (name.endsWith(".html")) {
      return new Finder(document, lines, "<pre>\\{@code", "}</pre>", line -> line).find();
    }
    return new Finder(document, lines, "\\.EX", "\\.EE", Snippet::fromRoff).find();
  }

  private static String fromRoff(String line) {
    return line.replace("\\-", "-").replace("\\e", "\\").replaceFirst("^\\$ ", "");
  }

  /** Goes through one file. */
  private static final class Finder {
    private final Path document;
    private final List<String> lines;
    private final Pattern begin;
    private final Pattern end;
    private final java.util.function.UnaryOperator<String> clean;

    Finder(
        Path document,
        List<String> lines,
        String begin,
        String end,
        java.util.function.UnaryOperator<String> clean) {
      this.document = document;
      this.lines = lines;
      this.begin = Pattern.compile(begin);
      this.end = Pattern.compile(end);
      this.clean = clean;
    }

    List<Snippet> find() {
      List<Snippet> found = new ArrayList<>();
      String remark = "";
      for (int at = 0; at < lines.size(); at++) {
        Matcher begins = begin.matcher(lines.get(at));
        Matcher remarks = REMARK.matcher(lines.get(at));
        if (begins.matches()) {
          int last = at + 1;
          while (!end.matcher(lines.get(last)).matches()) {
            last++;
          }
          add(found, at + 1, last, language(begins), remark);
          at = last;
          remark = "";
        } else if (remarks.matches()) {
          remark = remarks.group(1);
        } else if (!lines.get(at).isBlank() && !lines.get(at).startsWith(".")) {
          remark = "";
        }
      }
      return found;
    }

    private String language(Matcher begins) {
      if (begins.groupCount() > 0) {
        return begins.group(1);
      }
      return document.toString().matches(".*\\.(java|html)")
          ? "java"
          : document.toString().endsWith(".3") ? "c" : "sh";
    }

    private void add(List<Snippet> found, int from, int to, String language, String remark) {
      String text =
          lines.subList(from, to).stream().map(clean).collect(Collectors.joining("\n", "", "\n"));
      @Nullable Snippet before = found.isEmpty() ? null : found.get(found.size() - 1);
      if (language.equals("text") && before != null && remark.isEmpty()) {
        found.set(
            found.size() - 1,
            new Snippet(
                document,
                before.line,
                before.language,
                before.text,
                before.remark,
                Optional.of(text)));
      } else {
        found.add(new Snippet(document, from + 1, language, text, remark, Optional.empty()));
      }
    }
  }
}
