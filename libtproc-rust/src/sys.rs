//! `tproc.h`, as far as it is used here.

use std::os::raw::{c_char, c_int, c_uint, c_void};

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Timespec {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
}

pub(crate) const CLOCK_MONOTONIC: c_int = 1;

/// `struct tproc_entry`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RawEntry {
    pub(crate) name: [u8; 96],
    pub(crate) type_name: [u8; 48],
    pub(crate) address: *mut c_void,
    pub(crate) size: usize,
    pub(crate) version: u32,
    pub(crate) flags: u32,
    pub(crate) id: u64,
    pub(crate) pid: c_int,
    pub(crate) state: c_int,
    pub(crate) status: c_int,
    pub(crate) reserved: c_int,
}

/// `struct tproc_channel`.
#[repr(C)]
pub(crate) struct RawChannel {
    pub(crate) queue: *mut c_void,
    pub(crate) id: u64,
    pub(crate) private: [u32; 4],
}

/// `struct tproc_message`.
#[repr(C)]
pub(crate) struct RawMessage {
    pub(crate) block: *mut c_void,
    pub(crate) length: u32,
    pub(crate) reserved: u32,
    pub(crate) data: [u8; 48],
}

extern "C" {
    pub(crate) fn tproc_is_threadproc() -> c_int;
    pub(crate) fn tproc_attach(socket: *const c_char) -> c_int;

    pub(crate) fn tproc_alloc(size: usize) -> *mut c_void;
    pub(crate) fn tproc_aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    pub(crate) fn tproc_free(block: *mut c_void);
    pub(crate) fn tproc_usable_size(block: *const c_void) -> usize;
    pub(crate) fn tproc_give(block: *mut c_void, pid: c_int) -> c_int;

    pub(crate) fn tproc_mutex_timedlock(mutex: *mut c_void, deadline: *const Timespec) -> c_int;
    pub(crate) fn tproc_mutex_trylock(mutex: *mut c_void) -> c_int;
    pub(crate) fn tproc_mutex_unlock(mutex: *mut c_void) -> c_int;
    pub(crate) fn tproc_mutex_consistent(mutex: *mut c_void) -> c_int;

    pub(crate) fn tproc_publish(entry: *mut RawEntry) -> c_int;
    pub(crate) fn tproc_lookup(name: *const c_char, type_name: *const c_char, entry: *mut RawEntry) -> c_int;
    pub(crate) fn tproc_await(
        name: *const c_char,
        type_name: *const c_char,
        deadline: *const Timespec,
        entry: *mut RawEntry,
    ) -> c_int;
    pub(crate) fn tproc_watch(entry: *mut RawEntry, deadline: *const Timespec) -> c_int;
    pub(crate) fn tproc_withdraw(entry: *const RawEntry) -> c_int;
    pub(crate) fn tproc_list(place: *mut u32, entry: *mut RawEntry) -> c_int;

    pub(crate) fn tproc_channel_create(channel: *mut RawChannel, cells: u32, flags: c_uint) -> c_int;
    pub(crate) fn tproc_channel_publish(channel: *const RawChannel, name: *const c_char) -> c_int;
    pub(crate) fn tproc_channel_open(
        channel: *mut RawChannel,
        name: *const c_char,
        roles: c_uint,
        deadline: *const Timespec,
    ) -> c_int;
    pub(crate) fn tproc_channel_close(channel: *mut RawChannel) -> c_int;
    pub(crate) fn tproc_channel_send(
        channel: *mut RawChannel,
        message: *const RawMessage,
        deadline: *const Timespec,
    ) -> c_int;
    pub(crate) fn tproc_channel_trysend(channel: *mut RawChannel, message: *const RawMessage) -> c_int;
    pub(crate) fn tproc_channel_receive(
        channel: *mut RawChannel,
        message: *mut RawMessage,
        deadline: *const Timespec,
    ) -> c_int;
    pub(crate) fn tproc_channel_tryreceive(channel: *mut RawChannel, message: *mut RawMessage) -> c_int;

    pub(crate) fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
    pub(crate) fn getpid() -> c_int;
}
