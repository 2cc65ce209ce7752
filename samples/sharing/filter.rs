//! filter FROM TO: takes wrong readings out of each batch, in place, and sends it on.

/// As the others have it: `struct Reading` in report.hpp.
#[repr(C)]
#[derive(Clone, Copy)]
struct Reading {
    station: u32,
    hour: u32,
    celsius: f64,
}

// Numbers only: any bytes are one.
unsafe impl tproc::Shared for Reading {}

fn is_right(reading: &Reading) -> bool {
    reading.hour < 24 && (-90.0..60.0).contains(&reading.celsius)
}

fn without_wrong(readings: &mut tproc::SharedVec<Reading>) {
    let mut right = 0;
    for i in 0..readings.len() {
        if is_right(&readings[i]) {
            readings[right] = readings[i];
            right += 1;
        }
    }
    readings.truncate(right);
}

fn main() -> tproc::Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let from = tproc::Receiver::open(&names[0], None)?;
    let to = tproc::Sender::open(&names[1], None)?;
    for message in from.iter() {
        let message = message?;
        if let Some(block) = message.block {
            let mut readings = tproc::SharedVec::<Reading>::from_block(block)?;
            without_wrong(&mut readings);
            to.send(&message.data, Some(readings.into_block()))?;
        }
    }
    Ok(())
}
