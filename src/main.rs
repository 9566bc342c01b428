//! The `deltastore` binary.

fn main() -> std::process::ExitCode {
    deltastore_allocator::return_freed_pages_soon();
    deltastore::cli::main()
}
