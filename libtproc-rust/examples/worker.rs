//! A worker of a pool: scales Java's floats, in place.  host.workers("worker").open()

use tproc::{Failure, Request, Response};

fn scale(request: &mut Request) -> Result<Response, Failure> {
    let factor: f32 = std::str::from_utf8(request.data())?.parse()?;
    if request.buffer_count() != 1 {
        return Err(Failure::new(22, "one buffer of floats is wanted"));
    }
    let samples = request.buffer_mut(0).chunks_exact_mut(4);
    let count = samples.len();
    for sample in samples {
        let value = f32::from_ne_bytes([sample[0], sample[1], sample[2], sample[3]]);
        sample.copy_from_slice(&(value * factor).to_ne_bytes());
    }
    Ok(format!("{} samples", count).into())
}

fn main() -> tproc::Result<()> {
    tproc::serve(scale)
}
