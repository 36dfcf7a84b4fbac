//! Parts of a study that are left out: what could not be done is named with its reason, and ends nothing else.

use super::error::TrainError;
use serde::Serialize;

/// A context, or another part of a study, that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why nothing is said about it.
    pub why: String,
}

/// What was done of several named parts, in their order; what failed is added to `skipped`.
///
/// # Errors
/// [`TrainError::Interrupted`] where that is why a part failed.
pub(super) fn done<T>(
    parts: Vec<(String, Result<T, TrainError>)>,
    skipped: &mut Vec<Skipped>,
) -> Result<Vec<T>, TrainError> {
    let mut out = Vec::with_capacity(parts.len());
    for (name, outcome) in parts {
        match outcome {
            Ok(value) => out.push(value),
            Err(TrainError::Interrupted) => return Err(TrainError::Interrupted),
            Err(e) => skipped.push(Skipped { name, why: e.to_string() }),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_named_and_an_interruption_ends_all() {
        let mut skipped = Vec::new();
        let odd = || ("b".to_owned(), Err(TrainError::Learner("odd".to_owned())));
        let found = done(vec![("a".to_owned(), Ok(1)), odd(), ("c".to_owned(), Ok(3))], &mut skipped).unwrap();
        assert_eq!(found, [1, 3]);
        assert_eq!(skipped, [Skipped { name: "b".to_owned(), why: "training failed: odd".to_owned() }]);
        let ended = done::<u8>(vec![odd(), ("c".to_owned(), Err(TrainError::Interrupted))], &mut skipped);
        assert_eq!(ended, Err(TrainError::Interrupted));
    }
}
