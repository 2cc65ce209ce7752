package io.tproc;

/**
 * Linux's error numbers, those that a host gives; x86_64 and aarch64 have the same ones (errno(3)).
 * Other numbers are possible: a file system may give any.
 *
 * @see LaunchException#errno()
 */
public final class Errno {
  /** Not permitted. */
  public static final int EPERM = 1;

  /** No such file, or no such interpreter. */
  public static final int ENOENT = 2;

  /** No such process. */
  public static final int ESRCH = 3;

  /** Arguments and environment are too long. */
  public static final int E2BIG = 7;

  /** Not a program that can be hosted. */
  public static final int ENOEXEC = 8;

  /** Not an open descriptor. */
  public static final int EBADF = 9;

  /** A limit on processes or threads, for the moment. */
  public static final int EAGAIN = 11;

  /** No memory, or no room in the address space. */
  public static final int ENOMEM = 12;

  /** No right to read or execute the file, or to search a directory. */
  public static final int EACCES = 13;

  /** In use. */
  public static final int EBUSY = 16;

  /** Something is there already. */
  public static final int EEXIST = 17;

  /** A part of the path is not a directory. */
  public static final int ENOTDIR = 20;

  /** A directory. */
  public static final int EISDIR = 21;

  /** Not valid. */
  public static final int EINVAL = 22;

  /** No descriptors left in the system. */
  public static final int ENFILE = 23;

  /** No descriptors left in this process. */
  public static final int EMFILE = 24;

  /** The file is open for writing. */
  public static final int ETXTBSY = 26;

  /** No room in a table. */
  public static final int ENOSPC = 28;

  /** The other side is gone. */
  public static final int EPIPE = 32;

  /** A name or a path is too long. */
  public static final int ENAMETOOLONG = 36;

  /** The kernel has no such system call, or a filter forbids it. */
  public static final int ENOSYS = 38;

  /** Too many symbolic links, or interpreters of interpreters. */
  public static final int ELOOP = 40;

  /** Not what the protocol says. */
  public static final int EPROTO = 71;

  /** Not a message, or one that has lost its block. */
  public static final int EBADMSG = 74;

  /** The interpreter that a program names (PT_INTERP) is none. */
  public static final int ELIBBAD = 80;

  /** Too many use it. */
  public static final int EUSERS = 87;

  /** Of another type than was asked for. */
  public static final int EPROTOTYPE = 91;

  /** Not to be had here. */
  public static final int ENOTSUP = 95;

  /** A host listens there already. */
  public static final int EADDRINUSE = 98;

  /** The host is being closed. */
  public static final int ESHUTDOWN = 108;

  /** It took too long. */
  public static final int ETIMEDOUT = 110;

  /** It is no more, even if another has its place. */
  public static final int ESTALE = 116;

  /** A lock was given up after its owner's death, without making its data consistent. */
  public static final int ENOTRECOVERABLE = 131;

  private Errno() {}
}
