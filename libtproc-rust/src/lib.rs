//! What libtproc gives to C programs, for Rust: a heap, locks, a registry and channels that programs of one tproc
//! host share, at the same addresses in all of them; and workers ([`serve`]). `docs/sharing.md` of
//! the project says what is promised when a process is killed.
//!
//! What is shared consists of plain data ([`Shared`]): numbers, arrays of them, and structs that are declared so. No
//! references, no `Vec`, no vtables: they would lead into one program's own memory. [`SharedBox`] and [`SharedVec`]
//! are owned by one process at a time, as `Box` and `Vec` are by one variable; sending one through a [`Channel`] or
//! giving it away moves it.
//!
//! All processes of a host trust each other: one that writes where it owns nothing breaks this crate's promises, as it
//! breaks everything else.
//!
//! ```no_run
//! let numbers = tproc::SharedVec::from_slice(&[1.0f64, 2.0, 3.0])?;
//! let results = tproc::Sender::open("acme.results", None)?;
//! results.send(b"mean", Some(numbers.into_block()))?; // the receiver's now
//! # Ok::<(), tproc::Error>(())
//! ```

mod arena;
mod channel;
mod error;
mod heap;
mod mutex;
mod placed;
mod registry;
mod sys;
mod time;
mod waiting;
mod worker;

pub use arena::Arena;
pub use channel::{select, Channel, Message, Receiver, Selection, Sender, MESSAGE_MAX, SELECT_MAX};
pub use error::{Error, Result};
pub use heap::{owner_of, Block, Shared, SharedBox, SharedVec};
pub use mutex::{Guard, Mutex};
pub use registry::{entries, lookup, publish, publish_kept, wait_for, Entry, Publication};
pub use waiting::{Barrier, Condition, Event, Once, Semaphore, BARRIER_MAX};
pub use worker::{serve, Failure, Request, Response, EXCEPTION};

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The host, as one to give blocks to.
pub const HOST: i32 = 0;

/// Whether this process is hosted.
pub fn is_threadproc() -> bool {
    unsafe { sys::tproc_is_threadproc() == 1 }
}

/// Says that this program is ready to be started, and waits for that, if its host has had it run ahead
/// (`prepareUntilReady` in Java, `tproc serve --prepare-ready`); `tproc.h` says what a start then changes.
/// [`std::env::args`] has the arguments of before, [`std::env::vars`] the variables of the start. No other thread may
/// use the environment meanwhile.
///
/// Returns the program's arguments: those of the start, or, of a program that was started in the ordinary way, at once
/// those that it has.
pub fn ready() -> Vec<OsString> {
    let (mut count, mut texts) = (0, std::ptr::null_mut());
    if unsafe { sys::tproc_ready(&mut count, &mut texts, std::ptr::null_mut()) } == 0 {
        return std::env::args_os().collect();
    }
    let text = |index| unsafe { CStr::from_ptr(*texts.add(index)) };
    (0..count as usize).map(|index| OsStr::from_bytes(text(index).to_bytes()).to_os_string()).collect()
}

/// Lets this process, which is not hosted, take part in the shared heap of the host that listens at a path.
pub fn attach(socket: impl AsRef<Path>) -> Result<()> {
    let path = CString::new(socket.as_ref().as_os_str().as_bytes()).map_err(|_| Error::invalid("a path with a NUL"))?;
    error::check(unsafe { sys::tproc_attach(path.as_ptr()) }, || format!("attach to {}", socket.as_ref().display()))
}
