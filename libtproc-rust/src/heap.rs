use crate::error::{check, Error, Result, EINVAL};
use crate::registry::c_text;
use crate::sys;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ops::{Deref, DerefMut};
use std::os::raw::c_void;
use std::ptr::NonNull;

/// Plain data, which means the same in every program.
///
/// # Safety
///
/// Any bytes are a value of the type, and it holds no reference, pointer or handle that is one program's own. A struct
/// has to be `repr(C)`, with members that are `Shared`.
pub unsafe trait Shared: Copy + 'static {}

macro_rules! shared {
    ($($name:ty),*) => { $(unsafe impl Shared for $name {})* };
}

shared!((), u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64);
unsafe impl<T: Shared, const N: usize> Shared for [T; N] {}

/// A block of the shared heap that this process owns. It is freed when it is dropped.
#[derive(Debug)]
pub struct Block {
    address: NonNull<u8>,
    size: usize,
}

// It is owned, and any thread may free it.
unsafe impl Send for Block {}
unsafe impl Sync for Block {}

pub(crate) fn last_error(step: String) -> Error {
    Error::new(std::io::Error::last_os_error().raw_os_error().unwrap_or(EINVAL), step)
}

impl Block {
    /// Allocates a block of so many zero bytes, aligned to 16.
    pub fn new(size: usize) -> Result<Block> {
        Self::aligned(size, 16)
    }

    /// Allocates a block of so many zero bytes. The alignment is a power of two.
    pub fn aligned(size: usize, alignment: usize) -> Result<Block> {
        let block = if alignment <= 16 && alignment.is_power_of_two() {
            unsafe { sys::tproc_alloc(size) }
        } else {
            unsafe { sys::tproc_aligned_alloc(alignment, size) }
        };
        let address = NonNull::new(block as *mut u8)
            .ok_or_else(|| last_error(format!("allocate {} bytes of the shared heap", size)))?;
        unsafe { address.as_ptr().write_bytes(0, size) };
        Ok(Block { address, size })
    }

    /// Takes over a block of any owner, with all that it has room for: it is this process's from here on.
    ///
    /// # Safety
    ///
    /// Nothing else in this process has it, and its owner knows that it is taken.
    pub unsafe fn take(address: usize) -> Result<Block> {
        let size = sys::tproc_usable_size(address as *const c_void);
        let code = if size == 0 { EINVAL } else { sys::tproc_give(address as *mut c_void, sys::getpid()) };
        check(code, || format!("take the block at {:#x}", address))?;
        Ok(Self::owned(address as *mut c_void))
    }

    /// A block that has been made this process's by a message.
    pub(crate) fn owned(address: *mut c_void) -> Block {
        let size = unsafe { sys::tproc_usable_size(address) };
        Block { address: NonNull::new(address as *mut u8).expect("a block"), size }
    }

    /// Where it lies, in every program.
    pub fn address(&self) -> usize {
        self.address.as_ptr() as usize
    }

    /// Makes it a process's, or [`crate::HOST`]'s. It stays this process's when that fails.
    pub fn give(self, pid: i32) -> std::result::Result<(), (Block, Error)> {
        match check(unsafe { sys::tproc_give(self.as_raw(), pid) }, || format!("give a block to {}", pid)) {
            Ok(()) => {
                self.forget();
                Ok(())
            }
            Err(error) => Err((self, error)),
        }
    }

    /// The address of the object from which all others can be reached in this block, when it is an [`crate::Arena`].
    /// `None` for a type is any. EPROTO: it is none, or has no such object; EPROTOTYPE: that is of another type.
    pub fn root<'a>(&self, of_type: impl Into<Option<&'a str>>) -> Result<usize> {
        let wanted = of_type.into().map(c_text).transpose()?;
        let name = wanted.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        let mut root = std::ptr::null_mut();
        let code = unsafe { sys::tproc_arena_root(self.as_raw(), name, &mut root) };
        check(code, || format!("find the root of the arena at {:#x}", self.address()))?;
        Ok(root as usize)
    }

    pub(crate) fn as_raw(&self) -> *mut c_void {
        self.address.as_ptr() as *mut c_void
    }

    /// Another owns it now.
    pub(crate) fn forget(self) {
        std::mem::forget(self);
    }

    fn fits<T: Shared>(&self) -> bool {
        size_of::<T>() <= self.size && self.address() % align_of::<T>() == 0
    }
}

/// The process that owns a block, which may have ended; `None`: no allocated block begins there.
pub fn owner_of(address: usize) -> Option<i32> {
    match unsafe { sys::tproc_owner_of(address as *const c_void) } {
        0 => None,
        pid => Some(pid),
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.size) }
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut [u8] {
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.size) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        unsafe { sys::tproc_free(self.as_raw()) }
    }
}

/// A value in the shared heap, as `Box` has one in a program's own.
#[derive(Debug)]
pub struct SharedBox<T: Shared> {
    block: Block,
    of: PhantomData<T>,
}

impl<T: Shared> SharedBox<T> {
    /// Moves a value into the heap.
    pub fn new(value: T) -> Result<Self> {
        let block = Block::aligned(size_of::<T>(), align_of::<T>())?;
        let mut made = SharedBox { block, of: PhantomData };
        *made = value;
        Ok(made)
    }

    /// What a block holds, for example one that came with a message. EINVAL: it is too small, or not aligned.
    pub fn from_block(block: Block) -> Result<Self> {
        if block.fits::<T>() {
            Ok(SharedBox { block, of: PhantomData })
        } else {
            Err(Error::invalid(format!("find a value of {} bytes in a block of {}", size_of::<T>(), block.len())))
        }
    }

    /// The block, to be sent or given.
    pub fn into_block(self) -> Block {
        self.block
    }
}

impl<T: Shared> Deref for SharedBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        unsafe { &*(self.block.as_raw() as *const T) }
    }
}

impl<T: Shared> DerefMut for SharedBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        unsafe { &mut *(self.block.as_raw() as *mut T) }
    }
}

/// Before the elements of a [`SharedVec`].
const LENGTH_SIZE: usize = 16;

/// A growing array in the shared heap, as `Vec` is in a program's own. Its block begins with the number of elements (8
/// bytes); they follow after 16 bytes.
#[derive(Debug)]
pub struct SharedVec<T: Shared> {
    block: Block,
    of: PhantomData<T>,
}

impl<T: Shared> SharedVec<T> {
    /// An empty one with room for so many elements.
    pub fn with_capacity(capacity: usize) -> Result<Self> {
        Self::check_element()?;
        let size = capacity.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(LENGTH_SIZE));
        let block = Block::new(size.ok_or_else(|| Error::new(12, format!("allocate {} elements", capacity)))?)?;
        Ok(SharedVec { block, of: PhantomData })
    }

    /// One with a copy of these elements.
    pub fn from_slice(elements: &[T]) -> Result<Self> {
        let mut made = Self::with_capacity(elements.len())?;
        made.set_length(elements.len());
        made.copy_from_slice(elements);
        Ok(made)
    }

    /// What a block holds, for example one that came with a message. EINVAL: its length is more than it has room for.
    pub fn from_block(block: Block) -> Result<Self> {
        Self::check_element()?;
        let found = SharedVec { block, of: PhantomData };
        if found.block.len() < LENGTH_SIZE || found.length() > found.capacity() {
            return Err(Error::invalid(format!("find elements in a block of {} bytes", found.block.len())));
        }
        Ok(found)
    }

    /// The block, to be sent or given.
    pub fn into_block(self) -> Block {
        self.block
    }

    /// How many elements there is room for.
    pub fn capacity(&self) -> usize {
        (self.block.len() - LENGTH_SIZE) / size_of::<T>()
    }

    /// Adds an element at the end; moves all when there is no room.
    pub fn push(&mut self, element: T) -> Result<()> {
        let length = self.length();
        if length == self.capacity() {
            let mut larger = Self::with_capacity((2 * length).max(4))?;
            larger.set_length(length);
            larger.copy_from_slice(self);
            *self = larger;
        }
        self.set_length(length + 1);
        self[length] = element;
        Ok(())
    }

    /// Leaves the first so many.
    pub fn truncate(&mut self, length: usize) {
        if length < self.length() {
            self.set_length(length);
        }
    }

    /// Elements follow each other after 16 bytes.
    fn check_element() -> Result<()> {
        if size_of::<T>() == 0 || align_of::<T>() > LENGTH_SIZE {
            return Err(Error::invalid(format!(
                "lay out elements of {} bytes, aligned to {}",
                size_of::<T>(),
                align_of::<T>()
            )));
        }
        Ok(())
    }

    fn length(&self) -> usize {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block[..8]);
        u64::from_ne_bytes(bytes) as usize
    }

    fn set_length(&mut self, length: usize) {
        self.block[..8].copy_from_slice(&(length as u64).to_ne_bytes());
    }

    fn elements(&self) -> *mut T {
        (self.block.address() + LENGTH_SIZE) as *mut T
    }
}

impl<T: Shared> Deref for SharedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        unsafe { std::slice::from_raw_parts(self.elements(), self.length().min(self.capacity())) }
    }
}

impl<T: Shared> DerefMut for SharedVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        unsafe { std::slice::from_raw_parts_mut(self.elements(), self.length().min(self.capacity())) }
    }
}
