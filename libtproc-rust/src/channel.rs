use crate::error::{check, Error, Result, EAGAIN, EPIPE, ETIMEDOUT};
use crate::heap::Block;
use crate::registry::c_text;
use crate::sys::{self, RawChannel, RawMessage, RawSelection};
use crate::time::Deadline;
use std::os::raw::c_uint;
use std::sync::{Condvar, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

/// Most bytes in a message.
pub const MESSAGE_MAX: usize = 48;

const SENDER: c_uint = 1;
const RECEIVER: c_uint = 2;

/// A message: bytes, and perhaps a block that is the receiver's from here on.
#[derive(Debug)]
pub struct Message {
    pub data: Vec<u8>,
    pub block: Option<Block>,
}

impl Message {
    fn of(raw: &RawMessage) -> Message {
        let length = (raw.length as usize).min(MESSAGE_MAX);
        let block = if raw.block.is_null() { None } else { Some(Block::owned(raw.block)) };
        Message { data: raw.data[..length].to_vec(), block }
    }
}

#[derive(Debug)]
struct End {
    raw: Box<RawChannel>,
}

impl std::fmt::Debug for RawChannel {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "channel {}", self.id)
    }
}

// All threads of a process may use its end at a time.
unsafe impl Send for End {}
unsafe impl Sync for End {}

impl End {
    fn closed() -> Box<RawChannel> {
        Box::new(RawChannel::CLOSED)
    }

    fn create(cells: u32, role: c_uint) -> Result<End> {
        let mut raw = Self::closed();
        let code = unsafe { sys::tproc_channel_create(&mut *raw, cells, role) };
        check(code, || format!("make a channel of {} messages", cells))?;
        Ok(End { raw })
    }

    fn open(name: &str, role: c_uint, timeout: Option<Duration>) -> Result<End> {
        let mut raw = Self::closed();
        let text = c_text(name)?;
        let deadline = Deadline::after(timeout);
        let code = unsafe { sys::tproc_channel_open(&mut *raw, text.as_ptr(), role, deadline.as_ptr()) };
        check(code, || format!("open the channel {}", name))?;
        Ok(End { raw })
    }

    fn open_id(id: u64, role: c_uint) -> Result<End> {
        let mut raw = Self::closed();
        let code = unsafe { sys::tproc_channel_open_id(&mut *raw, id, role) };
        check(code, || format!("open the channel {}", id))?;
        Ok(End { raw })
    }

    fn peers(&self) -> Result<(usize, usize)> {
        let (mut senders, mut receivers) = (0, 0);
        let code = unsafe { sys::tproc_channel_peers(&*self.raw, &mut senders, &mut receivers) };
        check(code, || "count the ends of a channel".to_string())?;
        Ok((senders as usize, receivers as usize))
    }

    fn publish(&self, name: &str) -> Result<()> {
        let text = c_text(name)?;
        let code = unsafe { sys::tproc_channel_publish(&*self.raw, text.as_ptr()) };
        check(code, || format!("publish the channel {}", name))
    }

    fn as_ptr(&self) -> *mut RawChannel {
        &*self.raw as *const RawChannel as *mut RawChannel
    }
}

impl Drop for End {
    fn drop(&mut self) {
        unsafe { sys::tproc_channel_close(&mut *self.raw) };
    }
}

/// Makes channels: bounded queues between programs.
pub struct Channel;

impl Channel {
    /// A channel of so many messages (a power of two, 64 bytes each), open to receive, and published under a name.
    pub fn receiver(name: &str, cells: u32) -> Result<Receiver> {
        let end = End::create(cells, RECEIVER)?;
        end.publish(name)?;
        Ok(Receiver { end, turns: Turns::default() })
    }

    /// The same, open to send.
    pub fn sender(name: &str, cells: u32) -> Result<Sender> {
        let end = End::create(cells, SENDER)?;
        end.publish(name)?;
        Ok(Sender::of(end))
    }
}

/// An end that sends. Any thread may use it.
#[derive(Debug)]
pub struct Sender {
    end: End,
    /// A channel may be for one thread at a time. Nothing is waited for with it.
    sending: Lock<()>,
}

impl Sender {
    fn of(end: End) -> Sender {
        Sender { end, sending: Lock::new(()) }
    }

    /// Opens the channel that is published under a name; sleeps until it is there.
    pub fn open(name: &str, timeout: Option<Duration>) -> Result<Sender> {
        Ok(Sender::of(End::open(name, SENDER, timeout)?))
    }

    /// Makes a channel of so many messages (a power of two, 64 bytes each), open to send.
    pub fn create(cells: u32) -> Result<Sender> {
        Ok(Sender::of(End::create(cells, SENDER)?))
    }

    /// Opens the channel whose id was told. ESTALE: it is no more.
    pub fn open_id(id: u64) -> Result<Sender> {
        Ok(Sender::of(End::open_id(id, SENDER)?))
    }

    /// The channel's number, for `open_id` in any program.
    pub fn id(&self) -> u64 {
        self.end.raw.id
    }

    /// Publishes the channel, for `open`.
    pub fn publish(&self, name: &str) -> Result<()> {
        self.end.publish(name)
    }

    /// How many ends there are that send, and that receive.
    pub fn peers(&self) -> Result<(usize, usize)> {
        self.end.peers()
    }

    /// Sends as many of the messages as there is room for, and sleeps until that is at least one. Those that were sent
    /// are taken away from the front; returns how many they were.
    pub fn send_batch(&self, messages: &mut Vec<Message>) -> Result<usize> {
        let raw = messages.iter().map(|each| Self::message(&each.data, each.block.as_ref()));
        let raw = raw.collect::<Result<Vec<RawMessage>>>()?;
        let mut sent = 0;
        let past = Deadline::after(Some(Duration::from_secs(0)));
        let code = self.when_there_is_room(&Deadline::after(None), || unsafe {
            sys::tproc_channel_send_batch(self.end.as_ptr(), raw.as_ptr(), raw.len(), &mut sent, past.as_ptr())
        });
        messages.drain(..sent).filter_map(|each| each.block).for_each(Block::forget);
        check(code, || "send".to_string())?;
        Ok(sent)
    }

    /// Sends; sleeps while there is no room. EPIPE: there is no receiver any more. A block that could not be sent is
    /// freed.
    pub fn send(&self, data: &[u8], block: Option<Block>) -> Result<()> {
        self.send_within(data, block, None)
    }

    /// Sends; ETIMEDOUT when there is no room for so long.
    pub fn send_within(&self, data: &[u8], block: Option<Block>, timeout: Option<Duration>) -> Result<()> {
        let deadline = Deadline::after(timeout);
        let message = Self::message(data, block.as_ref())?;
        let code =
            self.when_there_is_room(&deadline, || unsafe { sys::tproc_channel_trysend(self.end.as_ptr(), &message) });
        check(code, || "send".to_string())?;
        block.map(Block::forget); // the receiver's
        Ok(())
    }

    /// Sends if there is room. Returns the block when there is none.
    pub fn try_send(&self, data: &[u8], block: Option<Block>) -> Result<std::result::Result<(), Option<Block>>> {
        let message = Self::message(data, block.as_ref())?;
        match self.alone(|| unsafe { sys::tproc_channel_trysend(self.end.as_ptr(), &message) }) {
            0 => {
                block.map(Block::forget);
                Ok(Ok(()))
            }
            EAGAIN => Ok(Err(block)),
            code => Err(Error::new(code, "send")),
        }
    }

    fn message(data: &[u8], block: Option<&Block>) -> Result<RawMessage> {
        if data.len() > MESSAGE_MAX {
            return Err(Error::invalid(format!("send {} bytes, where {} are the most", data.len(), MESSAGE_MAX)));
        }
        let mut message = RawMessage {
            block: block.map_or(std::ptr::null_mut(), Block::as_raw),
            length: data.len() as u32,
            reserved: 0,
            data: [0; MESSAGE_MAX],
        };
        message.data[..data.len()].copy_from_slice(data);
        Ok(message)
    }

    fn alone(&self, send: impl FnOnce() -> i32) -> i32 {
        let _sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        send()
    }

    /// Sends with what does not wait, until it does not say any more that there is no room.
    fn when_there_is_room(&self, deadline: &Deadline, mut send: impl FnMut() -> i32) -> i32 {
        loop {
            let code = self.alone(&mut send);
            if code != EAGAIN && code != ETIMEDOUT {
                return code;
            }
            let mut room = RawSelection { channel: self.end.as_ptr(), role: SENDER, ready: 0 };
            let waited = unsafe { sys::tproc_channel_select(&mut room, 1, deadline.as_ptr()) };
            if waited != 0 {
                return waited;
            }
        }
    }
}

/// One thread at a time has the turn. Others wait for it no longer than they want to.
#[derive(Debug, Default)]
struct Turns {
    taken: Lock<bool>,
    given_back: Condvar,
}

struct Turn<'a>(&'a Turns);

impl Turns {
    fn try_take(&self) -> Option<Turn<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = !std::mem::replace(&mut *taken, true);
        is_free.then(|| Turn(self))
    }

    fn take(&self, until: Option<Instant>) -> Option<Turn<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            taken = match until.map(|moment| moment.saturating_duration_since(Instant::now())) {
                None => self.given_back.wait(taken).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return None,
                Some(left) => self.given_back.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        *taken = true;
        Some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.given_back.notify_one();
    }
}

/// An end that receives. Its threads take turns: a message goes to one of them.
#[derive(Debug)]
pub struct Receiver {
    end: End,
    turns: Turns,
}

impl Receiver {
    /// Opens the channel that is published under a name; sleeps until it is there.
    pub fn open(name: &str, timeout: Option<Duration>) -> Result<Receiver> {
        Ok(Receiver { end: End::open(name, RECEIVER, timeout)?, turns: Turns::default() })
    }

    /// Makes a channel of so many messages (a power of two, 64 bytes each), open to receive.
    pub fn create(cells: u32) -> Result<Receiver> {
        Ok(Receiver { end: End::create(cells, RECEIVER)?, turns: Turns::default() })
    }

    /// Opens the channel whose id was told. ESTALE: it is no more.
    pub fn open_id(id: u64) -> Result<Receiver> {
        Ok(Receiver { end: End::open_id(id, RECEIVER)?, turns: Turns::default() })
    }

    /// The channel's number, for `open_id` in any program.
    pub fn id(&self) -> u64 {
        self.end.raw.id
    }

    /// Publishes the channel, for `open`.
    pub fn publish(&self, name: &str) -> Result<()> {
        self.end.publish(name)
    }

    /// How many ends there are that send, and that receive.
    pub fn peers(&self) -> Result<(usize, usize)> {
        self.end.peers()
    }

    /// Receives as many messages as there are, up to `most`, and sleeps until that is at least one. Adds them at the
    /// end of `to`, also before an error, which is of the next one. Returns how many; 0: nothing is left, and there is
    /// no sender any more.
    pub fn receive_batch(&self, to: &mut Vec<Message>, most: usize) -> Result<usize> {
        let _turn = self.turns.take(None);
        let mut raw = vec![RawMessage::EMPTY; most];
        let mut count = 0;
        let code = unsafe {
            sys::tproc_channel_receive_batch(self.end.as_ptr(), raw.as_mut_ptr(), most, &mut count, std::ptr::null())
        };
        to.extend(raw[..count].iter().map(Message::of));
        match code {
            EPIPE => Ok(0),
            _ => check(code, || "receive".to_string()).map(|()| count),
        }
    }

    /// Receives; sleeps until there is a message. `None`: nothing is left, and there is no sender any more.
    pub fn receive(&self) -> Result<Option<Message>> {
        self.receive_within(None)
    }

    /// Receives; ETIMEDOUT when there is none for so long.
    pub fn receive_within(&self, timeout: Option<Duration>) -> Result<Option<Message>> {
        let deadline = Deadline::after(timeout);
        let turn = self.turns.take(timeout.and_then(|time| Instant::now().checked_add(time)));
        self.pass(turn, ETIMEDOUT, |message| unsafe {
            sys::tproc_channel_receive(self.end.as_ptr(), message, deadline.as_ptr())
        })
    }

    /// Receives if there is a message. EAGAIN: there is none yet, or another thread is at it and gets the next.
    pub fn try_receive(&self) -> Result<Option<Message>> {
        self.pass(self.turns.try_take(), EAGAIN, |message| unsafe {
            sys::tproc_channel_tryreceive(self.end.as_ptr(), message)
        })
    }

    /// Receives until no sender is left.
    pub fn iter(&self) -> impl Iterator<Item = Result<Message>> + '_ {
        std::iter::from_fn(move || self.receive().transpose())
    }

    fn pass(
        &self,
        turn: Option<Turn<'_>>,
        none: i32,
        receive: impl FnOnce(&mut RawMessage) -> i32,
    ) -> Result<Option<Message>> {
        let _turn = turn.ok_or_else(|| Error::new(none, "receive"))?;
        let mut message = RawMessage::EMPTY;
        match receive(&mut message) {
            0 => Ok(Some(Message::of(&message))),
            EPIPE => Ok(None),
            code => Err(Error::new(code, "receive")),
        }
    }
}

/// One of several ends that [`select`] waits for.
#[derive(Debug, Clone, Copy)]
pub enum Selection<'a> {
    /// Until there is a message, or no sender any more.
    Receiver(&'a Receiver),
    /// Until there is room, or no receiver any more.
    Sender(&'a Sender),
}

/// Most ends of a [`select`].
pub const SELECT_MAX: usize = 127;

/// Sleeps until one of several is ready. Returns the numbers of all that are; another may be quicker, so `try_send` and
/// `try_receive` decide.
///
/// ETIMEDOUT; EINVAL: none, or more than [`SELECT_MAX`].
pub fn select(ends: &[Selection<'_>], timeout: Option<Duration>) -> Result<Vec<usize>> {
    let mut raw: Vec<RawSelection> = ends
        .iter()
        .map(|each| match each {
            Selection::Receiver(end) => RawSelection { channel: end.end.as_ptr(), role: RECEIVER, ready: 0 },
            Selection::Sender(end) => RawSelection { channel: end.end.as_ptr(), role: SENDER, ready: 0 },
        })
        .collect();
    let deadline = Deadline::after(timeout);
    let code = unsafe { sys::tproc_channel_select(raw.as_mut_ptr(), raw.len(), deadline.as_ptr()) };
    check(code, || format!("select of {} channels", ends.len()))?;
    Ok((0..raw.len()).filter(|&number| raw[number].ready != 0).collect())
}
