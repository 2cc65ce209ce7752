//! The conformance program of Rust: conformance.c says what it does.  conformance make|use PREFIX [SOCKET]

use std::process::exit;
use std::time::Duration;
use tproc::{Arena, Barrier, Block, Condition, Event, Message, Mutex, Once, Receiver, Selection, Semaphore, Sender};

const SOON: Duration = Duration::from_millis(10);
const EPIPE: i32 = 32;
const EPROTOTYPE: i32 = 91;
const ETIMEDOUT: i32 = 110;
const SIGKILL: i32 = 9;

/// What arenas have in all languages: a list of three; each has a value, and the address of the next.
type Node = [u64; 2];
const NODE: Node = [0, 0];

fn values(arena: &Arena, first: usize) -> Vec<u64> {
    let mut found = Vec::new();
    let mut at = first;
    while at != 0 {
        let node: &Node = arena.get(at).unwrap();
        found.push(node[0]);
        at = node[1] as usize;
    }
    found
}

extern "C" {
    fn raise(signal: i32) -> i32;
}

static STEP: std::sync::Mutex<&str> = std::sync::Mutex::new("");

fn begin(next: &'static str) {
    let mut step = STEP.lock().unwrap();
    if !step.is_empty() {
        println!("ok {}", step);
    }
    *step = next;
}

fn code_of<T>(result: tproc::Result<T>) -> i32 {
    result.err().map_or(0, |error| error.code())
}

fn error<T>(call: &str, result: tproc::Result<T>) {
    println!("error {} {}", call, code_of(result));
}

fn own_pid() -> i32 {
    std::process::id() as i32
}

struct Conformance {
    prefix: String,
    output: Sender,
    input: Receiver,
    mutex: Mutex<u64>,
    condition: Condition,
    event: Event,
    semaphore: Semaphore,
    barrier: Barrier,
    once: Once,
}

impl Conformance {
    fn name(&self, of: &str) -> String {
        format!("{}.{}", self.prefix, of)
    }

    fn tell(&self, text: &str) {
        self.send(text.as_bytes(), None);
    }

    fn send(&self, data: &[u8], block: Option<Block>) {
        self.output.send(data, block).unwrap();
    }

    fn receive(&self) -> Message {
        self.input.receive().unwrap().expect("a message, not the end of the other program")
    }

    fn hear(&self, text: &str) -> Option<Block> {
        let message = self.receive();
        assert_eq!(String::from_utf8_lossy(&message.data), text);
        message.block
    }

    fn hear_number(&self) -> usize {
        String::from_utf8(self.receive().data).unwrap().parse().unwrap()
    }

    fn has(&self, value: u64) -> bool {
        *self.mutex.lock().unwrap() == value
    }

    fn set(&self, value: u64) {
        *self.mutex.lock().unwrap() = value;
    }

    fn pass_barrier(&self) -> usize {
        (0..20).filter(|_| self.barrier.wait().unwrap()).count()
    }

    fn wrong_calls(&self) {
        let block = Block::new(8).unwrap();
        let inside = block.address() + 4;
        error("long message", self.output.try_send(&[0; 49], None));
        error("three cells", Sender::create(3));
        error("no channel", Sender::open_id(u64::MAX));
        error("taken name", tproc::publish(&self.name("mutex"), "", &block, 0));
        error("other type", tproc::wait_for(&self.name("mutex"), "it.Other/1", None));
        error("long name", tproc::lookup(&"x".repeat(96), None));
        error("no process", block.give(1).map_err(|(_, error)| error));
        error("no block", unsafe { Block::take(inside) });
        error("too large", Block::new(1 << 60));
        error("no arena", Block::new(8).unwrap().root(None));
        let mut arena = Arena::new(1200).unwrap();
        error("full arena", arena.alloc(4096, 16));
        let root = arena.put(NODE).unwrap();
        error("long type", arena.set_root(root, &"x".repeat(48)));
        error("no party", Barrier::new(0).unwrap().wait());
        error("full semaphore", Semaphore::new(u32::MAX).unwrap().release());
    }

    fn make_messages(&self) {
        begin("inline");
        let bytes: Vec<u8> = (0..48).collect();
        self.send(&bytes, None);
        let back = self.receive();
        assert!(back.block.is_none() && back.data.iter().rev().eq(bytes.iter()));
        self.tell("");

        begin("block");
        let mut block = Block::new(1000).unwrap();
        let address = block.address();
        (0..1000).for_each(|i| block[i] = (i % 251) as u8);
        self.send(b"block", Some(block));
        let block = self.hear("changed").unwrap();
        assert_eq!((block.address(), tproc::owner_of(address)), (address, Some(own_pid())));
        assert!((0..1000).all(|i| usize::from(block[i]) == i % 251 + 1));
        let block = self.hear("own").unwrap();
        assert!(block.len() >= 5000 && block[4999] == 9);

        begin("free");
        let block = Block::new(64).unwrap();
        let address = block.address();
        std::mem::forget(block);
        self.tell(&address.to_string());
        self.hear("freed");
        assert_eq!(tproc::owner_of(address), None);
    }

    fn make_arena(&self) {
        begin("arena");
        let mut arena = Arena::new(4096).unwrap();
        let last = arena.put::<Node>([3, 0]).unwrap();
        let first = arena.put::<Node>([4, last as u64]).unwrap();
        let used = arena.used();
        let spare = arena.alloc(100, 1).unwrap();
        arena.free(spare, 100);
        assert_eq!(arena.used(), used);
        arena.set_root(first, "it.Node/1").unwrap();
        self.send(b"arena", Some(arena.into_block()));
        let grown = Arena::from_block(self.hear("grown").unwrap()).unwrap();
        assert_eq!(grown.root("it.Node/1").unwrap(), first);
        assert_eq!(values(&grown, first), [4, 5, 3]);
    }

    fn use_arena(&self) {
        begin("arena");
        let block = self.hear("arena").unwrap();
        assert_eq!(tproc::owner_of(block.address()), Some(own_pid()));
        assert_eq!(code_of(block.root("it.Other/1")), EPROTOTYPE);
        let mut arena = Arena::from_block(block).unwrap();
        let first = arena.root("it.Node/1").unwrap();
        assert_eq!(arena.root(None).unwrap(), first);
        assert_eq!(values(&arena, first), [4, 3]);
        let next = arena.get::<Node>(first).unwrap()[1];
        let added = arena.put::<Node>([5, next]).unwrap();
        arena.get_mut::<Node>(first).unwrap()[1] = added as u64;
        self.send(b"grown", Some(arena.into_block()));
    }

    fn make_gift(&self, peer: i32) {
        begin("give");
        let mut block = Block::new(64).unwrap();
        let address = block.address();
        block[63] = 5;
        block.give(peer).map_err(|(_, error)| error).unwrap();
        self.tell(&address.to_string());
        self.hear("freed");
        assert_eq!(tproc::owner_of(address), None);
    }

    fn make_registry(&self, entry: tproc::Publication) {
        begin("registry");
        self.hear("found");
        drop(entry);
        self.hear("gone");
    }

    fn make_locks(&self) {
        begin("mutex");
        let mut held = self.mutex.lock().unwrap();
        self.tell("locked");
        self.hear("busy");
        *held = 41;
        drop(held);
        self.tell("free");
        self.hear("done");
        assert!(self.has(42));

        begin("condition");
        self.hear("waiting");
        let mut held = self.mutex.lock().unwrap();
        *held = 50;
        self.condition.notify_all();
        drop(self.condition.wait_while(held, |value| *value != 51).unwrap());

        begin("event");
        self.set(60);
        self.event.signal();
        self.event.wait(|| self.has(61)).unwrap();

        begin("semaphore");
        self.hear("taken");
        self.semaphore.release().unwrap();
        self.hear("got");
        assert!(!self.semaphore.try_acquire());

        begin("barrier");
        let last = self.pass_barrier();
        assert_eq!(last + self.hear_number(), 20);
        self.barrier.leave().unwrap();

        begin("once");
        let mut calls = 0;
        self.once.call(|| calls += 1).unwrap();
        self.tell("once");
        self.hear("not again");
        assert_eq!(calls, 1);
    }

    fn make_channels(&self) {
        begin("batch");
        let batch = Sender::create(4).unwrap();
        batch.publish(&self.name("batch")).unwrap();
        self.hear("open");
        let mut messages = (0..3).map(|i| Message { data: vec![i], block: None }).collect();
        assert_eq!(batch.send_batch(&mut messages).unwrap(), 3);
        drop(batch);
        self.hear("three");

        begin("close");
        let shut = Sender::create(4).unwrap();
        shut.publish(&self.name("shut")).unwrap();
        self.hear("shut");
        assert_eq!(code_of(shut.try_send(&[], None)), EPIPE);
    }

    /// The user dies with the mutex, unless it is the host.
    fn make_death(&self) {
        begin("death");
        if self.receive().data == b"locked" {
            let mut kept = tproc::lookup(&self.name("kept"), None).unwrap().unwrap();
            let mut held = self.mutex.lock().unwrap();
            assert!(held.owner_died() && *held == 70);
            held.consistent();
            drop(held);
            assert!(self.has(70));
            kept.watch(None).unwrap();
            assert_eq!((kept.ended, kept.status), (true, 256 + SIGKILL));
            assert!(tproc::lookup(&self.name("kept"), None).unwrap().unwrap().ended);
        }
        assert!(self.input.receive().unwrap().is_none());
        let mut codes = std::iter::repeat_with(|| code_of(self.output.send(&[], None)));
        assert_eq!(codes.find(|&code| code != 0), Some(EPIPE)); // one end goes after the other
    }

    fn use_messages(&self) {
        begin("inline");
        let mut bytes = self.receive().data;
        assert_eq!(bytes.len(), 48);
        bytes.reverse();
        self.send(&bytes, None);
        self.hear("");

        begin("block");
        let mut block = self.hear("block").unwrap();
        assert_eq!(tproc::owner_of(block.address()), Some(own_pid()));
        block[..1000].iter_mut().for_each(|byte| *byte += 1);
        self.send(b"changed", Some(block));
        let mut block = Block::new(5000).unwrap();
        block[4999] = 9;
        self.send(b"own", Some(block));

        begin("free");
        drop(unsafe { Block::take(self.hear_number()) }.unwrap());
        self.tell("freed");

        self.use_arena();

        begin("give");
        let address = self.hear_number();
        assert_eq!(tproc::owner_of(address), Some(own_pid()));
        let block = unsafe { Block::take(address) }.unwrap();
        assert_eq!(block[63], 5);
        drop(block);
        self.tell("freed");
    }

    fn use_registry(&self, peer: i32) {
        begin("registry");
        let name = self.name("entry");
        let mut found = tproc::wait_for(&name, "it.Entry/1", None).unwrap();
        assert_eq!((found.version, found.size, found.pid, found.ended), (7, 128, peer, false));
        assert_eq!(code_of(tproc::lookup(&name, "it.Other/1")), EPROTOTYPE);
        assert!(tproc::lookup(&name, "it.Entry/1").unwrap().is_some());
        assert_eq!(code_of(found.watch(Some(SOON))), ETIMEDOUT);
        self.tell("found");
        found.watch(None).unwrap();
        assert!(tproc::lookup(&name, None).unwrap().is_none());
        self.tell("gone");
    }

    fn use_locks(&self) {
        begin("mutex");
        self.hear("locked");
        assert!(self.mutex.try_lock().unwrap().is_none());
        assert_eq!(code_of(self.mutex.lock_within(Some(SOON))), ETIMEDOUT);
        self.tell("busy");
        self.hear("free");
        assert!(self.has(41));
        self.set(42);
        self.tell("done");

        begin("condition");
        let held = self.mutex.lock().unwrap();
        self.tell("waiting");
        let mut held = self.condition.wait_while(held, |value| *value != 50).unwrap();
        *held = 51;
        self.condition.notify_all();
        drop(held);

        begin("event");
        self.event.wait(|| self.has(60)).unwrap();
        self.set(61);
        self.event.signal();

        begin("semaphore");
        self.semaphore.acquire().unwrap();
        assert!(self.semaphore.try_acquire() && !self.semaphore.try_acquire());
        assert_eq!(code_of(self.semaphore.acquire_within(SOON)), ETIMEDOUT);
        self.tell("taken");
        self.semaphore.acquire().unwrap();
        self.tell("got");

        begin("barrier");
        self.tell(&self.pass_barrier().to_string());
        self.barrier.leave().unwrap();

        begin("once");
        self.hear("once");
        self.once.call(|| panic!("it has been done")).unwrap();
        self.tell("not again");
    }

    fn use_channels(&self) {
        begin("batch");
        let batch = Receiver::open(&self.name("batch"), None).unwrap();
        self.tell("open");
        let mut messages = Vec::new();
        while messages.len() < 3 {
            assert_eq!(tproc::select(&[Selection::Receiver(&batch)], None).unwrap(), [0]);
            batch.receive_batch(&mut messages, 8).unwrap();
        }
        assert!(messages.iter().map(|each| each.data[0]).eq(0..3));
        assert!(batch.receive().unwrap().is_none());
        self.tell("three");

        begin("close");
        let shut = Receiver::open(&self.name("shut"), None).unwrap();
        assert_eq!(code_of(shut.try_receive()), 11);
        drop(shut);
        self.tell("shut");
    }

    fn use_death(&self) {
        begin("death");
        let block = Block::new(8).unwrap();
        let _kept = tproc::publish_kept(&self.name("kept"), "", &block, 0).unwrap();
        begin("end");
        let mut held = self.mutex.lock().unwrap();
        *held = 70;
        self.tell("locked");
        unsafe { raise(SIGKILL) };
    }
}

fn make(prefix: String) -> tproc::Result<()> {
    let name = |of: &str| format!("{}.{}", prefix, of);
    let all = Conformance {
        output: Sender::create(16)?,
        input: Receiver::create(16)?,
        mutex: Mutex::new(0)?,
        condition: Condition::new()?,
        event: Event::new()?,
        semaphore: Semaphore::new(2)?,
        barrier: Barrier::new(2)?,
        once: Once::new()?,
        prefix: prefix.clone(),
    };
    let _published = [
        all.mutex.publish(&name("mutex"), "it.Mutex/1")?,
        all.condition.publish(&name("condition"), "it.Condition/1")?,
        all.event.publish(&name("event"), "it.Event/1")?,
        all.semaphore.publish(&name("semaphore"), "it.Semaphore/1")?,
        all.barrier.publish(&name("barrier"), "it.Barrier/1")?,
        all.once.publish(&name("once"), "it.Once/1")?,
    ];
    let block = Block::new(128)?;
    let entry = tproc::publish(&name("entry"), "it.Entry/1", &block, 7)?;
    all.output.publish(&name("there"))?;
    all.input.publish(&name("back"))?;
    let peer = all.hear_number() as i32;
    all.tell(&own_pid().to_string());
    all.make_messages();
    all.make_arena();
    all.make_gift(peer);
    all.make_registry(entry);
    all.make_locks();
    all.make_channels();
    begin("errors");
    all.wrong_calls();
    all.make_death();
    begin("end");
    Ok(())
}

fn use_it(prefix: String) -> tproc::Result<()> {
    let name = |of: &str| format!("{}.{}", prefix, of);
    let all = Conformance {
        input: Receiver::open(&name("there"), None)?,
        output: Sender::open(&name("back"), None)?,
        mutex: Mutex::open(&name("mutex"), "it.Mutex/1", None)?,
        condition: Condition::open(&name("condition"), "it.Condition/1", None)?,
        event: Event::open(&name("event"), "it.Event/1", None)?,
        semaphore: Semaphore::open(&name("semaphore"), "it.Semaphore/1", None)?,
        barrier: Barrier::open(&name("barrier"), "it.Barrier/1", None)?,
        once: Once::open(&name("once"), "it.Once/1", None)?,
        prefix: prefix.clone(),
    };
    all.tell(&own_pid().to_string());
    let peer = all.hear_number() as i32;
    all.use_messages();
    all.use_registry(peer);
    all.use_locks();
    all.use_channels();
    begin("errors");
    all.wrong_calls();
    all.use_death();
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() < 3 {
        exit(2);
    }
    std::panic::set_hook(Box::new(|failed| {
        eprintln!("Rust, step {}: {}", STEP.lock().unwrap(), failed);
        exit(1);
    }));
    if arguments.len() > 3 {
        tproc::attach(&arguments[3]).unwrap();
    }
    begin("start");
    let run = if arguments[1] == "make" { make } else { use_it };
    run(arguments[2].clone()).unwrap();
}
