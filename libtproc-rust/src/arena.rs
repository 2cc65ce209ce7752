use crate::error::{check, Error, Result};
use crate::heap::{last_error, Block, Shared};
use crate::registry::c_text;
use crate::sys;
use std::mem::{align_of, size_of};
use std::os::raw::c_void;
use std::ptr::NonNull;

/// Bytes at the beginning of its block that are the arena's own: `struct tproc_arena`.
const OWN_SIZE: usize = 1152;

/// A graph of objects in one block of the shared heap, which is given, sent and freed with all of them, in one step.
/// Objects are found by their addresses, which are the same in all programs.
///
/// ```no_run
/// let mut arena = tproc::Arena::new(1 << 20)?; // at most 1 MiB; takes memory as it is used
/// let last = arena.put([3u64, 0])?;
/// let first = arena.put([4u64, last as u64])?;
/// arena.set_root(first, "acme.List/1")?;
/// tproc::Sender::open("acme.lists", None)?.send(b"", Some(arena.into_block()))?; // one step
/// # Ok::<(), tproc::Error>(())
/// ```
#[derive(Debug)]
pub struct Arena {
    block: Block,
}

impl Arena {
    /// An empty one, of so many bytes at most, 1152 of them its own.
    pub fn new(capacity: usize) -> Result<Arena> {
        let arena = unsafe { sys::tproc_arena_create(capacity) };
        match NonNull::new(arena) {
            Some(made) => Ok(Arena { block: Block::owned(made.as_ptr()) }),
            None => Err(last_error(format!("make an arena of {} bytes", capacity))),
        }
    }

    /// What a block holds that has come with a message, and has a root. EPROTO: it is no such arena.
    pub fn from_block(block: Block) -> Result<Arena> {
        block.root(None)?;
        Ok(Arena { block })
    }

    /// The block with all that is in it, to be sent or given.
    pub fn into_block(self) -> Block {
        self.block
    }

    /// The address of room for so many bytes, which are anything. The alignment is a power of two; less than 16 is 16.
    /// ENOMEM: the arena has not that much left.
    pub fn alloc(&mut self, size: usize, alignment: usize) -> Result<usize> {
        let object = unsafe { sys::tproc_arena_alloc(self.block.as_raw(), size, alignment) };
        if object.is_null() {
            return Err(last_error(format!("allocate {} bytes in the arena at {:#x}", size, self.block.address())));
        }
        Ok(object as usize)
    }

    /// Moves a value into the arena. The address at which it is then.
    pub fn put<T: Shared>(&mut self, value: T) -> Result<usize> {
        let object = self.alloc(size_of::<T>(), align_of::<T>())?;
        unsafe { (object as *mut T).write(value) };
        Ok(object)
    }

    /// Makes room free for what comes later. What the arena cannot have handed out ends the program, with a message.
    pub fn free(&mut self, object: usize, size: usize) {
        unsafe { sys::tproc_arena_free(self.block.as_raw(), object as *mut c_void, size) }
    }

    /// The value at an address. EINVAL: the arena has nothing there.
    pub fn get<T: Shared>(&self, object: usize) -> Result<&T> {
        self.check_has::<T>(object)?;
        Ok(unsafe { &*(object as *const T) })
    }

    /// As [`Arena::get`], to be changed.
    pub fn get_mut<T: Shared>(&mut self, object: usize) -> Result<&mut T> {
        self.check_has::<T>(object)?;
        Ok(unsafe { &mut *(object as *mut T) })
    }

    fn check_has<T>(&self, object: usize) -> Result<()> {
        let at = object.wrapping_sub(self.block.address());
        let used = self.used().min(self.block.len());
        if at < OWN_SIZE || at > used || size_of::<T>() > used - at || object % align_of::<T>() != 0 {
            return Err(Error::invalid(format!("find a value of {} bytes at {:#x}", size_of::<T>(), object)));
        }
        Ok(())
    }

    /// Says where a receiver begins, and what that is, for example "acme.List/1", in at most 47 bytes.
    pub fn set_root(&mut self, object: usize, of_type: &str) -> Result<()> {
        let name = c_text(of_type)?;
        let code = unsafe { sys::tproc_arena_set_root(self.block.as_raw(), object as *const c_void, name.as_ptr()) };
        check(code, || format!("make {:#x} the root of an arena, of type {}", object, of_type))
    }

    /// Where a receiver begins: as [`Block::root`].
    pub fn root<'a>(&self, of_type: impl Into<Option<&'a str>>) -> Result<usize> {
        self.block.root(of_type)
    }

    /// Bytes of the block that are in use, from its beginning.
    pub fn used(&self) -> usize {
        unsafe { sys::tproc_arena_used(self.block.as_raw()) }
    }
}
