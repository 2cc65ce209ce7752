package io.tproc.cli;

import io.tproc.Finding;
import io.tproc.TprocHost;
import java.util.List;

/** Where the commands get hosts from; another one in tests. */
interface HostSupplier {
  /** The real one. */
  HostSupplier INSTALLED =
      new HostSupplier() {
        @Override
        public TprocHost open() {
          return TprocHost.open();
        }

        @Override
        public List<Finding> check() {
          return TprocHost.check();
        }
      };

  /** As {@link TprocHost#open()}. */
  TprocHost open();

  /** As {@link TprocHost#check()}. */
  List<Finding> check();
}
