use std::fmt;

/// What a call of libtproc says that did not work: an error number of errno.h, and what was to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: i32,
    step: String,
}

pub type Result<T> = std::result::Result<T, Error>;

pub(crate) const EINVAL: i32 = 22;
pub(crate) const ETIMEDOUT: i32 = 110;
pub(crate) const EPIPE: i32 = 32;
pub(crate) const EAGAIN: i32 = 11;
pub(crate) const EBUSY: i32 = 16;
pub(crate) const ENOENT: i32 = 2;
pub(crate) const EALREADY: i32 = 114;
pub(crate) const EOWNERDEAD: i32 = 130;
pub(crate) const ENOTRECOVERABLE: i32 = 131;

impl Error {
    pub(crate) fn new(code: i32, step: impl Into<String>) -> Self {
        Error { code, step: step.into() }
    }

    pub(crate) fn invalid(step: impl Into<String>) -> Self {
        Self::new(EINVAL, step)
    }

    pub fn code(&self) -> i32 {
        self.code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {}", self.step, std::io::Error::from_raw_os_error(self.code))
    }
}

impl std::error::Error for Error {}

pub(crate) fn check(code: i32, step: impl FnOnce() -> String) -> Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(Error::new(code, step()))
    }
}
