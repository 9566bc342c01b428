//! Finding matches: what several engines share.

pub(crate) mod chains;
pub(crate) mod classic;
pub(crate) mod fill;
pub(crate) mod hash;
pub(crate) mod joined;
pub(crate) mod rsync;
pub(crate) mod sorted;
pub(crate) mod window;
