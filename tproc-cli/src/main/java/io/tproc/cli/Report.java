package io.tproc.cli;

import io.tproc.Finding;
import io.tproc.Finding.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Findings and what follows from them, as a table or as JSON. */
final class Report {
  private final List<Finding> findings;
  private final Verdict verdict;
  private final String conclusion;

  private Report(List<Finding> findings, Verdict verdict, String conclusion) {
    this.findings = findings;
    this.verdict = verdict;
    this.conclusion = conclusion;
  }

  static Report of(List<Finding> findings) {
    List<String> missing = names(findings, Verdict.MISSING);
    List<String> limited = names(findings, Verdict.LIMITED);
    if (!missing.isEmpty()) {
      return new Report(
          findings,
          Verdict.MISSING,
          "this machine cannot host programs: see " + String.join(", ", missing));
    }
    if (!limited.isEmpty()) {
      return new Report(
          findings,
          Verdict.LIMITED,
          "this machine can host programs, with limits: see " + String.join(", ", limited));
    }
    return new Report(findings, Verdict.OK, "this machine can host programs");
  }

  /** Not even looking was possible. */
  static Report impossible(String why) {
    return new Report(List.of(), Verdict.MISSING, "this machine cannot host programs: " + why);
  }

  private static List<String> names(List<Finding> findings, Verdict verdict) {
    return findings.stream()
        .filter(finding -> finding.verdict() == verdict)
        .map(Finding::name)
        .toList();
  }

  boolean canHost() {
    return verdict != Verdict.MISSING;
  }

  /** One line for each finding, advice below it, and the verdict as the last line. */
  String toTable() {
    int nameWidth = findings.stream().mapToInt(finding -> finding.name().length()).max().orElse(0);
    StringBuilder table = new StringBuilder();
    for (Finding each : findings) {
      table.append(
          String.format(
              "%-" + nameWidth + "s  %-7s  %s%n", each.name(), word(each.verdict()), each.value()));
      if (!each.advice().isEmpty()) {
        table
            .append(" ".repeat(nameWidth + 2))
            .append(each.advice())
            .append(System.lineSeparator());
      }
    }
    if (!findings.isEmpty()) {
      table.append(System.lineSeparator());
    }
    return table.append(conclusion).append(System.lineSeparator()).toString();
  }

  String toJson() {
    List<String> objects = new ArrayList<>();
    for (Finding each : findings) {
      objects.add(
          "    {"
              + String.join(
                  ", ",
                  Json.member("name", each.name()),
                  Json.member("verdict", word(each.verdict())),
                  Json.member("value", each.value()),
                  Json.member("advice", each.advice()))
              + "}");
    }
    return "{\n  "
        + String.join(
            ",\n  ",
            Json.member("version", Version.number()),
            Json.member("verdict", word(verdict)),
            Json.member("conclusion", conclusion),
            "\"findings\": ["
                + (objects.isEmpty() ? "]" : "\n" + String.join(",\n", objects) + "\n  ]"))
        + "\n}\n";
  }

  private static String word(Verdict verdict) {
    return verdict.name().toLowerCase(Locale.ROOT);
  }
}
