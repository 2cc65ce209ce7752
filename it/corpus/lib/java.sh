# shellcheck shell=bash
# java_compile: compiles Work.java, once for all entries.
java_compile() {
  [[ -e $CORPUS/lib/classes/Work.class ]] ||
    "${JDK17:-$JDK25}/bin/javac" -d "$CORPUS/lib/classes" "$CORPUS/lib/Work.java"
}

# java_workload JDK OPTION...: runs it, hosted.
java_workload() {
  local jdk=$1
  shift
  run "$jdk/bin/java" -Xmx96m -Xms32m "$@" -cp "$CORPUS/lib/classes" Work || echo "status $?"
}
