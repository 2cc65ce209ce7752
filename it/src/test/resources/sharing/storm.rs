//! What sharing_storm.c does, in Rust:  storm COUNTER QUEUE

use std::time::Duration;
use tproc::{Block, Mutex, Receiver, Sender};

/// EAGAIN
const NOTHING_THERE: i32 = 11;

fn main() -> tproc::Result<()> {
    let names: Vec<String> = std::env::args().collect();
    let patience = Some(Duration::from_secs(60));
    let counter = Mutex::<[u64; 2]>::open(&names[1], "it.Storm/1", patience)?;
    let sender = Sender::open(&names[2], patience)?;
    let receiver = Receiver::open(&names[2], patience)?;
    let mut number = std::process::id() as u64;
    loop {
        {
            let mut numbers = counter.lock()?;
            if numbers.owner_died() {
                numbers[1] = numbers[0];
                numbers.consistent();
            }
            assert_eq!(numbers[0], numbers[1]);
            numbers[0] += 1;
            numbers[1] += 1;
        }
        match receiver.try_receive() {
            Ok(Some(message)) => assert_eq!(message.block.expect("a block")[..8], message.data[..8]),
            Ok(None) => panic!("no sender is left"),
            Err(error) if error.code() == NOTHING_THERE => (),
            Err(error) => return Err(error),
        }
        let mut block = Block::new(16 + (number % 40000) as usize)?;
        block[..8].copy_from_slice(&number.to_ne_bytes());
        let _not_sent = sender.try_send(&number.to_ne_bytes(), Some(block))?;
        number = number.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407) >> 1;
    }
}
