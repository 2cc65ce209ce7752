package io.tproc;

/**
 * What {@link TprocHost} offers on Java 22 and later. The version for Java 17 says why it is done
 * in this way.
 */
interface PlatformMemory extends SegmentMemory {}
