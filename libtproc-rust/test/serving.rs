//! Started by a pool of RustIT's.

use tproc::{Block, Failure, Request, Response};

fn handle(request: &mut Request) -> Result<Response, Failure> {
    let block = request.take_block();
    match request.data() {
        b"panic" => panic!("it was to"),
        b"panic with a value" => std::panic::panic_any(7),
        b"refuse" => Err(Failure::new(95, "not this one")),
        b"no code" => Err(Failure::new(0, "no code")),
        b"large" => Ok(vec![7; 100_000].into()),
        b"block" => {
            let mut block = block.map_or_else(|| Block::new(8), Ok)?;
            block[0] += 1;
            Ok(block.into())
        }
        b"number" => Ok(format!("request {}, {} buffers", request.id(), request.buffer_count()).into()),
        text => Ok(text.iter().rev().copied().collect::<Vec<u8>>().into()),
    }
}

fn main() {
    std::panic::set_hook(Box::new(|_| ()));
    tproc::serve(handle).unwrap();
}
