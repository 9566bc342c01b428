//! Tests of the format through its public interface.

mod golden;
mod malformed;
mod roundtrip;
mod samples;
