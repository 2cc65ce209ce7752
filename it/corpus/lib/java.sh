# shellcheck shell=bash
# java_workload JDK OPTION...: compiles Work.java with a plain compiler, runs it hosted.
java_workload() {
  local jdk=$1
  shift
  "$jdk/bin/javac" -d "$SCRATCH/classes" "$CORPUS/lib/Work.java"
  run "$jdk/bin/java" -Xmx96m -Xms32m "$@" -cp "$SCRATCH/classes" Work || echo "status $?"
}
