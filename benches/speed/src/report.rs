//! What is asked for, and how a result is shown.

use std::fmt;

/// The command line.
pub struct Options {
    rows: Vec<String>,
    pub rounds: usize,
    /// Objects of the large bucket.
    pub objects: usize,
}

impl Options {
    pub fn from_arguments() -> Self {
        let mut options = Self { rows: Vec::new(), rounds: 3, objects: 1_000_000 };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next().and_then(|text| text.parse().ok()).expect("a number after the option");
            match argument.as_str() {
                "--rounds" => options.rounds = number(),
                "--objects" => options.objects = number(),
                row => options.rows.push(row.to_owned()),
            }
        }
        options
    }

    pub fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }
}

/// Which way a ratio must point.
#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn met(self, ratio: f64) -> bool {
        match self {
            Target::AtLeast(limit) => ratio >= limit,
            Target::AtMost(limit) => ratio <= limit,
        }
    }
}

/// One row: pairs of what was measured and its floor, in the unit given.
pub struct Row {
    pub what: String,
    pub unit: &'static str,
    pub pairs: Vec<(f64, f64)>,
    pub target: Target,
}

impl Row {
    fn best(&self) -> (f64, f64) {
        let ratio = |pair: &&(f64, f64)| pair.0 / pair.1;
        let by_ratio = |a: &&(f64, f64), b: &&(f64, f64)| ratio(a).total_cmp(&ratio(b));
        let found = match self.target {
            Target::AtLeast(_) => self.pairs.iter().max_by(by_ratio),
            Target::AtMost(_) => self.pairs.iter().min_by(by_ratio),
        };
        found.copied().unwrap_or((f64::NAN, f64::NAN))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (measured, floor) = self.best();
        let ratio = measured / floor;
        let (sign, limit) = match self.target {
            Target::AtLeast(limit) => (">=", limit),
            Target::AtMost(limit) => ("<=", limit),
        };
        let verdict = if self.target.met(ratio) { "OK" } else { "short" };
        write!(
            f,
            "{:<46} {measured:>10.2} {} against {floor:>10.2}, ratio {ratio:>6.2}, target {sign} {limit}: {verdict}",
            self.what, self.unit
        )?;
        if self.pairs.len() > 1 {
            let all: Vec<String> =
                self.pairs.iter().map(|(measured, floor)| format!("{:.2}", measured / floor)).collect();
            write!(f, "  (rounds: {})", all.join(" "))?;
        }
        Ok(())
    }
}
