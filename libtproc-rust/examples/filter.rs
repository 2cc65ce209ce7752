//! Doubles numbers: takes arrays of f64 from one channel, and sends them on to another, without a copy.
//!
//! Usage: filter INPUT OUTPUT

fn main() -> tproc::Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let input = tproc::Receiver::open(&names[0], None)?;
    let output = tproc::Sender::open(&names[1], None)?;
    for message in input.iter() {
        let message = message?;
        if let Some(block) = message.block {
            let mut numbers = tproc::SharedVec::<f64>::from_block(block)?;
            numbers.iter_mut().for_each(|number| *number *= 2.0);
            output.send(&message.data, Some(numbers.into_block()))?;
        }
    }
    Ok(())
}
