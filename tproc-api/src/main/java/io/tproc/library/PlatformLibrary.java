package io.tproc.library;

/**
 * What {@link ContainedLibrary} offers beyond Java 17, which is nothing on Java 17: the
 * multi-release jar holds another version of this interface for Java 22 and later, as {@code
 * io.tproc.PlatformMemory} explains.
 */
interface PlatformLibrary {}
