# shellcheck shell=sh
# parent: what the parent is, a JVM for a hosted program
parent() { case $(cat /proc/$PPID/comm) in java | .java*) echo java ;; *) echo process ;; esac; }
