//! What becomes of a message, by what came of its part.

use std::time::Duration;

/// A part that failed comes back after so long, twice as long with each time.
const DELAY: Duration = Duration::from_secs(15);
/// And at most after so long.
const LONGEST: Duration = Duration::from_secs(600);

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is committed, by whomever.
    Committed,
    /// This worker was asked to leave.
    Interrupted,
    /// It cannot be done, here or elsewhere.
    Impossible(String),
    /// It could not be done now; with the exit code of a worker that can do nothing else.
    Failed(u8, String),
    /// It was given out too often and was not tried again.
    GivenUp,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Acknowledged: it is gone.
    Ack,
    /// Given back, for somebody else after a while.
    Nak(Duration),
    /// A dead letter, for this reason.
    Dead(String),
}

/// Whether a part is worth a further try.
pub fn may_try(deliveries: u64, most: u32) -> bool {
    deliveries <= u64::from(most)
}

/// Decides by what came of a part that was given out for the `deliveries`-th time, of `most`.
pub fn verdict(end: &End, deliveries: u64, most: u32) -> Verdict {
    match end {
        End::Committed => Verdict::Ack,
        End::Interrupted => Verdict::Nak(Duration::ZERO),
        End::Impossible(why) => Verdict::Dead(why.clone()),
        End::Failed(_, why) if deliveries >= u64::from(most) => {
            Verdict::Dead(format!("failed {deliveries} times, at last: {why}"))
        }
        End::Failed(..) => {
            let doublings = u32::try_from(deliveries.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
            Verdict::Nak((DELAY * 2_u32.pow(doublings)).min(LONGEST))
        }
        End::GivenUp => Verdict::Dead(format!(
            "was given out {} times, and no worker came to its end: they were killed, lost their lease, or were asked to leave",
            deliveries.saturating_sub(1)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_over_and_over_becomes_a_dead_letter_with_its_reason() {
        let failed = End::Failed(75, "the disk is full".to_owned());
        let waits: Vec<Verdict> = (1..=5).map(|n| verdict(&failed, n, 5)).collect();
        let seconds = |s| Verdict::Nak(Duration::from_secs(s));
        assert_eq!(waits[..4], [seconds(15), seconds(30), seconds(60), seconds(120)]);
        assert!(matches!(&waits[4], Verdict::Dead(why) if why.contains("5 times") && why.contains("the disk is full")));
        assert_eq!(verdict(&failed, 100, 1000), Verdict::Nak(LONGEST));
        assert!(may_try(5, 5) && !may_try(6, 5));
        assert!(matches!(verdict(&End::GivenUp, 6, 5), Verdict::Dead(why) if why.contains("5 times")));
    }

    #[test]
    fn only_a_commit_is_acknowledged() {
        assert_eq!(verdict(&End::Committed, 99, 5), Verdict::Ack);
        assert_eq!(verdict(&End::Interrupted, 99, 5), Verdict::Nak(Duration::ZERO));
        assert_eq!(verdict(&End::Impossible("no such run".to_owned()), 1, 5), Verdict::Dead("no such run".to_owned()));
    }
}
