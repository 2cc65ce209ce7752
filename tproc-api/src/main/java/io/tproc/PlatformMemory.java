package io.tproc;

/**
 * What {@link TprocHost} offers beyond Java 17, which is nothing on Java 17: the multi-release jar
 * holds another version of this interface for Java 22 and later.
 *
 * <p>The rules of multi-release jars (checked by the {@code jar} tool) demand that a class has the
 * same public methods in every version. They allow another superinterface, and new classes that are
 * not public: so the version for Java 22 extends {@code SegmentMemory}, which only exists there and
 * has the methods.
 */
interface PlatformMemory {}
