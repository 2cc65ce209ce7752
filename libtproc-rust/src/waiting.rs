use crate::error::{check, Error, Result, EALREADY, ENOTRECOVERABLE, EOWNERDEAD, ETIMEDOUT};
use crate::heap::Shared;
use crate::mutex::Guard;
use crate::placed::{placed, Placed};
use crate::registry::Publication;
use crate::sys;
use crate::time::Deadline;
use std::os::raw::{c_int, c_void};
use std::time::Duration;

/// Waiting for what a [`crate::Mutex`] guards to change.
#[derive(Debug)]
pub struct Condition {
    at: Placed<[u32; 1]>,
}

placed!(Condition, "condition");

impl Condition {
    pub fn new() -> Result<Self> {
        Ok(Condition { at: Placed::new([0])? })
    }

    /// Unlocks, sleeps until the next [`Condition::notify_all`], and locks again. It may return without a reason, so
    /// look in a loop, or use [`Condition::wait_while`]. The guard says when an owner has died meanwhile.
    ///
    /// ENOTRECOVERABLE: the lock is lost.
    pub fn wait<'a, T: Shared>(&self, guard: Guard<'a, T>) -> Result<Guard<'a, T>> {
        self.waited(guard, &Deadline::after(None)).map(|(guard, _)| guard)
    }

    /// As [`Condition::wait`], and whether it was in time.
    pub fn wait_within<'a, T: Shared>(&self, guard: Guard<'a, T>, time: Duration) -> Result<(Guard<'a, T>, bool)> {
        self.waited(guard, &Deadline::after(Some(time)))
    }

    /// Waits as long as the condition, which is called with the value, is true.
    pub fn wait_while<'a, T: Shared>(
        &self,
        mut guard: Guard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<Guard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Wakes all who wait. To wake one alone would not do: it might be killed before it acts.
    pub fn notify_all(&self) {
        unsafe { sys::tproc_cond_broadcast(raw(&self.at)) }
    }

    fn waited<'a, T: Shared>(&self, mut guard: Guard<'a, T>, deadline: &Deadline) -> Result<(Guard<'a, T>, bool)> {
        match unsafe { sys::tproc_cond_wait(raw(&self.at), guard.word(), deadline.as_ptr()) } {
            code @ (0 | ETIMEDOUT) => Ok((guard, code == 0)),
            EOWNERDEAD => {
                guard.note_death();
                Ok((guard, true))
            }
            code => {
                if code == ENOTRECOVERABLE {
                    std::mem::forget(guard); // nobody's any more
                }
                Err(Error::new(code, "wait at a condition"))
            }
        }
    }
}

/// Waiting for a condition that is somewhere else in shared memory.
#[derive(Debug)]
pub struct Event {
    at: Placed<[u32; 1]>,
}

placed!(Event, "event");

impl Event {
    pub fn new() -> Result<Self> {
        Ok(Event { at: Placed::new([0])? })
    }

    /// Waits until the condition holds: it is called first, at each signal, and when a process has died.
    pub fn wait(&self, condition: impl FnMut() -> bool) -> Result<()> {
        self.waited(condition, &Deadline::after(None))
    }

    /// Waits until the condition holds. ETIMEDOUT: it does not yet.
    pub fn wait_within(&self, time: Duration, condition: impl FnMut() -> bool) -> Result<()> {
        self.waited(condition, &Deadline::after(Some(time)))
    }

    /// After a change of the condition: wakes all who wait.
    pub fn signal(&self) {
        unsafe { sys::tproc_event_signal(raw(&self.at)) }
    }

    fn waited(&self, mut condition: impl FnMut() -> bool, deadline: &Deadline) -> Result<()> {
        while !condition() {
            let key = unsafe { sys::tproc_event_prepare(raw(&self.at)) };
            if condition() {
                break;
            }
            let code = unsafe { sys::tproc_event_wait(raw(&self.at), key, deadline.as_ptr()) };
            if code == ETIMEDOUT && condition() {
                break;
            }
            check(code, || "wait for an event".to_string())?;
        }
        Ok(())
    }
}

/// Permits. One that a process dies with is gone.
#[derive(Debug)]
pub struct Semaphore {
    at: Placed<[u32; 2]>,
}

placed!(Semaphore, "semaphore");

impl Semaphore {
    pub fn new(permits: u32) -> Result<Self> {
        Ok(Semaphore { at: Placed::new([permits, 0])? })
    }

    /// Takes a permit; sleeps until there is one.
    pub fn acquire(&self) -> Result<()> {
        self.acquired(&Deadline::after(None))
    }

    /// Takes a permit. ETIMEDOUT: there was none for so long.
    pub fn acquire_within(&self, time: Duration) -> Result<()> {
        self.acquired(&Deadline::after(Some(time)))
    }

    /// Takes a permit if there is one.
    pub fn try_acquire(&self) -> bool {
        unsafe { sys::tproc_semaphore_trywait(raw(&self.at)) == 0 }
    }

    /// Adds a permit. EOVERFLOW: there are 2^32 - 1.
    pub fn release(&self) -> Result<()> {
        check(unsafe { sys::tproc_semaphore_post(raw(&self.at)) }, || "release a permit".to_string())
    }

    fn acquired(&self, deadline: &Deadline) -> Result<()> {
        let code = unsafe { sys::tproc_semaphore_wait(raw(&self.at), deadline.as_ptr()) };
        check(code, || "acquire a permit".to_string())
    }
}

/// Most parties of a [`Barrier`].
pub const BARRIER_MAX: usize = 64;

const SERIAL: c_int = -1;

#[derive(Debug)]
#[repr(C)]
struct RawBarrier {
    parties: u32,
    rest: [u32; 3],
    places: [u64; BARRIER_MAX],
}

/// Threads of any programs, its parties, wait until all have arrived, again and again. A thread becomes a party with
/// its first wait. A party that dies on its way breaks the round: all others get ECANCELED, and the next rounds go on
/// without it.
#[derive(Debug)]
pub struct Barrier {
    at: Placed<RawBarrier>,
}

placed!(Barrier, "barrier");

impl Barrier {
    /// A barrier for so many parties, 1 to [`BARRIER_MAX`].
    pub fn new(parties: u32) -> Result<Self> {
        Ok(Barrier { at: Placed::new(RawBarrier { parties, rest: [0; 3], places: [0; BARRIER_MAX] })? })
    }

    /// Arrives, and waits for the others. True to one of them.
    ///
    /// ECANCELED: the round was broken; EUSERS: there are as many parties already; EINVAL: it is for none, or too many.
    pub fn wait(&self) -> Result<bool> {
        self.waited(&Deadline::after(None))
    }

    /// As [`Barrier::wait`]. ETIMEDOUT: this has broken the round.
    pub fn wait_within(&self, time: Duration) -> Result<bool> {
        self.waited(&Deadline::after(Some(time)))
    }

    /// No round waits for the calling thread any more. ENOENT: it was no party.
    pub fn leave(&self) -> Result<()> {
        check(unsafe { sys::tproc_barrier_leave(raw(&self.at)) }, || "leave a barrier".to_string())
    }

    fn waited(&self, deadline: &Deadline) -> Result<bool> {
        match unsafe { sys::tproc_barrier_wait(raw(&self.at), deadline.as_ptr()) } {
            SERIAL => Ok(true),
            code => check(code, || "wait at a barrier".to_string()).map(|()| false),
        }
    }
}

/// Something that is to be done once by one of all programs.
#[derive(Debug)]
pub struct Once {
    at: Placed<[u32; 3]>,
}

placed!(Once, "once");

impl Once {
    pub fn new() -> Result<Self> {
        Ok(Once { at: Placed::new([0; 3])? })
    }

    /// Calls the function unless that has been done, and waits for the thread that is doing it. When that one panics,
    /// or its process dies, the next caller does it.
    ///
    /// EDEADLK: the caller is doing it.
    pub fn call(&self, function: impl FnOnce()) -> Result<()> {
        match unsafe { sys::tproc_once_begin(raw(&self.at)) } {
            EALREADY => Ok(()),
            0 => {
                let mut end = Ending { once: raw(&self.at), done: 0 };
                function();
                end.done = 1;
                Ok(())
            }
            code => Err(Error::new(code, "do something once")),
        }
    }
}

struct Ending {
    once: *mut c_void,
    done: c_int,
}

impl Drop for Ending {
    fn drop(&mut self) {
        unsafe { sys::tproc_once_end(self.once, self.done) };
    }
}

fn raw<T>(at: &Placed<T>) -> *mut c_void {
    at.as_ptr() as *mut c_void
}
