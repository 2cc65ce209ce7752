use crate::sys::Timespec;
use std::time::Duration;

/// A deadline of CLOCK_MONOTONIC, so much later than now; none for `None`.
pub(crate) struct Deadline(Option<Timespec>);

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Deadline(timeout.map(|time| {
            let mut now = Timespec { seconds: 0, nanoseconds: 0 };
            unsafe { crate::sys::clock_gettime(crate::sys::CLOCK_MONOTONIC, &mut now) };
            let nanoseconds = now.nanoseconds + i64::from(time.subsec_nanos());
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 2).min(i64::MAX / 2);
            Timespec {
                seconds: now.seconds + seconds + nanoseconds / 1_000_000_000,
                nanoseconds: nanoseconds % 1_000_000_000,
            }
        }))
    }

    pub(crate) fn as_ptr(&self) -> *const Timespec {
        self.0.as_ref().map_or(std::ptr::null(), |moment| moment as *const Timespec)
    }
}
