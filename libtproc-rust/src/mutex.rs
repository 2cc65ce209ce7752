use crate::error::{Error, Result, EBUSY, EOWNERDEAD};
use crate::heap::Shared;
use crate::placed::Placed;
use crate::registry::Publication;
use crate::sys;
use crate::time::Deadline;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::os::raw::c_void;
use std::time::Duration;

/// `struct tproc_mutex`, and what it guards.
#[derive(Debug)]
#[repr(C, align(16))]
struct Guarded<T> {
    mutex: [u32; 2],
    value: UnsafeCell<T>,
}

/// A value in the shared heap that threads of any programs change one after the other. When a process dies with the
/// lock, the next one gets it, and is told: [`Guard::owner_died`].
#[derive(Debug)]
pub struct Mutex<T: Shared> {
    at: Placed<Guarded<T>>,
}

impl<T: Shared> Mutex<T> {
    /// Moves a value into the heap, in a block of this process's.
    pub fn new(value: T) -> Result<Self> {
        Ok(Mutex { at: Placed::new(Guarded { mutex: [0; 2], value: UnsafeCell::new(value) })? })
    }

    /// Publishes it until the publication is dropped. The type names what is guarded, and its layout.
    pub fn publish(&self, name: &str, type_name: &str) -> Result<Publication> {
        self.at.publish(name, type_name)
    }

    /// The mutex that another process has published under a name; sleeps until it is there. It is used for as long as
    /// its block is there: that is the publisher's matter.
    ///
    /// EINVAL: what is there is too small for such a value, or not aligned.
    pub fn open(name: &str, type_name: &str, timeout: Option<Duration>) -> Result<Self> {
        Ok(Mutex { at: Placed::open(name, type_name, timeout)? })
    }

    /// Locks. ENOTRECOVERABLE: an owner has died, and the one after it has not said that the value is right.
    pub fn lock(&self) -> Result<Guard<'_, T>> {
        self.lock_within(None)
    }

    /// Locks; ETIMEDOUT when it takes longer.
    pub fn lock_within(&self, timeout: Option<Duration>) -> Result<Guard<'_, T>> {
        let deadline = Deadline::after(timeout);
        self.guard(unsafe { sys::tproc_mutex_timedlock(self.word(), deadline.as_ptr()) })
    }

    /// Locks if it is free.
    pub fn try_lock(&self) -> Result<Option<Guard<'_, T>>> {
        match unsafe { sys::tproc_mutex_trylock(self.word()) } {
            EBUSY => Ok(None),
            code => self.guard(code).map(Some),
        }
    }

    /// Gives its block to the host, so that it stays when this process ends.
    pub fn leave_to_host(self) -> Result<()> {
        self.at.leave_to_host()
    }

    fn word(&self) -> *mut c_void {
        self.at.as_ptr() as *mut c_void
    }

    fn guard(&self, code: i32) -> Result<Guard<'_, T>> {
        match code {
            0 | EOWNERDEAD => Ok(Guard { mutex: self, died: code == EOWNERDEAD, not_send: PhantomData }),
            _ => Err(Error::new(code, "lock")),
        }
    }
}

/// The lock, until it is dropped. It belongs to the thread.
#[derive(Debug)]
pub struct Guard<'a, T: Shared> {
    mutex: &'a Mutex<T>,
    died: bool,
    not_send: PhantomData<*const ()>,
}

impl<T: Shared> Guard<'_, T> {
    /// Whether the last owner has died with it: put the value right, and then say so with [`Guard::consistent`].
    /// Without that no thread gets the lock any more.
    pub fn owner_died(&self) -> bool {
        self.died
    }

    pub(crate) fn word(&self) -> *mut c_void {
        self.mutex.word()
    }

    /// An owner has died while this waited at a condition.
    pub(crate) fn note_death(&mut self) {
        self.died = true;
    }

    /// The value is right again.
    pub fn consistent(&mut self) {
        if self.died {
            unsafe { sys::tproc_mutex_consistent(self.mutex.word()) };
            self.died = false;
        }
    }
}

impl<T: Shared> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        unsafe { &*(*self.mutex.at.as_ptr()).value.get() }
    }
}

impl<T: Shared> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        unsafe { &mut *(*self.mutex.at.as_ptr()).value.get() }
    }
}

impl<T: Shared> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        unsafe { sys::tproc_mutex_unlock(self.mutex.word()) };
    }
}
