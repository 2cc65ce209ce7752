//! Hosted by RustIT: what is done before a start, and what comes with it.  ready WORD...

fn main() {
    let loaded: u64 = (1..=1000).sum();
    let before = std::env::args_os().count();
    let arguments = tproc::ready();
    println!("{} {}", loaded, if arguments.len() > before { "waited" } else { "ordinary" });
    for each in &arguments[1..] {
        println!("{}", each.to_string_lossy());
    }
    println!("{}", std::env::var("WORD").unwrap_or_else(|_| "none".into()));
    println!("{}", std::env::current_dir().unwrap().display());
}
