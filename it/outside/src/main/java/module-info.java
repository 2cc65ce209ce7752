/** An application that hosts programs. */
module outside {
  requires io.tproc;
}
