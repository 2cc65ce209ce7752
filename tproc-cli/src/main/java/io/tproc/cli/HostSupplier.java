package io.tproc.cli;

import io.tproc.Finding;
import io.tproc.TprocHost;
import io.tproc.spi.TprocProvider;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

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

        @Override
        public boolean notifyService(String state) throws IOException {
          Optional<TprocProvider> provider = ServiceLoader.load(TprocProvider.class).findFirst();
          return provider.isPresent() && provider.get().notifyService(state);
        }
      };

  /** As {@link TprocHost#open()}. */
  TprocHost open();

  /** As {@link TprocHost#check()}. */
  List<Finding> check();

  /** As {@link TprocProvider#notifyService}. */
  boolean notifyService(String state) throws IOException;
}
