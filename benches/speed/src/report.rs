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
        let mut options = Self { rows: Vec::new(), rounds: 5, objects: 1_000_000 };
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
    /// The pairs with a ratio each, smallest ratio first.
    fn sorted(&self) -> Vec<(f64, f64, f64)> {
        let mut pairs: Vec<_> =
            self.pairs.iter().map(|(measured, floor)| (measured / floor, *measured, *floor)).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        pairs
    }
}

/// The middle one of sorted pairs; of an even number the worse of the two in the middle, so that no row is flattered.
fn median(sorted: &[(f64, f64, f64)], target: Target) -> (f64, f64, f64) {
    let middle = match target {
        Target::AtLeast(_) => sorted.len().saturating_sub(1) / 2,
        Target::AtMost(_) => sorted.len() / 2,
    };
    sorted.get(middle).copied().unwrap_or((f64::NAN, f64::NAN, f64::NAN))
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.sorted();
        let (ratio, measured, floor) = median(&pairs, self.target);
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
        if let [(least, ..), .., (most, ..)] = pairs.as_slice() {
            write!(f, "  (min {least:.2}, median {ratio:.2}, max {most:.2} of {} rounds)", pairs.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratios: &[f64], target: Target) -> String {
        Row { what: "row".into(), unit: "MB/s", pairs: ratios.iter().map(|ratio| (*ratio, 1.0)).collect(), target }
            .to_string()
    }

    #[test]
    fn the_median_round_is_judged_and_no_other() {
        let fast_once = row(&[0.4, 0.9, 0.5], Target::AtLeast(0.6));
        assert!(fast_once.contains("ratio   0.50"), "{fast_once}");
        assert!(fast_once.contains(": short  (min 0.40, median 0.50, max 0.90 of 3 rounds)"), "{fast_once}");
        assert!(row(&[0.7, 0.6, 0.1], Target::AtLeast(0.6)).contains(": OK"));
        assert!(row(&[3.0, 1.0, 2.0], Target::AtMost(2.0)).contains("median 2.00"));
    }

    #[test]
    fn of_an_even_number_of_rounds_the_worse_of_the_two_in_the_middle_counts() {
        assert!(row(&[0.1, 0.5, 0.7, 0.9], Target::AtLeast(0.6)).contains("median 0.50"));
        assert!(row(&[0.1, 0.5, 0.7, 0.9], Target::AtMost(0.6)).contains("median 0.70"));
    }

    #[test]
    fn a_single_round_has_no_spread() {
        assert!(!row(&[0.7], Target::AtLeast(0.6)).contains("min"));
    }
}
