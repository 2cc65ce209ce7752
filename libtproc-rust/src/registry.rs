use crate::error::{check, Error, Result, ENOENT, EOWNERDEAD};
use crate::heap::Block;
use crate::sys::{self, RawEntry};
use crate::time::Deadline;
use std::ffi::CString;
use std::os::raw::c_char;
use std::time::Duration;

const STATE_ENDED: i32 = 1;
const KEPT: u32 = 1;

/// Something that is published by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1 to 95 bytes; what is not UTF-8 is shown as U+FFFD.
    pub name: String,
    /// What lies there, for example `acme.Ring/1`; up to 47 bytes, may be empty.
    pub type_name: String,
    /// Where it lies, in every program.
    pub address: usize,
    /// Bytes.
    pub size: usize,
    /// The publisher's own.
    pub version: u32,
    /// Names this publication, and never another.
    pub id: u64,
    /// Whose it is.
    pub pid: i32,
    /// Whether its process has ended; then `status` says how: an exit status, or 256 + the signal.
    pub ended: bool,
    pub status: i32,
}

/// What this process has published: it is withdrawn when this is dropped.
#[derive(Debug)]
pub struct Publication {
    raw: RawEntry,
}

impl std::fmt::Debug for RawEntry {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Entry::of(self).fmt(to)
    }
}

fn empty() -> RawEntry {
    RawEntry {
        name: [0; 96],
        type_name: [0; 48],
        address: std::ptr::null_mut(),
        size: 0,
        version: 0,
        flags: 0,
        id: 0,
        pid: 0,
        state: 0,
        status: 0,
        reserved: 0,
    }
}

fn put(text: &str, to: &mut [u8], what: &str) -> Result<()> {
    if text.len() >= to.len() || text.contains('\0') {
        return Err(Error::invalid(format!("{} of up to {} bytes without NUL: {}", what, to.len() - 1, text)));
    }
    to[..text.len()].copy_from_slice(text.as_bytes());
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

pub(crate) fn c_text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::invalid(format!("a text with a NUL: {}", text)))
}

impl Entry {
    fn of(raw: &RawEntry) -> Entry {
        Entry {
            name: text(&raw.name),
            type_name: text(&raw.type_name),
            address: raw.address as usize,
            size: raw.size,
            version: raw.version,
            id: raw.id,
            pid: raw.pid,
            ended: raw.state == STATE_ENDED,
            status: raw.status,
        }
    }

    /// Sleeps until the publication is no more, or its process has ended.
    ///
    /// ETIMEDOUT: it is still there.
    pub fn watch(&mut self, timeout: Option<Duration>) -> Result<()> {
        let mut raw = empty();
        raw.id = self.id;
        put(&self.name, &mut raw.name, "a name")?;
        let deadline = Deadline::after(timeout);
        check(unsafe { sys::tproc_watch(&mut raw, deadline.as_ptr()) }, || format!("watch {}", self.name))?;
        self.ended = raw.state == STATE_ENDED;
        self.status = raw.status;
        Ok(())
    }
}

/// Publishes a block, until the publication is dropped or this process ends. The block has to stay: give it to
/// [`crate::HOST`], or keep it.
///
/// EEXIST: a living process has the name.
pub fn publish(name: &str, type_name: &str, block: &Block, version: u32) -> Result<Publication> {
    publish_range(name, type_name, block.address(), block.len(), version, false)
}

/// As [`publish`], but when this process ends the entry is kept to say how ([`Entry::ended`]), until the name is
/// published anew.
pub fn publish_kept(name: &str, type_name: &str, block: &Block, version: u32) -> Result<Publication> {
    publish_range(name, type_name, block.address(), block.len(), version, true)
}

pub(crate) fn publish_range(
    name: &str,
    type_name: &str,
    address: usize,
    size: usize,
    version: u32,
    kept: bool,
) -> Result<Publication> {
    let mut raw = empty();
    put(name, &mut raw.name, "a name")?;
    put(type_name, &mut raw.type_name, "a type")?;
    raw.address = address as *mut _;
    raw.size = size;
    raw.version = version;
    raw.flags = if kept { KEPT } else { 0 };
    check(unsafe { sys::tproc_publish(&mut raw) }, || format!("publish {}", name))?;
    Ok(Publication { raw })
}

impl Publication {
    pub fn entry(&self) -> Entry {
        Entry::of(&self.raw)
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        unsafe { sys::tproc_withdraw(&self.raw) };
    }
}

/// What an entry has to be; `None`: anything.
fn wanted(type_name: Option<&str>) -> Result<Option<CString>> {
    type_name.map(c_text).transpose()
}

fn as_ptr(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// Finds what is published under a name; with the type `None`, of any type. One whose process has ended, and which is
/// kept, says so ([`Entry::ended`]).
///
/// EPROTOTYPE: it is of another type.
pub fn lookup<'a>(name: &str, type_name: impl Into<Option<&'a str>>) -> Result<Option<Entry>> {
    let mut raw = empty();
    let (name_text, type_text) = (c_text(name)?, wanted(type_name.into())?);
    match unsafe { sys::tproc_lookup(name_text.as_ptr(), as_ptr(&type_text), &mut raw) } {
        ENOENT => Ok(None),
        EOWNERDEAD => Ok(Some(Entry::of(&raw))),
        code => check(code, || format!("look up {}", name)).map(|()| Some(Entry::of(&raw))),
    }
}

/// Sleeps until a name is published; with the type `None`, of any type.
///
/// ETIMEDOUT, EPROTOTYPE.
pub fn wait_for<'a>(name: &str, type_name: impl Into<Option<&'a str>>, timeout: Option<Duration>) -> Result<Entry> {
    let mut raw = empty();
    let (name_text, type_text) = (c_text(name)?, wanted(type_name.into())?);
    let deadline = Deadline::after(timeout);
    let code = unsafe { sys::tproc_await(name_text.as_ptr(), as_ptr(&type_text), deadline.as_ptr(), &mut raw) };
    check(code, || format!("wait for {}", name))?;
    Ok(Entry::of(&raw))
}

/// All that is published now.
pub fn entries() -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut place = 0;
    loop {
        let mut raw = empty();
        match unsafe { sys::tproc_list(&mut place, &mut raw) } {
            0 => found.push(Entry::of(&raw)),
            ENOENT => return Ok(found),
            code => return Err(Error::new(code, "list what is published")),
        }
    }
}
