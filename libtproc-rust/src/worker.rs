use crate::error::{check, Result, EINVAL, EPIPE};
use crate::heap::Block;
use crate::sys::{self, RawMessage, RawRequest, RawWorker};
use std::any::Any;
use std::os::raw::{c_int, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::{null, null_mut};
use std::slice;

/// The code of a [`Failure`] that is no error number.
pub const EXCEPTION: i32 = -1;

/// Bytes of a response that take no memory of the heap.
const INLINE_MAX: usize = 24;

/// A request, while its handler runs.
pub struct Request<'a> {
    raw: &'a mut RawRequest,
}

impl Request<'_> {
    /// Its number, in its pool.
    pub fn id(&self) -> u64 {
        self.raw.id
    }

    /// Its own bytes.
    pub fn data(&self) -> &[u8] {
        bytes(self.raw.data, self.raw.size)
    }

    /// How many buffers of Java's it brings along.
    pub fn buffer_count(&self) -> usize {
        self.raw.buffer_count
    }

    /// A buffer of Java's, in place.
    ///
    /// # Panics
    ///
    /// When there is none of that number.
    pub fn buffer(&self, number: usize) -> &[u8] {
        let (address, size) = self.range(number);
        bytes(address, size)
    }

    /// The same, to be changed.
    pub fn buffer_mut(&mut self, number: usize) -> &mut [u8] {
        let (address, size) = self.range(number);
        if size == 0 {
            return &mut [];
        }
        unsafe { slice::from_raw_parts_mut(address as *mut u8, size) }
    }

    /// The block that came with it, which is the caller's from here on. One that is not taken is freed.
    pub fn take_block(&mut self) -> Option<Block> {
        let block = std::mem::replace(&mut self.raw.block, null_mut());
        (!block.is_null()).then(|| Block::owned(block))
    }

    fn range(&self, number: usize) -> (*const c_void, usize) {
        assert!(number < self.raw.buffer_count, "buffer {} of {}", number, self.raw.buffer_count);
        let buffer = unsafe { &*self.raw.buffers.add(number) };
        (buffer.address, buffer.size)
    }
}

fn bytes<'a>(address: *const c_void, size: usize) -> &'a [u8] {
    if size == 0 {
        return &[];
    }
    unsafe { slice::from_raw_parts(address as *const u8, size) }
}

/// What a handler answers: bytes, and perhaps a block, which is Java's then.
#[derive(Debug, Default)]
pub struct Response {
    pub data: Vec<u8>,
    pub block: Option<Block>,
}

impl From<()> for Response {
    fn from(_: ()) -> Self {
        Self::default()
    }
}

impl From<Vec<u8>> for Response {
    fn from(data: Vec<u8>) -> Self {
        Response { data, block: None }
    }
}

impl From<String> for Response {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Response {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

impl From<Block> for Response {
    fn from(block: Block) -> Self {
        Response { data: Vec::new(), block: Some(block) }
    }
}

/// Why a request has failed: its code and message are Java's `WorkerFailedException`'s. Any error becomes one by `?`,
/// with the code [`EXCEPTION`].
#[derive(Debug)]
pub struct Failure {
    code: i32,
    message: String,
}

impl Failure {
    /// The code is not 0.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Failure { code: if code == 0 { EXCEPTION } else { code }, message: message.into() }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::new(EXCEPTION, error.to_string())
    }
}

struct Worker(Box<RawWorker>);

impl Worker {
    fn open() -> Result<Worker> {
        let mut raw = Box::new(RawWorker::default());
        check(unsafe { sys::tproc_worker_open(&mut *raw) }, || "serve a pool of workers".to_string())?;
        Ok(Worker(raw))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        unsafe { sys::tproc_worker_close(&mut *self.0) };
    }
}

/// Serves the requests of the pool that has started this program, until the pool closes. Several threads may call it.
///
/// The handler's response is what [`Response`] is made from. What it returns as an error, and a panic, is an exception
/// in Java, and the next request is served.
///
/// ENOENT: no pool has started this program.
///
/// ```no_run
/// tproc::serve(|request: &mut tproc::Request| {
///     let factor: u8 = std::str::from_utf8(request.data())?.parse()?;
///     request.buffer_mut(0).iter_mut().for_each(|byte| *byte *= factor); // Java's buffer, in place
///     Ok("scaled")
/// })?;
/// # Ok::<(), tproc::Error>(())
/// ```
pub fn serve<H, R>(mut handler: H) -> Result<()>
where
    H: FnMut(&mut Request<'_>) -> std::result::Result<R, Failure>,
    R: Into<Response>,
{
    let mut worker = Worker::open()?;
    let mut raw = RawRequest {
        data: null(),
        size: 0,
        buffers: null(),
        buffer_count: 0,
        block: null_mut(),
        id: 0,
        received: RawMessage::EMPTY,
        response: RawMessage::EMPTY,
        part: null_mut(),
    };
    loop {
        let mut code = unsafe { sys::tproc_worker_receive(&mut *worker.0, &mut raw, null()) };
        if code == 0 {
            let outcome = handle(&mut handler, &mut raw);
            code = unsafe { sys::tproc_worker_finish(&mut *worker.0, &mut raw, outcome) };
        }
        if code == EPIPE {
            return Ok(());
        }
        check(code, || "serve a request".to_string())?;
    }
}

/// The code that the request is finished with.
fn handle<H, R>(handler: &mut H, raw: &mut RawRequest) -> c_int
where
    H: FnMut(&mut Request<'_>) -> std::result::Result<R, Failure>,
    R: Into<Response>,
{
    let called = catch_unwind(AssertUnwindSafe(|| handler(&mut Request { raw }).map(Into::into)));
    let answered = match called {
        Ok(Ok(response)) => respond(raw, response).map_err(Failure::from),
        Ok(Err(failure)) => Err(failure),
        Err(panic) => Err(Failure::new(EXCEPTION, text_of(&*panic))),
    };
    match answered {
        Ok(()) => 0,
        Err(failure) => {
            let message = failure.message.as_bytes();
            if respond_data(raw, message) != 0 {
                respond_data(raw, &message[..message.len().min(INLINE_MAX)]); // the heap is full
            }
            failure.code
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_else(|| "a panic".to_string())
}

fn respond_data(raw: &mut RawRequest, data: &[u8]) -> c_int {
    unsafe { sys::tproc_respond(raw, data.as_ptr() as *const c_void, data.len()) }
}

fn respond(raw: &mut RawRequest, response: Response) -> Result<()> {
    check(respond_data(raw, &response.data), || format!("respond {} bytes", response.data.len()))?;
    if let Some(block) = response.block {
        let code = unsafe { sys::tproc_respond_block(raw, block.as_raw()) };
        if code != EINVAL {
            block.forget(); // the request's
        }
        check(code, || "respond a block".to_string())?;
    }
    Ok(())
}
