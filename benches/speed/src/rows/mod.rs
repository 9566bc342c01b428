//! The rows of the table.

mod large;
mod many;
mod memory;
mod range;
mod release;
mod small;

use crate::report::{Options, Row};

type Run = fn(&Options) -> Vec<Row>;

/// Every row by its name. The first list page and the start after a crash share their million objects.
pub const ALL: [(&str, Run); 8] = [
    ("put-large", large::put),
    ("get-large", large::get),
    ("put-small", small::put),
    ("get-small", small::get),
    ("release", release::run),
    ("range", range::run),
    ("memory", memory::run),
    ("many", many::run),
];
