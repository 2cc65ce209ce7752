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
#[derive(Clone, Copy)]
pub(crate) struct RawChannel {
    pub(crate) queue: *mut c_void,
    pub(crate) id: u64,
    pub(crate) private: [u32; 4],
}

impl RawChannel {
    pub(crate) const CLOSED: RawChannel = RawChannel { queue: std::ptr::null_mut(), id: 0, private: [0; 4] };
}

/// `struct tproc_message`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RawMessage {
    pub(crate) block: *mut c_void,
    pub(crate) length: u32,
    pub(crate) reserved: u32,
    pub(crate) data: [u8; 48],
}

impl RawMessage {
    pub(crate) const EMPTY: RawMessage =
        RawMessage { block: std::ptr::null_mut(), length: 0, reserved: 0, data: [0; 48] };
}

/// `struct tproc_channel_select`.
#[repr(C)]
pub(crate) struct RawSelection {
    pub(crate) channel: *mut RawChannel,
    pub(crate) role: u32,
    pub(crate) ready: c_int,
}

/// `struct tproc_buffer`.
#[repr(C)]
pub(crate) struct RawBuffer {
    pub(crate) address: *mut c_void,
    pub(crate) size: usize,
}

/// `struct tproc_request`.
#[repr(C)]
pub(crate) struct RawRequest {
    pub(crate) data: *const c_void,
    pub(crate) size: usize,
    pub(crate) buffers: *const RawBuffer,
    pub(crate) buffer_count: usize,
    pub(crate) block: *mut c_void,
    pub(crate) id: u64,
    pub(crate) received: RawMessage,
    pub(crate) response: RawMessage,
    pub(crate) part: *mut c_void,
}

/// `struct tproc_worker`.
#[repr(C)]
pub(crate) struct RawWorker {
    requests: RawChannel,
    responses: RawChannel,
}

impl Default for RawWorker {
    fn default() -> Self {
        RawWorker { requests: RawChannel::CLOSED, responses: RawChannel::CLOSED }
    }
}

extern "C" {
    pub(crate) fn tproc_is_threadproc() -> c_int;
    pub(crate) fn tproc_ready(argc: *mut c_int, argv: *mut *mut *mut c_char, envp: *mut *mut *mut c_char) -> c_int;
    pub(crate) fn tproc_attach(socket: *const c_char) -> c_int;

    pub(crate) fn tproc_alloc(size: usize) -> *mut c_void;
    pub(crate) fn tproc_aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    pub(crate) fn tproc_free(block: *mut c_void);
    pub(crate) fn tproc_usable_size(block: *const c_void) -> usize;
    pub(crate) fn tproc_owner_of(block: *const c_void) -> c_int;
    pub(crate) fn tproc_give(block: *mut c_void, pid: c_int) -> c_int;
    pub(crate) fn tproc_arena_create(capacity: usize) -> *mut c_void;
    pub(crate) fn tproc_arena_alloc(arena: *mut c_void, size: usize, alignment: usize) -> *mut c_void;
    pub(crate) fn tproc_arena_free(arena: *mut c_void, object: *mut c_void, size: usize);
    pub(crate) fn tproc_arena_set_root(arena: *mut c_void, root: *const c_void, of_type: *const c_char) -> c_int;
    pub(crate) fn tproc_arena_used(arena: *const c_void) -> usize;
    pub(crate) fn tproc_arena_root(block: *const c_void, of_type: *const c_char, root: *mut *mut c_void) -> c_int;

    pub(crate) fn tproc_mutex_timedlock(mutex: *mut c_void, deadline: *const Timespec) -> c_int;
    pub(crate) fn tproc_mutex_trylock(mutex: *mut c_void) -> c_int;
    pub(crate) fn tproc_mutex_unlock(mutex: *mut c_void) -> c_int;
    pub(crate) fn tproc_mutex_consistent(mutex: *mut c_void) -> c_int;
    pub(crate) fn tproc_cond_wait(condition: *mut c_void, mutex: *mut c_void, deadline: *const Timespec) -> c_int;
    pub(crate) fn tproc_cond_broadcast(condition: *mut c_void);
    pub(crate) fn tproc_event_prepare(event: *mut c_void) -> u32;
    pub(crate) fn tproc_event_wait(event: *mut c_void, key: u32, deadline: *const Timespec) -> c_int;
    pub(crate) fn tproc_event_signal(event: *mut c_void);
    pub(crate) fn tproc_semaphore_wait(semaphore: *mut c_void, deadline: *const Timespec) -> c_int;
    pub(crate) fn tproc_semaphore_trywait(semaphore: *mut c_void) -> c_int;
    pub(crate) fn tproc_semaphore_post(semaphore: *mut c_void) -> c_int;
    pub(crate) fn tproc_barrier_wait(barrier: *mut c_void, deadline: *const Timespec) -> c_int;
    pub(crate) fn tproc_barrier_leave(barrier: *mut c_void) -> c_int;
    pub(crate) fn tproc_once_begin(once: *mut c_void) -> c_int;
    pub(crate) fn tproc_once_end(once: *mut c_void, done: c_int) -> c_int;

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
    pub(crate) fn tproc_channel_trysend(channel: *mut RawChannel, message: *const RawMessage) -> c_int;
    pub(crate) fn tproc_channel_receive(
        channel: *mut RawChannel,
        message: *mut RawMessage,
        deadline: *const Timespec,
    ) -> c_int;
    pub(crate) fn tproc_channel_tryreceive(channel: *mut RawChannel, message: *mut RawMessage) -> c_int;
    pub(crate) fn tproc_channel_open_id(channel: *mut RawChannel, id: u64, roles: c_uint) -> c_int;
    pub(crate) fn tproc_channel_send_batch(
        channel: *mut RawChannel,
        messages: *const RawMessage,
        count: usize,
        sent: *mut usize,
        deadline: *const Timespec,
    ) -> c_int;
    pub(crate) fn tproc_channel_receive_batch(
        channel: *mut RawChannel,
        messages: *mut RawMessage,
        count: usize,
        received: *mut usize,
        deadline: *const Timespec,
    ) -> c_int;
    pub(crate) fn tproc_channel_peers(
        channel: *const RawChannel,
        senders: *mut c_uint,
        receivers: *mut c_uint,
    ) -> c_int;
    pub(crate) fn tproc_channel_select(channels: *mut RawSelection, count: usize, deadline: *const Timespec) -> c_int;

    pub(crate) fn tproc_worker_open(worker: *mut RawWorker) -> c_int;
    pub(crate) fn tproc_worker_receive(
        worker: *mut RawWorker,
        request: *mut RawRequest,
        deadline: *const Timespec,
    ) -> c_int;
    pub(crate) fn tproc_worker_finish(worker: *mut RawWorker, request: *mut RawRequest, code: c_int) -> c_int;
    pub(crate) fn tproc_worker_close(worker: *mut RawWorker) -> c_int;
    pub(crate) fn tproc_respond(request: *mut RawRequest, data: *const c_void, size: usize) -> c_int;
    pub(crate) fn tproc_respond_block(request: *mut RawRequest, block: *mut c_void) -> c_int;

    pub(crate) fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
    pub(crate) fn getpid() -> c_int;
}
