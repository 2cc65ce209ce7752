//! Links libtproc: from TPROC_LIB_DIR, or where the linker looks.

fn main() {
    println!("cargo:rerun-if-env-changed=TPROC_LIB_DIR");
    if let Ok(directory) = std::env::var("TPROC_LIB_DIR") {
        println!("cargo:rustc-link-search=native={}", directory);
    }
    println!("cargo:rustc-link-lib=tproc");
}
