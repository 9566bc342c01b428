//! How hard the optimizer tries, bucket by bucket.

use std::fmt;
use std::str::FromStr;

use deltastore_delta::Effort;

/// What the optimizer does with a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nothing.
    Off,
    /// As little work as a PUT: expansion and newer references alone.
    Fast,
    /// A good part of what can be saved, for some tens of milliseconds a window.
    #[default]
    Balanced,
    /// All that can be saved, at a few MB/s a core.
    Max,
}

impl Policy {
    pub const ALL: [Self; 4] = [Self::Off, Self::Fast, Self::Balanced, Self::Max];

    pub(super) fn effort(self) -> Effort {
        match self {
            Self::Off | Self::Fast => Effort::fast(),
            Self::Balanced => Effort::balanced(),
            Self::Max => Effort::cold(),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Max => "max",
        })
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|policy| policy.to_string() == text);
        found.ok_or_else(|| format!("{text:?} is not off, fast, balanced or max"))
    }
}
