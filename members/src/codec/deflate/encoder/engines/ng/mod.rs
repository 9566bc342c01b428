pub(crate) mod matcher;
pub(crate) mod medium;
