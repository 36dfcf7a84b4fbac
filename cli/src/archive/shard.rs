//! Which parts are asked for: all, one, or a shard of them, by number or by what an engine's environment says.

use super::{Stop, mismatch};

/// Every N-th part from the I-th on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: u32,
    /// How many shards there are.
    count: u32,
}

impl Shard {
    fn new(index: u32, count: u32) -> Result<Self, Stop> {
        if index < count {
            return Ok(Self { index, count });
        }
        Err(mismatch(format!("shard {index} of {count}: expected an index from 0 to {}", count.saturating_sub(1))))
    }

    /// Whether a part belongs to it.
    pub fn holds(&self, part: u32) -> bool {
        part % self.count == self.index
    }

    /// `I/N`, `env/N` or `env`; `variable` looks into the environment.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Stop> {
        let number = |what: &str, t: &str| {
            t.parse::<u32>()
                .map_err(|_| mismatch(format!("--shard: {what} is \"{t}\": expected a whole number from 0")))
        };
        match text.split_once('/') {
            Some(("env", count)) => Self::new(index(variable)?.1, number("the number of shards", count)?),
            Some((index, count)) => Self::new(number("the index", index)?, number("the number of shards", count)?),
            None if text == "env" => Self::of_environment(variable),
            None => Err(mismatch(format!("--shard {text}: expected I/N, env/N or env"))),
        }
    }

    /// Index and number of shards by what an engine says.
    fn of_environment(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Stop> {
        let (name, index) = index(variable)?;
        let unknown = || {
            mismatch(format!(
                "--shard env: {name} says which shard this is, and nothing says of how many: expected --shard env/N"
            ))
        };
        let count = |name: &str| variable(name).and_then(|v| v.trim().parse::<u32>().ok());
        match name {
            "AWS_BATCH_JOB_ARRAY_INDEX" => Self::new(index, count("AWS_BATCH_JOB_ARRAY_SIZE").ok_or_else(unknown)?),
            // Some indices of an array can be run again: then their number is not that of the shards.
            "SLURM_ARRAY_TASK_ID" => {
                match (count("SLURM_ARRAY_TASK_MIN"), count("SLURM_ARRAY_TASK_MAX"), count("SLURM_ARRAY_TASK_COUNT")) {
                    (Some(0), Some(max), Some(n)) if max.checked_add(1) == Some(n) => Self::new(index, n),
                    _ => Err(unknown()),
                }
            }
            _ => Err(unknown()),
        }
    }
}

/// Variables in which engines say which of several equal jobs this is: Slurm arrays, Kubernetes indexed jobs, AWS Batch arrays.
const INDICES: [&str; 3] = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"];

/// The only one of them that is set, and its number.
fn index(variable: &dyn Fn(&str) -> Option<String>) -> Result<(&'static str, u32), Stop> {
    let set: Vec<(&'static str, String)> = INDICES.into_iter().filter_map(|n| Some((n, variable(n)?))).collect();
    match &set[..] {
        [(name, text)] => match text.trim().parse() {
            Ok(index) => Ok((name, index)),
            Err(_) => Err(mismatch(format!("--shard env: {name} is \"{text}\": expected a whole number from 0"))),
        },
        [] => Err(mismatch(format!("--shard env: expected one of {} in the environment", INDICES.join(", ")))),
        several => {
            let names: Vec<&str> = several.iter().map(|s| s.0).collect();
            Err(mismatch(format!("--shard env: {} are both set: expected --shard I/N", names.join(" and "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn parse(text: &str, environment: &[(&str, &str)]) -> Option<(u32, u32)> {
        let variables: HashMap<&str, &str> = environment.iter().copied().collect();
        Shard::parse(text, &|n| variables.get(n).map(|v| (*v).to_owned())).ok().map(|s| (s.index, s.count))
    }

    #[test]
    fn engines_say_which_shard_it_is() {
        assert_eq!(parse("2/5", &[]), Some((2, 5)));
        for text in ["5/5", "1/0", "-1/5", "a/5", "1/", "1", "", "env", "env/5"] {
            assert_eq!(parse(text, &[]), None, "{text}");
        }
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_MIN", "0"),
            ("SLURM_ARRAY_TASK_MAX", "9"),
            ("SLURM_ARRAY_TASK_COUNT", "10"),
        ];
        assert_eq!((parse("env", &slurm), parse("env/20", &slurm)), (Some((3, 10)), Some((3, 20))));
        // `--array=3,9` runs two again.
        let mut again = slurm;
        (again[1].1, again[3].1) = ("3", "2");
        assert_eq!((parse("env", &again), parse("env/10", &again)), (None, Some((3, 10))));
        let job = [("JOB_COMPLETION_INDEX", "0")];
        assert_eq!((parse("env", &job), parse("env/4", &job)), (None, Some((0, 4))));
        assert_eq!(parse("env/4", &[("JOB_COMPLETION_INDEX", "x")]), None);
        assert_eq!(parse("env/4", &[("JOB_COMPLETION_INDEX", "4")]), None);
        let batch = [("AWS_BATCH_JOB_ARRAY_INDEX", "1"), ("AWS_BATCH_JOB_ARRAY_SIZE", "6")];
        assert_eq!(parse("env", &batch), Some((1, 6)));
        assert_eq!(parse("env/4", &[batch[0], job[0]]), None);
    }

    #[test]
    fn shards_hold_every_part_once() {
        for part in 0..100 {
            let held = (0..7).filter(|i| Shard { index: *i, count: 7 }.holds(part)).count();
            assert_eq!(held, 1);
        }
    }
}
