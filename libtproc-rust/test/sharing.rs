//! Hosted by RustIT: what the crate promises, alone and with Java.  sharing [CHANNEL BACK [threads] | SOCKET]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tproc::{Barrier, Block, Channel, Condition, Event, Message, Mutex, Once, Receiver, Selection, Semaphore, Sender};
use tproc::{SharedBox, SharedVec};

const SOON: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
struct Point {
    x: f64,
    y: f64,
}

unsafe impl tproc::Shared for Point {}

#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Wide([u8; 32]);

unsafe impl tproc::Shared for Wide {}

fn refused<T>(code: i32, result: tproc::Result<T>) {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => assert_eq!(error.code(), code, "{}", error),
    }
}

fn heap() -> tproc::Result<()> {
    let mut point = SharedBox::new(Point { x: 1.0, y: 2.0 })?;
    point.y += 1.0;
    let block = point.into_block();
    refused(22, SharedBox::<[Point; 100]>::from_block(Block::new(16)?));
    let again = SharedBox::<Point>::from_block(block)?;
    assert_eq!(*again, Point { x: 1.0, y: 3.0 });

    let mut numbers = SharedVec::with_capacity(0)?;
    for i in 0..1000u32 {
        numbers.push(i)?;
    }
    numbers.truncate(900);
    assert_eq!(numbers.iter().sum::<u32>(), 899 * 900 / 2);
    let mut block = numbers.into_block();
    block[..8].copy_from_slice(&u64::MAX.to_ne_bytes());
    refused(22, SharedVec::<u32>::from_block(block));

    refused(22, SharedVec::<()>::with_capacity(1));
    refused(22, SharedVec::<()>::from_block(Block::new(64)?));
    refused(22, SharedVec::<Wide>::from_block(Block::new(64)?));

    refused(12, Block::new(1 << 60));
    assert!(Block::new(100)?.iter().all(|&byte| byte == 0));
    assert_eq!(Block::aligned(100, 4096)?.address() % 4096, 0);
    assert_eq!(Block::aligned(100, 1)?.address() % 16, 0);
    for alignment in [0, 3, 24] {
        refused(22, Block::aligned(1, alignment));
    }
    let (kept, error) = Block::new(1)?.give(1).unwrap_err();
    assert_eq!(error.code(), 3);
    kept.give(tproc::HOST).map_err(|(_, error)| error)
}

/// As tproc_share_abi.h has it: what a program in C or C++ fills.
fn arenas() -> tproc::Result<()> {
    const EPROTO: i32 = 71;
    const EPROTOTYPE: i32 = 91;
    let mut block = Block::new(4096)?;
    refused(EPROTO, block.root("it.Words/1"));
    let root = block.address() as u64 + 1152;
    block[..8].copy_from_slice(b"tprocarn");
    for (at, value) in [(8, 4096), (16, 2048), (24, root)] {
        block[at..at + 8].copy_from_slice(&u64::to_ne_bytes(value));
    }
    block[32..42].copy_from_slice(b"it.Words/1");
    assert_eq!(block.root("it.Words/1")? as u64, root);
    refused(EPROTOTYPE, block.root("it.Word"));
    refused(22, block.root("a\0b"));
    Ok(())
}

fn locks() -> tproc::Result<()> {
    let counter = Mutex::new([0u64; 2])?;
    let _published = counter.publish("it.rust.counter", "it.Counter/1")?;
    let other = Mutex::<[u64; 2]>::open("it.rust.counter", "it.Counter/1", None)?;
    refused(22, Mutex::<[u64; 100]>::open("it.rust.counter", "it.Counter/1", None));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..1000 {
                    let mut counts = other.lock().unwrap();
                    counts[0] += 1;
                    counts[1] += 1;
                }
            });
        }
    });
    let held = counter.lock()?;
    assert_eq!(*held, [4000, 4000]);
    assert!(!held.owner_died());
    refused(35, other.lock());
    std::thread::scope(|threads| {
        threads.spawn(|| {
            assert!(other.try_lock().unwrap().is_none());
            refused(110, other.lock_within(Some(Duration::from_millis(1))));
        });
    });
    Ok(())
}

fn conditions() -> tproc::Result<()> {
    let value = Mutex::new(0u32)?;
    let changed = Condition::new()?;
    let _published = changed.publish("it.rust.changed", "it.Condition/1")?;
    let other = Condition::open("it.rust.changed", "it.Condition/1", None)?;
    let mut held = value.lock()?;
    loop {
        let (again, in_time) = changed.wait_within(held, SOON)?;
        held = again;
        if !in_time {
            break; // it may also return without a reason
        }
    }
    std::thread::scope(|threads| {
        threads.spawn(|| {
            *value.lock().unwrap() = 1;
            other.notify_all();
            drop(other.wait_while(value.lock().unwrap(), |value| *value != 2).unwrap());
        });
        held = changed.wait_while(held, |value| *value == 0).unwrap();
        *held = 2;
        changed.notify_all();
        drop(held);
    });
    assert_eq!(*value.lock()?, 2);
    Ok(())
}

fn events() -> tproc::Result<()> {
    let value = AtomicU32::new(0); // of this process's threads
    let changed = Event::new()?;
    refused(110, changed.wait_within(SOON, || value.load(Ordering::Acquire) == 1));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            value.store(1, Ordering::Release);
            changed.signal();
        });
        changed.wait(|| value.load(Ordering::Acquire) == 1).unwrap();
    });
    changed.wait_within(SOON, || true)
}

fn semaphores() -> tproc::Result<()> {
    let permits = Semaphore::new(1)?;
    assert!(permits.try_acquire() && !permits.try_acquire());
    refused(110, permits.acquire_within(SOON));
    std::thread::scope(|threads| {
        threads.spawn(|| permits.release().unwrap());
        permits.acquire().unwrap();
    });
    refused(75, Semaphore::new(u32::MAX)?.release());
    Ok(())
}

fn barriers() -> tproc::Result<()> {
    let barrier = Barrier::new(3)?;
    let last = AtomicU32::new(0);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..50 {
                    last.fetch_add(barrier.wait().unwrap().into(), Ordering::Relaxed);
                }
                barrier.leave().unwrap();
            });
        }
    });
    assert_eq!(last.into_inner(), 50);
    refused(2, barrier.leave());
    refused(110, Barrier::new(2)?.wait_within(SOON));
    refused(22, Barrier::new(65)?.wait());
    Ok(())
}

/// It is done by the one that does not panic.
fn onces() -> tproc::Result<()> {
    let once = Once::new()?;
    let calls = AtomicU32::new(0);
    let count = || {
        once.call(|| {
            if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                std::panic::resume_unwind(Box::new(())); // without a word
            }
        })
    };
    std::thread::scope(|threads| assert!(threads.spawn(count).join().is_err()));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| count().unwrap());
        }
    });
    assert_eq!(calls.into_inner(), 2);
    let nested = Once::new()?;
    nested.call(|| refused(35, nested.call(|| ())))
}

fn names() -> tproc::Result<()> {
    let block = Block::new(64)?;
    assert_eq!(tproc::lookup("it.rust.name", "t")?, None);
    let published = tproc::publish("it.rust.name", "t", &block, 3)?;
    let found = tproc::lookup("it.rust.name", "t")?.unwrap();
    assert_eq!((found.address, found.size, found.version), (block.address(), 64, 3));
    assert_eq!(found, published.entry());
    refused(17, tproc::publish("it.rust.name", "t", &block, 3));
    refused(91, tproc::lookup("it.rust.name", "u"));
    assert_eq!(tproc::lookup("it.rust.name", None)?.unwrap().id, found.id);
    drop(tproc::publish_kept("it.rust.kept", "t", &block, 3)?);
    refused(22, tproc::publish(&"n".repeat(96), "t", &block, 3));
    refused(110, tproc::wait_for("it.rust.none", "t", Some(Duration::from_millis(1))));
    assert!(tproc::entries()?.contains(&found));
    let mut watched = found.clone();
    refused(110, watched.watch(Some(Duration::from_millis(1))));
    drop(published);
    watched.watch(None)?;
    assert_eq!(tproc::lookup("it.rust.name", "t")?, None);
    Ok(())
}

fn queues() -> tproc::Result<()> {
    let receiver = Channel::receiver("it.rust.queue", 2)?;
    let sender = Sender::open("it.rust.queue", None)?;
    refused(11, receiver.try_receive());
    refused(22, sender.send(&[0; 49], None));
    sender.send(b"one", None)?;
    sender.send(b"two", Some(SharedVec::from_slice(&[7u16])?.into_block()))?;
    assert!(sender.try_send(b"three", Some(Block::new(8)?))?.unwrap_err().is_some());
    refused(110, sender.send_within(b"four", None, Some(Duration::from_millis(1))));
    assert_eq!(receiver.receive()?.unwrap().data, b"one");
    let message = receiver.receive()?.unwrap();
    assert_eq!(SharedVec::<u16>::from_block(message.block.unwrap())?[0], 7);
    drop(sender);
    assert!(receiver.receive()?.is_none());
    Ok(())
}

fn batches() -> tproc::Result<()> {
    let receiver = Receiver::create(4)?;
    let sender = Sender::open_id(receiver.id())?;
    assert_eq!(sender.peers()?, (1, 1));
    let message = |i: u8| Message { data: vec![i], block: Block::new(8).ok() };
    let mut messages: Vec<Message> = (0..6).map(message).collect();
    assert_eq!(sender.send_batch(&mut messages)?, 4);
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].data, [4]);
    messages[1].data = vec![0; 49];
    refused(22, sender.send_batch(&mut messages));
    let mut got = Vec::new();
    assert_eq!((receiver.receive_batch(&mut got, 3)?, receiver.receive_batch(&mut got, 3)?), (3, 1));
    assert_eq!(got.iter().map(|each| each.data[0]).collect::<Vec<u8>>(), [0, 1, 2, 3]);
    assert!(got.iter().all(|each| each.block.is_some()));
    drop(sender);
    assert_eq!(receiver.receive_batch(&mut got, 3)?, 0);
    refused(116, Sender::open_id(u64::MAX));
    Ok(())
}

fn selections() -> tproc::Result<()> {
    let (first, second) = (Receiver::create(1)?, Receiver::create(1)?);
    let sender = Sender::open_id(second.id())?;
    let ends = [Selection::Receiver(&first), Selection::Receiver(&second)];
    refused(110, tproc::select(&ends, Some(SOON)));
    assert_eq!(tproc::select(&[ends[0], Selection::Sender(&sender)], None)?, [1]);
    std::thread::scope(|threads| {
        threads.spawn(|| sender.send(b"second", None).unwrap());
        assert_eq!(tproc::select(&ends, None).unwrap(), [1]);
    });
    refused(22, tproc::select(&[], None));
    drop(sender);
    assert_eq!(tproc::select(&ends, None)?, [1]);
    Ok(())
}

/// A thread that sleeps in receive() keeps no other one waiting longer than it wants to, and each message comes once.
fn turns() -> tproc::Result<()> {
    let receiver = Channel::receiver("it.rust.turns", 4)?;
    let sender = Sender::open("it.rust.turns", None)?;
    std::thread::scope(|scope| {
        let all = |_| scope.spawn(|| receiver.iter().map(|each| each.unwrap().data[0]).collect::<Vec<u8>>());
        let threads: Vec<_> = (0..2).map(all).collect();
        for _ in 0..100 {
            refused(110, receiver.receive_within(Some(Duration::from_millis(1))));
            refused(11, receiver.try_receive());
        }
        let mut got = Vec::new();
        for i in 0..200 {
            sender.send(&[i], None)?;
            if let Ok(message) = receiver.try_receive() {
                got.push(message.unwrap().data[0]);
            }
        }
        drop(sender);
        for each in threads {
            got.extend(each.join().unwrap());
        }
        got.sort_unstable();
        assert_eq!(got, (0..200).collect::<Vec<u8>>());
        Ok(())
    })
}

/// Gives back to Java what it sends, doubled.
fn with_java(input: &str, output: &str) -> tproc::Result<()> {
    let receiver = Receiver::open(input, None)?;
    let sender = Sender::open(output, None)?;
    for message in receiver.iter() {
        let message = message?;
        let mut block = message.block.expect("a block");
        block[0] *= 2;
        sender.send(&message.data, Some(block))?;
    }
    Ok(())
}

/// Threads send through one end, of a channel that is for one thread at a time.
fn with_threads(output: &str) -> tproc::Result<()> {
    let sender = Sender::open(output, None)?;
    let send = |number: u32| match number % 3 {
        0 => sender.send(&number.to_ne_bytes(), None).unwrap(),
        1 => while sender.try_send(&number.to_ne_bytes(), None).unwrap().is_err() {},
        _ => {
            let mut batch = vec![Message { data: number.to_ne_bytes().to_vec(), block: None }];
            assert_eq!(sender.send_batch(&mut batch).unwrap(), 1);
        }
    };
    std::thread::scope(|threads| {
        for first in 0..4 {
            threads.spawn(move || (0..10_000).for_each(|i| send(4 * i + first)));
        }
    });
    Ok(())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() == 2 {
        tproc::attach(&arguments[1]).unwrap();
    }
    assert_eq!(tproc::is_threadproc(), arguments.len() != 2);
    if arguments.len() == 4 {
        return with_threads(&arguments[2]).unwrap();
    }
    heap().unwrap();
    arenas().unwrap();
    locks().unwrap();
    conditions().unwrap();
    events().unwrap();
    semaphores().unwrap();
    barriers().unwrap();
    onces().unwrap();
    names().unwrap();
    queues().unwrap();
    batches().unwrap();
    selections().unwrap();
    refused(2, tproc::serve(|_| Ok(())));
    turns().unwrap();
    if arguments.len() == 3 {
        with_java(&arguments[1], &arguments[2]).unwrap();
    }
}
