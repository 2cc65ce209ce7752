use crate::error::{Error, Result};
use crate::heap::Block;
use crate::registry::{publish_range, wait_for, Publication};
use std::mem::{align_of, size_of};
use std::ptr::NonNull;
use std::time::Duration;

/// An object that all programs use where it lies: in a block of this process's, or where another has published it.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    at: NonNull<T>,
    block: Option<Block>,
}

// What lies there is for threads of all programs; what is in it says how.
unsafe impl<T> Send for Placed<T> {}
unsafe impl<T> Sync for Placed<T> {}

impl<T> Placed<T> {
    pub(crate) fn new(value: T) -> Result<Self> {
        let block = Block::aligned(size_of::<T>(), align_of::<T>())?;
        let at = NonNull::new(block.as_raw() as *mut T).expect("a block");
        unsafe { at.as_ptr().write(value) };
        Ok(Placed { at, block: Some(block) })
    }

    /// EINVAL: what is there is too small, or not aligned.
    pub(crate) fn open(name: &str, type_name: &str, timeout: Option<Duration>) -> Result<Self> {
        let entry = wait_for(name, type_name, timeout)?;
        let unfit = || Error::invalid(format!("find an object of {} bytes in {}", size_of::<T>(), name));
        if entry.size < size_of::<T>() || entry.address % align_of::<T>() != 0 {
            return Err(unfit());
        }
        Ok(Placed { at: NonNull::new(entry.address as *mut T).ok_or_else(unfit)?, block: None })
    }

    pub(crate) fn publish(&self, name: &str, type_name: &str) -> Result<Publication> {
        publish_range(name, type_name, self.as_ptr() as usize, size_of::<T>(), 0, false)
    }

    /// It stays when this process ends.
    pub(crate) fn leave_to_host(mut self) -> Result<()> {
        let block = self.block.take().ok_or_else(|| Error::invalid("give away what another has made"))?;
        block.give(crate::HOST).map_err(|(block, error)| {
            block.forget(); // others may have it
            error
        })
    }

    pub(crate) fn as_ptr(&self) -> *mut T {
        self.at.as_ptr()
    }
}

/// What all objects that lie in the heap by themselves have.
macro_rules! placed {
    ($name:ident, $what:literal) => {
        impl $name {
            #[doc = concat!("Publishes the ", $what, " until the publication is dropped.")]
            pub fn publish(&self, name: &str, type_name: &str) -> Result<Publication> {
                self.at.publish(name, type_name)
            }

            #[doc = concat!("The ", $what, " that is published under a name; sleeps until it is there.")]
            ///
            /// It is used for as long as its block is there: that is the publisher's matter. EINVAL: what is there is
            /// too small, or not aligned.
            pub fn open(name: &str, type_name: &str, timeout: Option<Duration>) -> Result<Self> {
                Ok($name { at: Placed::open(name, type_name, timeout)? })
            }

            /// Gives its block to the host, so that it stays when this process ends.
            pub fn leave_to_host(self) -> Result<()> {
                self.at.leave_to_host()
            }
        }
    };
}

pub(crate) use placed;
