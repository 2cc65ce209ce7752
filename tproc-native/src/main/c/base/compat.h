/* What kernels have and the headers of an older C library (glibc 2.31 to 2.36) may lack. */
#ifndef TPROC_COMPAT_H
#define TPROC_COMPAT_H

#include <elf.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#endif

/* glibc 2.31's elf.h does not have them. */
#ifndef PT_GNU_PROPERTY
#define PT_GNU_PROPERTY 0x6474e553
#endif
#ifndef GNU_PROPERTY_AARCH64_FEATURE_1_AND
#define GNU_PROPERTY_AARCH64_FEATURE_1_AND 0xc0000000
#endif
#if defined(__aarch64__) && !defined(HWCAP2_BTI) /* since Linux 5.8 */
#define HWCAP2_BTI (1 << 17)
#endif
#if defined(__aarch64__) && !defined(PROT_BTI)
#define PROT_BTI 0x10
#endif

/* waitid. Since Linux 5.4; glibc has it as an enumerator, which a define of the same value does not disturb. */
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* pidfd_open of a thread. Since Linux 6.9; EINVAL before. */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* mmap's flag of x86_64; elsewhere there is none. */
#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif
#ifndef MLOCK_ONFAULT /* since Linux 4.4 */
#define MLOCK_ONFAULT 1
#endif
#ifndef MREMAP_DONTUNMAP /* since Linux 5.7 */
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_DONTNEED_LOCKED /* since Linux 5.18 */
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_GUARD_INSTALL /* since Linux 6.13 */
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_POPULATE_READ /* since Linux 5.14 */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE /* since Linux 6.1 */
#define MADV_COLLAPSE 25
#endif
/* Since Linux 6.3, which may be told to refuse a memfd without one of these. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8u
#define MFD_EXEC 0x10u
#endif
#ifndef CLOSE_RANGE_UNSHARE /* since Linux 5.9 */
#define CLOSE_RANGE_UNSHARE (1u << 1)
#endif
#ifndef __NR_set_mempolicy_home_node /* since Linux 5.17; the same number on all architectures */
#define __NR_set_mempolicy_home_node 450
#endif
#ifndef __NR_map_shadow_stack /* since Linux 6.6; the same number on all architectures */
#define __NR_map_shadow_stack 453
#endif
#ifndef __NR_mseal /* since Linux 6.10; the same number on all architectures */
#define __NR_mseal 462
#endif

#ifndef PR_SET_VMA /* since Linux 5.17 */
#define PR_SET_VMA 0x53564d41
#endif
#ifndef PR_SET_MDWE /* since Linux 6.3 */
#define PR_SET_MDWE 65
#endif
#ifndef PR_SET_MEMORY_MERGE /* since Linux 6.4 */
#define PR_SET_MEMORY_MERGE 67
#endif
#ifndef PR_GET_AUXV /* since Linux 6.4 */
#define PR_GET_AUXV 0x41555856
#endif

/* /proc/PID/pagemap's PAGEMAP_SCAN (include/uapi/linux/fs.h of Linux 6.7): which pages of a range are what. */
struct compat_pagemap_scan {
  uint64_t size, flags;
  uint64_t start, end, walk_end;
  uint64_t regions, region_count, pages_max;
  uint64_t inverted, all_of, any_of, returned;
};
struct compat_pagemap_region {
  uint64_t start, end, categories;
};
#define COMPAT_PAGEMAP_SCAN _IOWR('f', 16, struct compat_pagemap_scan)
#define COMPAT_PAGE_IS_PRESENT (1u << 3)

/* What openat2 knows it by, also where a C library of 64 bits has 0 for it. */
#if defined(__x86_64__)
#define KERNEL_O_LARGEFILE 0100000
#elif defined(__aarch64__)
#define KERNEL_O_LARGEFILE 0400000
#endif

/* name_to_handle_at's AT_HANDLE_MNT_ID_UNIQUE, since Linux 6.12: the mount's number has 64 bits. */
#define HANDLE_MOUNT_UNIQUE 1

#ifndef SO_PEERPIDFD /* since Linux 6.5 */
#define SO_PEERPIDFD 77
#endif

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* since Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
/* Linux 6.6: the waker goes to sleep at once, so the answer reaches the caller on the same CPU without a detour. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ull
#endif

/** sched_setattr(2), as of Linux 3.14. The kernel's own header cannot be included beside sched.h of glibc 2.36. */
struct compat_sched_attr {
  uint32_t size;
  uint32_t sched_policy;
  uint64_t sched_flags;
  int32_t sched_nice;
  uint32_t sched_priority;
  uint64_t sched_runtime; /**< nanoseconds; of the usual policy since Linux 6.12 */
  uint64_t sched_deadline;
  uint64_t sched_period;
};

#endif
