//! Names of an archive's objects.
//!
//! ```text
//! plan/<plan-id>/{plan.parquet,plan.json}
//! run/<run-id>/{run.json,calls/part-00042.parquet,utterances/part-00042-<attempt>.parquet}
//! ```

/// Folder of plans.
pub(crate) const PLANS: &str = "plan";
/// Folder of runs.
pub(crate) const RUNS: &str = "run";

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn plan_json(plan: &str) -> String {
    format!("{PLANS}/{plan}/plan.json")
}

pub(crate) fn plan_table(plan: &str) -> String {
    format!("{PLANS}/{plan}/plan.parquet")
}

pub(crate) fn run_json(run: &str) -> String {
    format!("{RUNS}/{run}/run.json")
}

pub(crate) fn calls_folder(run: &str) -> String {
    format!("{RUNS}/{run}/calls")
}

pub(crate) fn utterances_folder(run: &str) -> String {
    format!("{RUNS}/{run}/utterances")
}

/// Name of the object whose creation commits a part.
pub(crate) fn calls(run: &str, part: u32) -> String {
    format!("{}/part-{part:05}.parquet", calls_folder(run))
}

/// Base name of the utterances of an attempt at a part.
pub(crate) fn utterances(part: u32, attempt: &str) -> String {
    format!("part-{part:05}-{attempt}.parquet")
}

/// Number of the part that an object of a run belongs to, temporary ones included.
pub(crate) fn part_of(base: &str) -> Option<u32> {
    let base = base.strip_prefix('.').unwrap_or(base);
    let digits = base.strip_prefix("part-")?;
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    digits[..end].parse().ok()
}

/// Number of the part that an object of the folder of calls commits.
pub(crate) fn committed(base: &str) -> Option<u32> {
    base.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for part in [0, 42, 99_999, 100_000, u32::MAX] {
            let name = calls("r", part);
            let base = name.rsplit('/').next().unwrap();
            assert_eq!((committed(base), part_of(base)), (Some(part), Some(part)));
            assert_eq!((committed(&utterances(part, "ab")), part_of(&utterances(part, "ab"))), (None, Some(part)));
            assert_eq!(part_of(&format!(".{base}.7.tmp")), Some(part));
        }
        assert_eq!((part_of("notes.txt"), part_of("part-x"), committed("part-1.csv")), (None, None, None));
    }
}
