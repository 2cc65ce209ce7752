package io.tproc.worker;

/**
 * What {@link WorkerRequest} offers beyond Java 17, which is nothing on Java 17: the multi-release
 * jar holds another version of this class for Java 22 and later, as {@code io.tproc.PlatformMemory}
 * explains.
 */
abstract class PlatformRequest {
  PlatformRequest() {}

  abstract WorkerRequest withMemory(WorkerRequest.Memory memory);
}
