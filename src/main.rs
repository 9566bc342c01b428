//! The `deltastore` binary.

fn main() -> std::process::ExitCode {
    deltastore_allocator::return_freed_pages_at_once();
    deltastore::cli::main()
}
