package io.tproc.library;

/**
 * What {@link ContainedLibrary} offers on Java 22 and later. The version of {@code
 * io.tproc.PlatformMemory} for Java 17 says why it is done in this way.
 */
interface PlatformLibrary extends ForeignLibrary {}
